package sluice.compat.signup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.kafka.config.KafkaListenerEndpointRegistry;
import org.springframework.kafka.support.KafkaHeaders;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import sluice.compat.Broker;

@SpringBootTest
@DirtiesContext
class SignupTest {
  private static final Broker BROKER = Broker.start("spring-signup");

  @Autowired
  private SignupService signups;

  @Autowired
  private KafkaListenerEndpointRegistry listeners;

  @DynamicPropertySource
  static void bootstrap(DynamicPropertyRegistry registry) {
    registry.add("spring.kafka.bootstrap-servers", BROKER::bootstrap);
  }

  @AfterAll
  static void stop() {
    BROKER.close();
  }

  private static KafkaConsumer<String, String> consumer() {
    return new KafkaConsumer<>(Map.of("bootstrap.servers", BROKER.bootstrap()), new StringDeserializer(), new StringDeserializer());
  }

  /** All records of {@code topic} once it holds {@code count} whose key starts with {@code prefix}. */
  private static List<ConsumerRecord<String, String>> await(String topic, String prefix, int count) {
    try (KafkaConsumer<String, String> consumer = consumer()) {
      List<TopicPartition> partitions = consumer.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      List<ConsumerRecord<String, String>> found = new ArrayList<>();
      long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
      while (found.size() < count) {
        if (System.nanoTime() > deadline) throw new AssertionError(found.size() + " of " + count + " records came to " + topic);
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
          if (record.key().startsWith(prefix)) found.add(record);
        }
      }
      return found;
    }
  }

  private static String header(ConsumerRecord<?, ?> record, String name) {
    return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
  }

  @Test
  void everySignUpIsMailedOnceByOneOfThreeListeners() throws Exception {
    Set<Integer> partitions = new HashSet<>();
    for (int i = 0; i < 100; i++) partitions.add(signups.signUp("user-" + i + "@example.org").get().getRecordMetadata().partition());
    assertEquals(Set.of(0, 1, 2), partitions);

    Map<String, String> mailed = new HashMap<>();
    for (ConsumerRecord<String, String> record : await("email.log", "user-", 100)) {
      assertEquals(null, mailed.put(record.key(), record.value()), "mailed twice: " + record.key());
    }
    assertEquals("{\"to\":\"user-7@example.org\",\"subject\":\"sent: Welcome\"}", mailed.get("user-7@example.org"));
    assertEquals(100, mailed.size());

    int shares = listeners.getAllListenerContainers().stream().mapToInt(container -> container.getAssignedPartitions().size()).sum();
    assertEquals(3, shares);
  }

  @Test
  void aSignUpThatCannotBeMailedIsADeadLetterAndTheNextOneIsMailed() throws Exception {
    signups.signUp("poison-no-at-sign").get();
    signups.signUp("poison-after@example.org").get();
    ConsumerRecord<String, String> dead = await("email.send-dlt", "poison-no", 1).get(0);
    assertEquals("{\"to\":\"poison-no-at-sign\",\"subject\":\"Welcome\"}", dead.value());
    assertEquals("email.send", header(dead, KafkaHeaders.DLT_ORIGINAL_TOPIC));
    assertTrue(header(dead, KafkaHeaders.DLT_EXCEPTION_MESSAGE).contains("not an address"), () -> header(dead, KafkaHeaders.DLT_EXCEPTION_MESSAGE));
    assertEquals(1, await("email.log", "poison-after", 1).size());
  }

  @Test
  void whatIsNotEvenJsonIsADeadLetterWithItsBytes() {
    Map<String, Object> config = Map.of("bootstrap.servers", BROKER.bootstrap());
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (int i = 0; i < 3; i++) producer.send(new ProducerRecord<>("email.send", i, "broken-" + i, "{not json " + i));
    }
    Set<String> values = new TreeSet<>();
    for (ConsumerRecord<String, String> record : await("email.send-dlt", "broken-", 3)) values.add(record.partition() + record.value());
    assertEquals(Set.of("0{not json 0", "1{not json 1", "2{not json 2"), values);
  }

  @Test
  void theApplicationGoesOnAfterTheBrokerWasKilled() throws Exception {
    signups.signUp("before@example.org").get();
    await("email.log", "before", 1);
    BROKER.kill();
    // In a thread of its own: a client that has lost all brokers forgets the topics, and its send waits for them.
    var pending = CompletableFuture.supplyAsync(() -> signups.signUp("during@example.org"));
    BROKER.restart();
    pending.get().get();
    signups.signUp("afterwards@example.org").get();
    assertEquals(1, await("email.log", "during", 1).size());
    assertEquals(1, await("email.log", "afterwards", 1).size());
  }
}
