package sluice.compat.durability;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Produced;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sluice.compat.Broker;
import sluice.compat.clients.Records;

/**
 * A word count with exactly_once_v2 while the broker is killed and the application begins anew. Every count of every
 * word is there once and in order, as if nothing had happened.
 */
class StreamsTest {
  private static final int PARTITIONS = 3;
  private static final int KILLS = 5;
  private static final int LINES_A_LIFE = 300;
  private static final int PAUSE_MS = 5;
  private static final String[] WORDS = {"a", "broker", "that", "is", "killed", "counts", "every", "word", "once"};
  private static final Duration LIMIT = Duration.ofSeconds(90);

  @TempDir
  Path state;

  private static Topology topology() {
    StreamsBuilder builder = new StreamsBuilder();
    builder.<String, String>stream("lines")
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        // Through a topic of its own, as the lines have no keys.
        .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
        .count()
        .toStream()
        .to("counts", Produced.with(Serdes.String(), Serdes.Long()));
    return builder.build();
  }

  private KafkaStreams start(Broker broker, AtomicReference<Throwable> failure, int life) {
    KafkaStreams streams = new KafkaStreams(topology(), StreamsSettings.of("word-count", broker.bootstrap(), state.resolve("from-" + life).toString()));
    streams.setUncaughtExceptionHandler(e -> {
      failure.compareAndSet(null, e);
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.start();
    return streams;
  }

  @Test
  void everyWordIsCountedOnceWhateverIsKilled() throws Exception {
    long seed = System.nanoTime();
    System.out.println("streams: seed " + seed);
    Random random = new Random(seed);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Map<String, Long> truth = new HashMap<>();
    Map<String, Object> patient = Map.of("reconnect.backoff.max.ms", 100, "retry.backoff.max.ms", 100);
    try (Broker broker = Broker.start("java-streams", StreamsSettings.BROKER)) {
      Records.createTopic(broker, "lines", PARTITIONS, Map.of());
      Records.createTopic(broker, "counts", PARTITIONS, Map.of());
      KafkaStreams streams = start(broker, failure, 0);
      try (KafkaProducer<String, String> producer = Records.producer(broker, patient)) {
        for (int life = 0; life <= KILLS; life++) {
          for (int line = 0; line < LINES_A_LIFE; line++) {
            StringBuilder words = new StringBuilder(WORDS[random.nextInt(WORDS.length)]);
            while (random.nextInt(3) > 0) words.append(' ').append(WORDS[random.nextInt(WORDS.length)]);
            for (String word : words.toString().split(" ")) truth.merge(word, 1L, Long::sum);
            producer.send(new ProducerRecord<>("lines", words.toString()));
            Thread.sleep(PAUSE_MS);
          }
          if (life == KILLS) break;
          broker.kill();
          Thread.sleep(random.nextInt(300));
          broker.restart();
          if (life == 2) {
            // The application goes in the middle of its work, and comes back without what it had on its disk.
            streams.close(Duration.ZERO);
            streams = start(broker, failure, life);
          }
        }
        producer.flush();
        assertCounts(broker, truth, failure);
      } finally {
        streams.close(Duration.ofSeconds(20));
      }
      assertNull(failure.get(), "the application goes on");
    }
  }

  private static void assertCounts(Broker broker, Map<String, Long> truth, AtomicReference<Throwable> failure) {
    Map<String, Object> config = Map.of("bootstrap.servers", broker.bootstrap(), "isolation.level", "read_committed", "auto.offset.reset", "earliest");
    Map<String, Long> counts = new HashMap<>();
    long deadline = System.nanoTime() + LIMIT.toNanos();
    try (KafkaConsumer<String, Long> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new LongDeserializer())) {
      consumer.assign(Records.partitions(consumer, "counts"));
      consumer.seekToBeginning(List.of());
      while (!counts.equals(truth)) {
        if (failure.get() != null) throw new AssertionError("the application gave up", failure.get());
        if (System.nanoTime() > deadline) assertEquals(truth, counts);
        for (ConsumerRecord<String, Long> record : consumer.poll(Duration.ofMillis(200))) {
          Long before = counts.put(record.key(), record.value());
          assertEquals(before == null ? 1 : before + 1, record.value(), () -> "the count of " + record.key() + " at " + record.partition() + " " + record.offset());
        }
      }
      // Nothing comes after that.
      assertEquals(0, consumer.poll(Duration.ofMillis(500)).count());
    }
  }
}
