package sluice.old;

import static sluice.old.Program.check;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

/** What is written and has to be found again: records of all sizes with every codec, in all partitions. */
final class Content {
  static final int COUNT = 180;
  static final long BASE_TIME_MS = 1_600_000_000_000L;
  private static final long READ_LIMIT_MS = 60_000;

  private Content() {}

  static long timestamp(int n) {
    return BASE_TIME_MS + n * 1000L;
  }

  /** Null for some, which are tombstones. */
  static byte[] value(String codec, int n) {
    if (n % 30 == 29) return null;
    CRC32 crc = new CRC32();
    crc.update((codec + n).getBytes(StandardCharsets.UTF_8));
    String text = String.format("%08x", crc.getValue());
    return text.repeat(n % 50 == 49 ? 4000 : 1 + n % 40).getBytes(StandardCharsets.UTF_8);
  }

  static void write(String bootstrap, String topic, List<String> codecs) throws Exception {
    Map<Integer, Long> next = new HashMap<>();
    for (String codec : codecs) {
      try (KafkaProducer<byte[], byte[]> producer =
          Clients.producer(bootstrap, Map.of("compression.type", codec, "acks", "all"))) {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (int n = 0; n < COUNT; n++) {
          byte[] key = (codec + "/" + n).getBytes(StandardCharsets.UTF_8);
          sent.add(producer.send(Api.record(topic, n % Clients.PARTITIONS, timestamp(n), key, value(codec, n))));
        }
        for (Future<RecordMetadata> future : sent) {
          RecordMetadata metadata = future.get(30, TimeUnit.SECONDS);
          long expected = next.merge(metadata.partition(), 1L, Long::sum) - 1;
          check(metadata.offset() == expected, codec + ": offset " + metadata.offset() + ", not " + expected);
        }
      }
    }
  }

  static void read(String bootstrap, String topic, boolean timed, List<String> codecs) {
    Set<String> missing = new HashSet<>();
    for (String codec : codecs) for (int n = 0; n < COUNT; n++) missing.add(codec + "/" + n);
    Map<Integer, Integer> last = new HashMap<>();
    try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(bootstrap, "reader")) {
      List<TopicPartition> partitions = partitions(topic);
      consumer.assign(partitions);
      for (TopicPartition partition : partitions) Api.seekToBeginning(consumer, partition);
      long deadline = System.currentTimeMillis() + READ_LIMIT_MS;
      while (!missing.isEmpty()) {
        check(System.currentTimeMillis() < deadline, missing.size() + " records missing");
        for (ConsumerRecord<byte[], byte[]> record : Api.poll(consumer, 200)) {
          String key = new String(record.key(), StandardCharsets.UTF_8);
          check(missing.remove(key), key + " is none that was written, or came twice");
          String codec = key.substring(0, key.indexOf('/'));
          int n = Integer.parseInt(key.substring(key.indexOf('/') + 1));
          check(Arrays.equals(record.value(), value(codec, n)), key + " has another value");
          check(record.partition() == n % Clients.PARTITIONS, key + " is in another partition");
          int order = codecs.indexOf(codec) * COUNT + n;
          check(last.getOrDefault(record.partition(), -1) < order, key + " is out of order");
          last.put(record.partition(), order);
          if (Api.HAS_TIMESTAMPS) {
            long expected = timed ? timestamp(n) : -1;
            long found = Api.timestamp(record);
            check(found == expected, key + " has time " + found + ", not " + expected);
          }
        }
      }
    }
  }

  /** Without waiting, for the leader, for all: and what is refused says so. */
  static void acks(String bootstrap, String topic) throws Exception {
    for (String acks : List.of("0", "1", "all")) {
      try (KafkaProducer<byte[], byte[]> producer = Clients.producer(bootstrap, Map.of("acks", acks))) {
        RecordMetadata metadata =
            producer.send(Api.record(topic, 0, BASE_TIME_MS, new byte[1], new byte[10])).get(30, TimeUnit.SECONDS);
        check(metadata.partition() == 0, "acks=" + acks + " went to partition " + metadata.partition());
      }
    }
    try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(bootstrap, "acks")) {
      TopicPartition partition = new TopicPartition(topic, 0);
      consumer.assign(List.of(partition));
      Api.seekToEnd(consumer, partition);
      check(consumer.position(partition) == 3, "three records, not " + consumer.position(partition));
    }
    Map<String, String> large = Map.of("max.request.size", "3000000", "buffer.memory", "9000000", "acks", "1");
    try (KafkaProducer<byte[], byte[]> producer = Clients.producer(bootstrap, large)) {
      producer.send(Api.record(topic, 0, BASE_TIME_MS, null, new byte[2_000_000])).get(30, TimeUnit.SECONDS);
      throw new AssertionError("a record of 2 MB was taken");
    } catch (java.util.concurrent.ExecutionException refused) {
      String name = refused.getCause().getClass().getSimpleName();
      check(name.equals("RecordTooLargeException"), "a record of 2 MB: " + refused.getCause());
    }
  }

  static List<TopicPartition> partitions(String topic) {
    List<TopicPartition> partitions = new ArrayList<>();
    for (int partition = 0; partition < Clients.PARTITIONS; partition++)
      partitions.add(new TopicPartition(topic, partition));
    return partitions;
  }
}
