package sluice.old;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** kafka-clients 0.9: records without times, and no administration. */
final class Api {
  static final boolean HAS_TIMESTAMPS = false;
  static final boolean IDEMPOTENT_BY_DEFAULT = false;

  private Api() {}

  static ProducerRecord<byte[], byte[]> record(String topic, int partition, long timestamp, byte[] key, byte[] value) {
    return new ProducerRecord<>(topic, partition, key, value);
  }

  static long timestamp(ConsumerRecord<byte[], byte[]> record) {
    throw new UnsupportedOperationException();
  }

  static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer, long timeoutMs) {
    return consumer.poll(timeoutMs);
  }

  static void seekToBeginning(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
    consumer.seekToBeginning(partition);
  }

  static void seekToEnd(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
    consumer.seekToEnd(partition);
  }

  static OffsetAndMetadata committed(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
    return consumer.committed(partition);
  }

  static long offsetForTime(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long timestamp) {
    throw new UnsupportedOperationException();
  }

  static void admin(String bootstrap, String topic) {
    throw new UnsupportedOperationException();
  }
}
