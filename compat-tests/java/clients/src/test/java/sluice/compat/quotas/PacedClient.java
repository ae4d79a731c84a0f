package sluice.compat.quotas;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import sluice.compat.Broker;

/** A client that works at a rate of its own for as long as it is let, and counts the bytes that went through. */
final class PacedClient implements AutoCloseable {
  static final int RECORD_BYTES = 1000;
  private static final long MAX_BURST_NANOS = Duration.ofMillis(100).toNanos();

  private final AtomicLong bytes = new AtomicLong();
  private final Thread thread;
  private volatile boolean running = true;

  private interface Work {
    void run(PacedClient client, Pace pace);
  }

  private PacedClient(String name, double bytesPerSecond, Work work) {
    thread = new Thread(() -> work.run(this, new Pace(bytesPerSecond)), name);
    thread.start();
  }

  String name() {
    return thread.getName();
  }

  /** Bytes of records that were acknowledged, or read, so far. */
  long bytes() {
    return bytes.get();
  }

  /** Waits until something went through. */
  void awaitFirst() throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (bytes.get() == 0) {
      if (System.nanoTime() > deadline) throw new AssertionError(thread.getName() + " does nothing");
      Thread.sleep(1);
    }
  }

  @Override
  public void close() throws InterruptedException {
    running = false;
    thread.join();
  }

  static PacedClient producer(Broker broker, String clientId, String topic, double bytesPerSecond) {
    Map<String, Object> config =
        Map.of(
            "bootstrap.servers", broker.bootstrap(),
            "client.id", clientId,
            "acks", "1",
            "enable.idempotence", false,
            "linger.ms", 5,
            "buffer.memory", 256 * 1024,
            "max.block.ms", 60_000,
            "delivery.timeout.ms", 180_000,
            "enable.metrics.push", false);
    return new PacedClient(clientId, bytesPerSecond, (client, pace) -> {
      byte[] value = new byte[RECORD_BYTES];
      try (KafkaProducer<byte[], byte[]> producer =
          new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
        while (client.running) {
          producer.send(new ProducerRecord<>(topic, value), (metadata, failure) -> {
            if (failure == null) client.bytes.addAndGet(RECORD_BYTES);
          });
          pace.used(RECORD_BYTES);
        }
        producer.close(Duration.ZERO);
      }
    });
  }

  static PacedClient consumer(Broker broker, String clientId, String topic, double bytesPerSecond) {
    Map<String, Object> config =
        Map.of(
            "bootstrap.servers", broker.bootstrap(),
            "client.id", clientId,
            "enable.auto.commit", false,
            "max.partition.fetch.bytes", 16 * 1024,
            "max.poll.records", 100,
            "enable.metrics.push", false);
    return new PacedClient(clientId, bytesPerSecond, (client, pace) -> {
      TopicPartition partition = new TopicPartition(topic, 0);
      try (KafkaConsumer<byte[], byte[]> consumer =
          new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
        consumer.assign(List.of(partition));
        consumer.seekToBeginning(List.of(partition));
        while (client.running) {
          int read = 0;
          for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) read += record.value().length;
          client.bytes.addAndGet(read);
          pace.used(read);
        }
      }
    });
  }

  /** Waits so that a rate is not exceeded; what was not used before is not caught up with. */
  private static final class Pace {
    private final double bytesPerSecond;
    private long dueNanos = System.nanoTime();

    Pace(double bytesPerSecond) {
      this.bytesPerSecond = bytesPerSecond;
    }

    void used(long count) {
      long nowNanos = System.nanoTime();
      dueNanos = Math.max(dueNanos, nowNanos - MAX_BURST_NANOS) + (long) (count * 1e9 / bytesPerSecond);
      long waitMs = (dueNanos - nowNanos) / 1_000_000;
      if (waitMs <= 1) return;
      try {
        Thread.sleep(waitMs);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
