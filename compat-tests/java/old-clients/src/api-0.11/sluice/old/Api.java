package sluice.old;

import static sluice.old.Program.check;

import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** kafka-clients 0.11 to 2.0: with an admin client. */
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
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    try (AdminClient admin = AdminClient.create(properties)) {
      check(admin.describeCluster().nodes().get().size() == 1, "one node");
      Map<String, String> configs = Map.of("retention.ms", "3600000");
      admin.createTopics(Set.of(new NewTopic(topic, 3, (short) 1).configs(configs))).all().get();
      check(admin.listTopics().names().get().contains(topic), "the topic is listed");
      check(admin.describeTopics(Set.of(topic)).values().get(topic).get().partitions().size() == 3, "three partitions");
      refused("TopicExistsException", admin.createTopics(Set.of(new NewTopic(topic, 3, (short) 1))).all());
      ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
      check(config(admin, resource, "retention.ms").equals("3600000"), "the config it was made with");
      check(admin.describeConfigs(Set.of(resource)).all().get().get(resource).get("segment.bytes").isDefault(), "a default");
      check(!admin.describeConfigs(Set.of(resource)).all().get().get(resource).get("retention.ms").isDefault(), "no default");
      Config changed = new Config(Set.of(new ConfigEntry("cleanup.policy", "compact")));
      admin.alterConfigs(Map.of(resource, changed)).all().get();
      check(config(admin, resource, "cleanup.policy").equals("compact"), "the config as altered");
      check(!config(admin, resource, "retention.ms").equals("3600000"), "what is not named is a default again");
      refused("UnknownTopicOrPartitionException", admin.describeTopics(Set.of(topic + "-missing")).all());
      admin.deleteTopics(Set.of(topic)).all().get();
      check(!admin.listTopics().names().get().contains(topic), "the topic is gone");
    }
  }

  private static String config(AdminClient admin, ConfigResource resource, String name) throws Exception {
    return admin.describeConfigs(Set.of(resource)).all().get().get(resource).get(name).value();
  }

  private static void refused(String name, KafkaFuture<?> future) throws Exception {
    try {
      future.get();
    } catch (ExecutionException error) {
      check(error.getCause().getClass().getSimpleName().equals(name), name + ", not " + error.getCause());
      return;
    }
    throw new AssertionError("no " + name);
  }
}
