package sluice.compat.durability;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sluice.compat.Broker;
import sluice.compat.clients.Records;

/** What an application finds again after the broker was stopped or killed. */
class RestartTest {
  @Test
  void aCleanStopUnderLoadIsNoErrorForClients() throws Exception {
    long seed = System.nanoTime();
    System.out.println("clean stops: seed " + seed);
    try (Broker broker = Broker.start("java-clean-stop"); Load load = new Load(broker, seed)) {
      for (int i = 0; i < 4; i++) {
        load.awaitProgress(500);
        // Fails unless SIGTERM ends the process as it should.
        broker.stop();
        assertTrue(Files.exists(broker.data().resolve(".kafka_cleanshutdown")), "the marker of a clean stop is there");
        broker.restart();
      }
      load.awaitProgress(500);
      load.verify();
    }
  }

  @ParameterizedTest(name = "after {0}")
  @ValueSource(strings = {"SIGTERM", "SIGKILL"})
  void topicsRecordsOffsetsAndSettingsAreThereAgain(String signal) throws Exception {
    TopicPartition partition = new TopicPartition("kept", 1);
    Map<String, Object> reader = Map.of("group.id", "readers");
    try (Broker broker = Broker.start("java-restart-" + signal.toLowerCase())) {
      Records.createTopic(broker, "kept", 2, Map.of("retention.ms", "-1"));
      String clusterId;
      String topicId;
      try (Admin admin = Records.admin(broker); KafkaProducer<String, String> producer = Records.producer(broker, Map.of())) {
        clusterId = admin.describeCluster().clusterId().get();
        topicId = admin.describeTopics(List.of("kept")).allTopicNames().get().get("kept").topicId().toString();
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "kept");
        AlterConfigOp set = new AlterConfigOp(new ConfigEntry("max.message.bytes", "2000000"), AlterConfigOp.OpType.SET);
        admin.incrementalAlterConfigs(Map.of(topic, List.of(set))).all().get();
        for (int i = 0; i < 1000; i++) producer.send(new ProducerRecord<>("kept", 1, "k" + i, "v" + i)).get();
      }
      try (KafkaConsumer<String, String> consumer = Records.consumer(broker, reader)) {
        consumer.assign(List.of(partition));
        consumer.commitSync(Map.of(partition, new OffsetAndMetadata(600, "so far")));
      }

      if (signal.equals("SIGTERM")) broker.stop();
      else broker.kill();
      broker.restart();

      try (Admin admin = Records.admin(broker); KafkaProducer<String, String> producer = Records.producer(broker, Map.of())) {
        assertEquals(clusterId, admin.describeCluster().clusterId().get());
        assertEquals(topicId, admin.describeTopics(List.of("kept")).allTopicNames().get().get("kept").topicId().toString());
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "kept");
        assertEquals("2000000", admin.describeConfigs(List.of(topic)).all().get().get(topic).get("max.message.bytes").value());
        assertEquals("-1", admin.describeConfigs(List.of(topic)).all().get().get(topic).get("retention.ms").value());
        assertEquals(1000, producer.send(new ProducerRecord<>("kept", 1, "k1000", "v1000")).get().offset());
      }
      try (KafkaConsumer<String, String> consumer = Records.consumer(broker, reader)) {
        assertEquals(new OffsetAndMetadata(600, "so far"), consumer.committed(Set.of(partition)).get(partition));
        consumer.subscribe(List.of("kept"));
        int next = 600;
        while (next <= 1000) {
          for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(10))) {
            assertEquals(next, record.offset());
            assertEquals("v" + next++, record.value());
          }
        }
      }
    }
  }
}
