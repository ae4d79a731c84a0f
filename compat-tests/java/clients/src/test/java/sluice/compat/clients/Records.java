package sluice.compat.clients;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import sluice.compat.Broker;

/** Clients with this suite's defaults, and what every suite does with them. */
public final class Records {
  private Records() {}

  public static KafkaProducer<String, String> producer(Broker broker, Map<String, Object> config) {
    return new KafkaProducer<>(with(broker, config), new StringSerializer(), new StringSerializer());
  }

  public static KafkaProducer<byte[], byte[]> byteProducer(Broker broker, Map<String, Object> config) {
    return new KafkaProducer<>(with(broker, config), new ByteArraySerializer(), new ByteArraySerializer());
  }

  public static KafkaConsumer<String, String> consumer(Broker broker, Map<String, Object> config) {
    return new KafkaConsumer<>(forConsumer(broker, config), new StringDeserializer(), new StringDeserializer());
  }

  public static KafkaConsumer<byte[], byte[]> byteConsumer(Broker broker, Map<String, Object> config) {
    return new KafkaConsumer<>(forConsumer(broker, config), new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  public static Admin admin(Broker broker) {
    return Admin.create(with(broker, Map.of()));
  }

  public static void createTopic(Broker broker, String topic, int partitions, Map<String, String> config) throws Exception {
    try (Admin admin = admin(broker)) {
      admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1).configs(config))).all().get();
    }
  }

  /** All partitions of a topic. */
  public static List<TopicPartition> partitions(KafkaConsumer<?, ?> consumer, String topic) {
    return consumer.partitionsFor(topic).stream().map(info -> new TopicPartition(topic, info.partition())).toList();
  }

  /** Reads every record of {@code topic} from the beginning to its end at the time of the call. */
  public static <K, V> List<ConsumerRecord<K, V>> readAll(KafkaConsumer<K, V> consumer, String topic) {
    List<TopicPartition> partitions = partitions(consumer, topic);
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
    List<ConsumerRecord<K, V>> all = new ArrayList<>();
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
      if (System.nanoTime() > deadline) throw new AssertionError("read " + all.size() + " records, then no more before " + ends);
      consumer.poll(Duration.ofMillis(200)).forEach(all::add);
    }
    return all;
  }

  /** Waits until the partitions of {@code topic} hold {@code count} records together: an acks=0 producer cannot. */
  public static void awaitCount(Broker broker, String topic, long count) throws InterruptedException {
    try (KafkaConsumer<byte[], byte[]> consumer = byteConsumer(broker, Map.of())) {
      long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
      while (true) {
        long sum = consumer.endOffsets(partitions(consumer, topic)).values().stream().mapToLong(Long::longValue).sum();
        if (sum == count) return;
        if (System.nanoTime() > deadline) throw new AssertionError(topic + " holds " + sum + " records, not " + count);
        Thread.sleep(10);
      }
    }
  }

  /** Bytes that no codec can do without, the same for the same seed. */
  public static byte[] noise(int size, long seed) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static Map<String, Object> with(Broker broker, Map<String, Object> config) {
    Map<String, Object> all = new HashMap<>(Map.of("bootstrap.servers", broker.bootstrap()));
    all.putAll(config);
    return all;
  }

  private static Map<String, Object> forConsumer(Broker broker, Map<String, Object> config) {
    Map<String, Object> all = with(broker, Map.of("auto.offset.reset", "earliest", "enable.auto.commit", false));
    all.putAll(config);
    return all;
  }
}
