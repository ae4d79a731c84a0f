package sluice.compat.durability;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import sluice.compat.Broker;
import sluice.compat.clients.Records;

/**
 * An idempotent acks=all producer and a committing group of two, at work while the broker stops and starts. Each
 * partition gets the numbers from 0 on, so that number n belongs at offset n.
 */
final class Load implements AutoCloseable {
  private static final int PARTITIONS = 3;
  private static final int RECORDS_PER_BURST = 60;
  private static final int BURST_PAUSE_MS = 10;
  private static final String TOPIC = "load";
  private static final String GROUP = "readers";

  private final Broker broker;
  private final List<Thread> threads = new ArrayList<>();
  private final ConcurrentMap<TopicPartition, ConcurrentMap<Long, Long>> acknowledged = new ConcurrentHashMap<>();
  private final ConcurrentMap<TopicPartition, ConcurrentMap<Long, Long>> seen = new ConcurrentHashMap<>();
  private final ConcurrentMap<TopicPartition, Long> committed = new ConcurrentHashMap<>();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final AtomicInteger acks = new AtomicInteger();
  private final AtomicInteger commits = new AtomicInteger();
  private final long[] sent = new long[PARTITIONS];
  private volatile boolean stopping;

  Load(Broker broker, long seed) throws Exception {
    this.broker = broker;
    // Small segments, so that kills also meet rolls, indexes and snapshots.
    Records.createTopic(broker, TOPIC, PARTITIONS, Map.of("segment.bytes", "1048576"));
    run("producer", () -> produce(new Random(seed)));
    run("reader-1", this::consume);
    run("reader-2", this::consume);
  }

  private void run(String name, Runnable work) {
    Thread thread = new Thread(() -> {
      try {
        work.run();
      } catch (Throwable e) {
        failure.compareAndSet(null, e);
      }
    }, name);
    threads.add(thread);
    thread.start();
  }

  int acks() {
    return acks.get();
  }

  int commits() {
    return commits.get();
  }

  /** Waits until the clients have got {@code more} acknowledgements and a commit through. */
  void awaitProgress(int more) throws InterruptedException {
    int acksWanted = acks.get() + more;
    int commitsWanted = commits.get() + 1;
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (acks.get() < acksWanted || commits.get() < commitsWanted) {
      if (failure.get() != null) throw new AssertionError("a client gave up", failure.get());
      if (System.nanoTime() > deadline) {
        throw new AssertionError("no progress: " + acks + " of " + acksWanted + " acknowledged, " + commits + " of " + commitsWanted + " commits");
      }
      Thread.sleep(5);
    }
  }

