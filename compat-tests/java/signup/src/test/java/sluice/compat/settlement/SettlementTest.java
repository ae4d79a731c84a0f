package sluice.compat.settlement;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
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
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import sluice.compat.Broker;

@SpringBootTest(classes = SettlementApplication.class, properties = {
    "spring.kafka.producer.transaction-id-prefix=settlement-",
    "spring.kafka.producer.value-serializer=org.apache.kafka.common.serialization.StringSerializer",
    "spring.kafka.consumer.value-deserializer=org.apache.kafka.common.serialization.StringDeserializer",
    "spring.kafka.consumer.isolation-level=read_committed",
    // It tells of every transaction that is rolled back.
    "logging.level.org.springframework.kafka=OFF",
})
@DirtiesContext
class SettlementTest {
  private static final Broker BROKER = Broker.start("spring-settlement");
  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final int PARTITIONS = 3;
  private static final int ORDERS = 150;
  private static final int KILLED_AT = 80;

  @Autowired
  private Settler settler;

  @DynamicPropertySource
  static void bootstrap(DynamicPropertyRegistry registry) {
    registry.add("spring.kafka.bootstrap-servers", BROKER::bootstrap);
  }

  @AfterAll
  static void stop() {
    BROKER.close();
  }

  private static List<TopicPartition> partitionsOf(String topic) {
    return IntStream.range(0, PARTITIONS).mapToObj(partition -> new TopicPartition(topic, partition)).toList();
  }

  /** The values in a topic, sorted, once there are {@code count} and no more before its present end. */
  private static List<String> await(String topic, String isolation, int count) {
    Map<String, Object> config = Map.of("bootstrap.servers", BROKER.bootstrap(), "isolation.level", isolation);
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
      List<TopicPartition> partitions = partitionsOf(topic);
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      List<String> found = new ArrayList<>();
      long deadline = System.nanoTime() + LIMIT.toNanos();
      while (found.size() < count || !isAtEnd(consumer)) {
        if (System.nanoTime() > deadline) throw new AssertionError(found.size() + " of " + count + " came to " + topic);
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) found.add(record.value());
      }
      return found.stream().sorted().toList();
    }
  }

  private static boolean isAtEnd(KafkaConsumer<?, ?> consumer) {
    return consumer.endOffsets(consumer.assignment()).entrySet().stream()
        .allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
  }

  private static String order(int n) {
    return (n % 10 == 3 ? "flaky-" : n % 50 == 7 ? "bad-" : "good-") + n;
  }

  private static List<String> orders(Predicate<String> which) {
    return IntStream.range(0, ORDERS).mapToObj(SettlementTest::order).filter(which).sorted().toList();
  }

  @Test
  void everyOrderIsSettledAndBookedOnceWhileTransactionsAreRolledBackAndTheBrokerIsKilled() throws Exception {
    AtomicBoolean killed = new AtomicBoolean();
    settler.whenSent(name -> {
      if (!name.equals(order(KILLED_AT)) || !killed.compareAndSet(false, true)) return;
      // Within the transaction of this order, and of whatever the other listeners have open.
      BROKER.kill();
      BROKER.restart();
    });
    Map<String, Object> config = Map.of("bootstrap.servers", BROKER.bootstrap());
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (int n = 0; n < ORDERS; n++) producer.send(new ProducerRecord<>("orders", n % PARTITIONS, order(n), order(n)));
    }

    List<String> settled = orders(name -> !name.startsWith("bad"));
    List<String> bad = orders(name -> name.startsWith("bad"));
    assertEquals(settled, await("booked", "read_committed", settled.size()));
    assertEquals(bad, await("orders-dlt", "read_committed", bad.size()));
    assertEquals(settled, await("settled", "read_committed", settled.size()));
    assertTrue(killed.get());

    // Every try that failed left its record.
    int flaky = orders(name -> name.startsWith("flaky")).size();
    int tries = settled.size() + 2 * flaky + SettlementApplication.TRIES * bad.size();
    assertTrue(await("settled", "read_uncommitted", tries).containsAll(bad));

    Map<TopicPartition, Long> committed = new HashMap<>();
    try (Admin admin = Admin.create(config)) {
      admin.listConsumerGroupOffsets("settler").partitionsToOffsetAndMetadata().get()
          .forEach((partition, offset) -> committed.put(partition, offset.offset()));
    }
    for (TopicPartition partition : partitionsOf("orders")) assertEquals(ORDERS / PARTITIONS, committed.get(partition), partition::toString);
  }
}
