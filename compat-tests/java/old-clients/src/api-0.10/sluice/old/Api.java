package sluice.old;

import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** kafka-clients 0.10: records have times, and offsets are found by them. */
final class Api {
  static final boolean HAS_TIMESTAMPS = true;
  static final boolean IDEMPOTENT_BY_DEFAULT = false;

  private Api() {}

  static ProducerRecord<byte[], byte[]> record(String topic, int partition, long timestamp, byte[] key, byte[] value) {
    return new ProducerRecord<>(topic, partition, timestamp, key, value);
  }

  static long timestamp(ConsumerRecord<byte[], byte[]> record) {
    return record.timestamp();
  }

  static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer, long timeoutMs) {
    return consumer.poll(timeoutMs);
  }

  static void seekToBeginning(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
    consumer.seekToBeginning(Set.of(partition));
  }

  static void seekToEnd(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
    consumer.seekToEnd(Set.of(partition));
  }

  static OffsetAndMetadata committed(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
    return consumer.committed(partition);
  }

  static long offsetForTime(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long timestamp) {
    OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, timestamp)).get(partition);
    return found == null ? -1 : found.offset();
  }

  static void admin(String bootstrap, String topic) throws Exception {
    throw new UnsupportedOperationException();
  }
}