  private void produce(Random random) {
    Map<String, Object> config = Map.of(
        "acks", "all",
        "compression.type", "lz4",
        "linger.ms", 1,
        "delivery.timeout.ms", 120_000,
        "request.timeout.ms", 10_000,
        "reconnect.backoff.max.ms", 100,
        "retry.backoff.max.ms", 100);
    try (KafkaProducer<String, String> producer = Records.producer(broker, config)) {
      while (!stopping) {
        for (int i = 0; i < RECORDS_PER_BURST; i++) send(producer, random.nextInt(PARTITIONS), "-".repeat(random.nextInt(1000)));
        Thread.sleep(BURST_PAUSE_MS);
      }
      producer.flush();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private void send(KafkaProducer<String, String> producer, int partition, String padding) {
    long number = sent[partition]++;
    producer.send(new ProducerRecord<>(TOPIC, partition, Long.toString(number), padding), (metadata, e) -> {
      if (e != null) {
        failure.compareAndSet(null, e);
        return;
      }
      Long other = of(acknowledged, new TopicPartition(TOPIC, partition)).put(number, metadata.offset());
      if (other != null) failure.compareAndSet(null, new AssertionError("number " + number + " acknowledged twice"));
      acks.incrementAndGet();
    });
  }

  private void consume() {
    Map<String, Object> config = Map.of(
        "group.id", GROUP,
        "session.timeout.ms", 6000,
        "heartbeat.interval.ms", 200,
        "reconnect.backoff.max.ms", 100,
        "retry.backoff.max.ms", 100,
        "max.poll.records", 200);
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, config)) {
      consumer.subscribe(List.of(TOPIC), new ConsumerRebalanceListener() {
        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {}

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
          for (TopicPartition partition : partitions) {
            long atLeast = committed.getOrDefault(partition, 0L);
            long position = consumer.position(partition);
            if (position < atLeast) throw new AssertionError(partition + " starts at " + position + ", committed was " + atLeast);
          }
        }
      });
      Map<TopicPartition, Long> next = new HashMap<>();
      while (!stopping) {
        ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
        next.keySet().retainAll(consumer.assignment());
        for (ConsumerRecord<String, String> record : records) {
          TopicPartition partition = new TopicPartition(record.topic(), record.partition());
          Long expected = next.put(partition, record.offset() + 1);
          if (expected != null && record.offset() > expected) throw new AssertionError(partition + " skipped from " + expected + " to " + record.offset());
          of(seen, partition).put(record.offset(), Long.valueOf(record.key()));
        }
        if (!records.isEmpty()) commit(consumer, records);
      }
    }
  }

  private void commit(KafkaConsumer<?, ?> consumer, ConsumerRecords<?, ?> records) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>(records.nextOffsets());
    try {
      consumer.commitSync(offsets);
    } catch (CommitFailedException | RetriableException e) {
      // Not acknowledged: the broker may or may not have it, and the group goes on from either.
      return;
    }
    offsets.forEach((partition, offset) -> committed.merge(partition, offset.offset(), Math::max));
    commits.incrementAndGet();
  }

  private static ConcurrentMap<Long, Long> of(ConcurrentMap<TopicPartition, ConcurrentMap<Long, Long>> map, TopicPartition partition) {
    return map.computeIfAbsent(partition, key -> new ConcurrentHashMap<>());
  }

  /** The running broker has no committed offset below one that it acknowledged before. */
  void verifyCommitted() throws Exception {
    Map<TopicPartition, Long> atLeast = new HashMap<>(committed);
    try (Admin admin = Records.admin(broker)) {
      Map<TopicPartition, OffsetAndMetadata> now = admin.listConsumerGroupOffsets(GROUP).partitionsToOffsetAndMetadata().get();
      atLeast.forEach((partition, offset) -> assertTrue(
          now.get(partition) != null && now.get(partition).offset() >= offset,
          () -> partition + " was committed at " + offset + ", and now at " + now.get(partition)));
    }
  }

  /** Ends the load, then reads everything: each number once, in order, at the offset that was acknowledged. */
  void verify() throws Exception {
    close();
    assertNull(failure.get(), () -> "a client gave up: " + trace(failure.get()));
    verifyCommitted();
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, Map.of())) {
      long[] next = new long[PARTITIONS];
      for (ConsumerRecord<String, String> record : Records.readAll(consumer, TOPIC)) {
        TopicPartition partition = new TopicPartition(record.topic(), record.partition());
        long number = Long.parseLong(record.key());
        assertEquals(next[record.partition()]++, number, () -> partition + " at offset " + record.offset());
        assertEquals(of(acknowledged, partition).get(number), record.offset(), () -> "where number " + number + " was acknowledged");
        Long asSeen = of(seen, partition).get(record.offset());
        assertTrue(asSeen == null || asSeen == number, () -> "a reader saw " + asSeen + " at offset " + record.offset() + " of " + partition);
      }
      for (int i = 0; i < PARTITIONS; i++) assertEquals(sent[i], next[i], "records in partition " + i);
    }
  }

  private static String trace(Throwable e) {
    StringWriter text = new StringWriter();
    e.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  @Override
  public void close() throws InterruptedException {
    stopping = true;
    for (Thread thread : threads) thread.join();
  }
}
