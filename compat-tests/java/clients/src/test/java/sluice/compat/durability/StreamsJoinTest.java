package sluice.compat.durability;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sluice.compat.Broker;
import sluice.compat.clients.Records;

/**
 * A windowed join of two topics with exactly_once_v2 while the broker and the application's process are killed. Every
 * pair that belongs together is there once, and no other.
 */
class StreamsJoinTest {
  private static final int PARTITIONS = 3;
  private static final int KEYS = 40;
  private static final int LIVES = 6;
  private static final int RECORDS_A_LIFE = 500;
  /** Between two records of a topic: some of those with the same key are within a window, most are not. */
  private static final int STEP_MS = 100;
  private static final Duration LIMIT = Duration.ofSeconds(120);

  /** One record of either topic. */
  private record Event(String value, long timestamp) {
    String key() {
      return JoinApplication.keyOf(value);
    }
  }

  @TempDir
  Path directory;

  @Test
  void everyPairIsJoinedOnceWhateverIsKilled() throws Exception {
    long seed = System.nanoTime();
    System.out.println("join: seed " + seed);
    Random random = new Random(seed);
    Path output = directory.resolve("application.out");
    List<Event> orders = new ArrayList<>();
    List<Event> payments = new ArrayList<>();
    Map<String, Integer> paid = new HashMap<>();
    Process application = null;
    try (Broker broker = Broker.start("java-streams-join", StreamsSettings.BROKER)) {
      for (String topic : List.of(JoinApplication.ORDERS, JoinApplication.PAYMENTS, JoinApplication.PAID)) {
        Records.createTopic(broker, topic, PARTITIONS, Map.of());
      }
      application = start(broker, 0, output);
      try (KafkaProducer<String, String> producer = Records.producer(broker, Map.of("reconnect.backoff.max.ms", 100));
          KafkaConsumer<String, String> consumer = Records.consumer(broker, Map.of("isolation.level", "read_committed", "reconnect.backoff.max.ms", 100))) {
        consumer.assign(Records.partitions(consumer, JoinApplication.PAID));
        long start = System.currentTimeMillis();
        for (int life = 1; life <= LIVES; life++) {
          for (int i = 0; i < RECORDS_A_LIFE; i++) {
            long timestamp = start + (long) orders.size() * STEP_MS;
            Event order = new Event(random.nextInt(KEYS) + ":" + orders.size(), timestamp);
            Event payment = new Event(random.nextInt(KEYS) + ":" + payments.size(), timestamp);
            orders.add(order);
            payments.add(payment);
            producer.send(new ProducerRecord<>(JoinApplication.ORDERS, null, order.timestamp(), order.key(), order.value()));
            producer.send(new ProducerRecord<>(JoinApplication.PAYMENTS, null, payment.timestamp(), null, payment.value()));
          }
          Map<String, Integer> truth = truth(orders, payments);
          // In the middle of the work, but for the last life, which comes to its end.
          boolean isLast = life == LIVES;
          readOn(consumer, paid, isLast ? truth.size() : paid.size() + (truth.size() - paid.size()) / 2, application, output);
          if (isLast) {
            assertEquals(truth, paid);
            assertEquals(0, consumer.poll(Duration.ofMillis(500)).count(), "records after the last pair");
            break;
          }
          if (life % 2 == 0) {
            application.destroyForcibly().waitFor();
            // Once with what it left on its disk, once without.
            application = start(broker, life % 4, output);
          }
          broker.kill();
          Thread.sleep(random.nextInt(300));
          broker.restart();
        }
      }
    } finally {
      if (application != null) application.destroyForcibly();
    }
  }

  private Process start(Broker broker, int state, Path output) throws Exception {
    Process application = new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp", System.getProperty("java.class.path"),
            "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", JoinApplication.class.getName(), broker.bootstrap(), directory.resolve("state-" + state).toString())
        .directory(directory.toFile()).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile())).start();
    application.getOutputStream().close();
    Runtime.getRuntime().addShutdownHook(new Thread(application::destroyForcibly));
    return application;
  }

  /** Reads until {@code count} different pairs have been seen. */
  private static void readOn(KafkaConsumer<String, String> consumer, Map<String, Integer> paid, int count, Process application, Path output) throws Exception {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (paid.size() < count) {
      for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) paid.merge(record.value(), 1, Integer::sum);
      boolean isLate = System.nanoTime() > deadline;
      if (isLate || !application.isAlive()) {
        List<String> lines = Files.readAllLines(output);
        throw new AssertionError((isLate ? "only " + paid.size() + " of " + count + " pairs came" : "the application gave up") + "\n"
            + String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size())));
      }
    }
  }

  private static Map<String, Integer> truth(List<Event> orders, List<Event> payments) {
    Map<String, List<Event>> paymentsByKey = new HashMap<>();
    for (Event payment : payments) paymentsByKey.computeIfAbsent(payment.key(), key -> new ArrayList<>()).add(payment);
    Map<String, Integer> pairs = new HashMap<>();
    for (Event order : orders) {
      for (Event payment : paymentsByKey.getOrDefault(order.key(), List.of())) {
        if (Math.abs(order.timestamp() - payment.timestamp()) > JoinApplication.WINDOW.toMillis()) continue;
        pairs.put(order.value() + " " + payment.value(), 1);
      }
    }
    assertTrue(pairs.size() > orders.size() / 2, "pairs enough");
    return pairs;
  }
}
