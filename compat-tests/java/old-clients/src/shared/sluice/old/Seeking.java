package sluice.old;

import static sluice.old.Program.check;

import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** To offsets, to both ends, to a time. */
final class Seeking {
  private static final long LIMIT_MS = 30_000;

  private Seeking() {}

  static void run(String bootstrap, String topic) throws Exception {
    Content.write(bootstrap, topic, List.of("none", "gzip"));
    TopicPartition partition = new TopicPartition(topic, 1);
    long size = 2L * Content.COUNT / Clients.PARTITIONS;
    try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(bootstrap, "seek")) {
      consumer.assign(List.of(partition));
      Api.seekToEnd(consumer, partition);
      check(consumer.position(partition) == size, "the end is " + consumer.position(partition));
      Api.seekToBeginning(consumer, partition);
      check(consumer.position(partition) == 0, "the beginning is " + consumer.position(partition));
      // The second half is compressed: the first record that comes is the one asked for, not the first of its batch.
      for (long offset : new long[] {7, 0, size - 1, size / 2 + 3}) {
        consumer.seek(partition, offset);
        check(next(consumer).offset() == offset, "not at " + offset + " after a seek");
      }
      if (Api.HAS_TIMESTAMPS) {
        for (int n : new int[] {0, 1, 50, 170}) {
          long expected = (n + Clients.PARTITIONS - 2) / Clients.PARTITIONS;
          long found = Api.offsetForTime(consumer, partition, Content.timestamp(n));
          check(found == expected, "time " + n + " is at " + found + ", not " + expected);
        }
        check(Api.offsetForTime(consumer, partition, Content.timestamp(100_000)) == -1, "a time to come");
      }
    }
  }

  private static ConsumerRecord<byte[], byte[]> next(KafkaConsumer<byte[], byte[]> consumer) {
    long deadline = System.currentTimeMillis() + LIMIT_MS;
    for (;;) {
      ConsumerRecords<byte[], byte[]> records = Api.poll(consumer, 200);
      if (!records.isEmpty()) return records.iterator().next();
      check(System.currentTimeMillis() < deadline, "nothing comes after a seek");
    }
  }
}
