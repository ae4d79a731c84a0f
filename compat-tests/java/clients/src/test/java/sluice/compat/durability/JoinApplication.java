package sluice.compat.durability;

import java.time.Duration;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.StreamJoined;

/**
 * Joins payments to the orders of the same key that are near in time, as a process of its own: for a kill in the middle
 * of its work. Orders have their keys, payments get theirs from their values, through a topic between.
 */
final class JoinApplication {
  static final String ORDERS = "orders";
  static final String PAYMENTS = "payments";
  static final String PAID = "paid";
  /** How far apart two records may be that belong together. */
  static final Duration WINDOW = Duration.ofSeconds(10);
  /** Above all times of a run: which topic is read first makes no difference. */
  private static final Duration GRACE = Duration.ofHours(1);

  private JoinApplication() {}

  static Topology topology() {
    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, String> orders = builder.stream(ORDERS, Consumed.with(Serdes.String(), Serdes.String()));
    KStream<String, String> payments = builder.<String, String>stream(PAYMENTS).selectKey((none, payment) -> keyOf(payment));
    orders.join(payments, (order, payment) -> order + " " + payment, JoinWindows.ofTimeDifferenceAndGrace(WINDOW, GRACE),
            StreamJoined.with(Serdes.String(), Serdes.String(), Serdes.String()))
        .to(PAID);
    return builder.build();
  }

  /** Of an order or a payment: {@code key:number}. */
  static String keyOf(String value) {
    return value.substring(0, value.indexOf(':'));
  }

  /** Runs until it is killed; ends with 1 when it can't go on. */
  public static void main(String[] args) {
    String bootstrap = args[0];
    String stateDirectory = args[1];
    KafkaStreams streams = new KafkaStreams(topology(), StreamsSettings.of("join", bootstrap, stateDirectory));
    streams.setUncaughtExceptionHandler(e -> {
      e.printStackTrace();
      Runtime.getRuntime().halt(1);
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.start();
  }
}
