package sluice.compat.durability;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sluice.compat.Broker;
import sluice.compat.clients.Records;

/**
 * Copiers that commit and abort at random, one for each partition, from a topic to a second and at the same time from
 * there to a third, while the broker and some of the copiers are killed.
 */
class TransactionalCopierTest {
  private static final int PARTITIONS = 2;
  private static final int RECORDS = 6_000;
  private static final int KILLS = 6;
  private static final int LONGEST_WAIT_MS = 300;
  private static final List<String> TOPICS = List.of("copied-0", "copied-1", "copied-2");
  private static final Map<String, Object> READ_COMMITTED = Map.of("isolation.level", "read_committed", "reconnect.backoff.max.ms", 100);
  private static final Duration LIMIT = Duration.ofSeconds(120);

  @TempDir
  Path outputs;

  private final List<Copier> copiers = new ArrayList<>();
  /** What one reader of the copies saw through all kills, by topic and partition. */
  private final Map<TopicPartition, List<String>> seen = new HashMap<>();

  @Test
  void everyRecordArrivesOnceAndInOrderOverTwoTopicsWhateverIsKilled() throws Exception {
    long seed = System.nanoTime();
    System.out.println("copier: seed " + seed);
    Random random = new Random(seed);
    try (Broker broker = Broker.start("java-copier", "transaction.abort.timed.out.transaction.cleanup.interval.ms=500")) {
      for (String topic : TOPICS) Records.createTopic(broker, topic, PARTITIONS, Map.of());
      try (KafkaProducer<String, String> producer = Records.producer(broker, Map.of("linger.ms", 5))) {
        for (int i = 0; i < RECORDS; i++) producer.send(new ProducerRecord<>(TOPICS.get(0), i % PARTITIONS, null, Integer.toString(i)));
      }
      startCopiers(broker, 0);
      try (KafkaConsumer<String, String> consumer = Records.consumer(broker, READ_COMMITTED)) {
        List<TopicPartition> copies = new ArrayList<>();
        for (String topic : TOPICS.subList(1, TOPICS.size())) copies.addAll(Records.partitions(consumer, topic));
        for (TopicPartition copy : copies) seen.put(copy, new ArrayList<>());
        consumer.assign(copies);
        int all = RECORDS * (TOPICS.size() - 1);
        for (int kill = 1; kill <= KILLS; kill++) {
          readOn(consumer, kill * all / (KILLS + 1));
          // From the second copy when there is something: a copier ends at the end that it finds.
          if (kill == 2) startCopiers(broker, 1);
          Thread.sleep(random.nextInt(LONGEST_WAIT_MS));
          if (kill % 3 == 0) copiers.get(random.nextInt(copiers.size())).kill();
          broker.kill();
          broker.restart();
        }
        readOn(consumer, all);
      }
      seen.forEach((copy, values) -> assertEquals(input(copy.partition()), values, () -> "what a reader saw of " + copy));
      for (String topic : TOPICS) assertWhole(broker, topic);
    } catch (Throwable e) {
      for (Copier copier : copiers) System.out.println(copier.lastLines());
      throw e;
    } finally {
      copiers.forEach(Copier::close);
    }
    System.out.println("copier: " + KILLS + " kills of the broker, starts of the copiers " + copiers.stream().map(Copier::starts).toList());
  }

  /** One for each partition, from one topic to the next. */
  private void startCopiers(Broker broker, int step) throws IOException {
    for (int partition = 0; partition < PARTITIONS; partition++) {
      copiers.add(new Copier(broker, TOPICS.get(step), partition, TOPICS.get(step + 1), outputs));
    }
  }

  /** Reads until {@code count} records have been seen in all, and ends the copiers whose work is done. */
  private void readOn(KafkaConsumer<String, String> consumer, int count) {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (seen.values().stream().mapToInt(List::size).sum() < count) {
      if (System.nanoTime() > deadline) {
        Map<TopicPartition, Integer> sizes = new HashMap<>();
        seen.forEach((copy, values) -> sizes.put(copy, values.size()));
        throw new AssertionError("no " + count + " records came: " + sizes);
      }
      for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
        seen.get(new TopicPartition(record.topic(), record.partition())).add(record.value());
      }
      for (Copier copier : copiers) {
        if (seen.get(new TopicPartition(copier.to(), copier.partition())).size() >= RECORDS / PARTITIONS) copier.close();
      }
    }
  }

  private static void assertWhole(Broker broker, String topic) {
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, READ_COMMITTED)) {
      Map<Integer, List<String>> found = Records.readAll(consumer, topic).stream()
          .collect(Collectors.groupingBy(ConsumerRecord::partition, Collectors.mapping(ConsumerRecord::value, Collectors.toList())));
      for (int partition = 0; partition < PARTITIONS; partition++) {
        assertEquals(input(partition), found.get(partition), topic + "-" + partition);
      }
    }
  }

  private static List<String> input(int partition) {
    return IntStream.range(0, RECORDS).filter(i -> i % PARTITIONS == partition).mapToObj(Integer::toString).toList();
  }
}
