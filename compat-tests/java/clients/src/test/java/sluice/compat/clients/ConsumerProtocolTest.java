package sluice.compat.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sluice.compat.Broker;

/** Consumer groups of the new protocol (KIP-848), as the Java consumer drives it with {@code group.protocol=consumer}. */
class ConsumerProtocolTest {
  private static final int PARTITIONS = 6;
  private static final Map<String, Object> NEW_PROTOCOL = Map.of("group.protocol", "consumer");

  private static Broker broker;

  private final ConcurrentLinkedQueue<ConsumerRecord<String, String>> read = new ConcurrentLinkedQueue<>();
  private String topic;
  private String group;

  /** How often members are heard of, and for how long they may be silent, is the broker's to say. */
  @BeforeAll
  static void start() {
    broker = Broker.start(
        "java-consumer-protocol",
        "group.consumer.min.heartbeat.interval.ms=100",
        "group.consumer.heartbeat.interval.ms=100",
        "group.consumer.min.session.timeout.ms=1000",
        "group.consumer.session.timeout.ms=3000",
        "group.consumer.assignment.interval.ms=0");
  }

  @AfterAll
  static void stop() throws Exception {
    broker.close();
  }

  @BeforeEach
  void name(TestInfo test) throws Exception {
    String name = test.getTestMethod().orElseThrow().getName() + "-" + test.getDisplayName().replaceAll("\\W", "");
    topic = "protocol-" + name;
    group = "of-" + name;
    Records.createTopic(broker, topic, PARTITIONS, Map.of());
  }

  private Member join(String name, Map<String, Object> config) {
    Map<String, Object> all = new HashMap<>(NEW_PROTOCOL);
    all.putAll(config);
    return new Member(broker, name, group, topic, all, read);
  }

  /** Writes {@code count} records whose values go on from {@code from}, spread over the partitions. */
  private void produce(int from, int count) {
    try (KafkaProducer<String, String> producer = Records.producer(broker, Map.of())) {
      for (int i = from; i < from + count; i++) producer.send(new ProducerRecord<>(topic, i % PARTITIONS, null, "" + i));
    }
  }

  private static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) throw new AssertionError("waited in vain until " + what);
      Thread.sleep(10);
    }
  }

  /** Waits until the members own all partitions, each of them once, and each member its fair share. */
  private void awaitShared(int partitions, Member... members) throws InterruptedException {
    await(members.length + " members share the partitions", () -> {
      Set<TopicPartition> owned = new HashSet<>();
      for (Member member : members) {
        if (member.assigned().size() != partitions / members.length) return false;
        owned.addAll(member.assigned());
      }
      return owned.size() == partitions;
    });
  }

  private void awaitRead(int count) throws InterruptedException {
    await("all " + count + " records are read", () -> {
      Set<String> values = new TreeSet<>();
      for (ConsumerRecord<String, String> record : read) values.add(record.value());
      return values.size() == count;
    });
  }

  private ConsumerGroupDescription describe() {
    try (Admin admin = Records.admin(broker)) {
      return admin.describeConsumerGroups(List.of(group)).all().get().get(group);
    } catch (ExecutionException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"uniform", "range"})
  void threeMembersShareTheWorkThroughJoinLeaveAndDeath(String assignor) throws Exception {
    Map<String, Object> config = Map.of("group.remote.assignor", assignor);
    Member first = join("first", config);
    awaitShared(PARTITIONS, first);
    produce(0, 300);
    Member second = join("second", config);
    awaitShared(PARTITIONS, first, second);
    produce(300, 300);
    Member third = join("third", config);
    awaitShared(PARTITIONS, first, second, third);
    produce(600, 300);
    awaitRead(900);
    ConsumerGroupDescription described = describe();
    assertEquals(GroupType.CONSUMER, described.type());
    assertEquals(assignor, described.partitionAssignor());
    assertEquals(3, described.members().size());

    third.close();
    awaitShared(PARTITIONS, first, second);
    // The session timeout is what tells the coordinator.
    second.die();
    awaitShared(PARTITIONS, first);
    produce(900, 300);
    awaitRead(1200);
    first.close();
    assertEquals(GroupState.EMPTY, describe().groupState());

    // In every partition the group went forwards: a rebalance may repeat records but never skips any.
    Map<Integer, Long> highest = new HashMap<>();
    for (ConsumerRecord<String, String> record : read) {
      long before = highest.getOrDefault(record.partition(), -1L);
      assertTrue(record.offset() <= before + 1, () -> "offset " + record.offset() + " after " + before);
      highest.merge(record.partition(), record.offset(), Math::max);
    }
  }

  @Test
  void aStaticMemberComesBackToItsPartitions() throws Exception {
    Map<String, Object> config = Map.of("group.instance.id", "instance");
    Member first = join("first", Map.of());
    Member second = join("second", config);
    awaitShared(PARTITIONS, first, second);
    Set<TopicPartition> kept = first.assigned();
    Set<TopicPartition> own = second.assigned();
    // Leaves for a while: that is what the consumer does with an instance id.
    second.close();
    try (Member again = join("again", config)) {
      await("it has its partitions again", () -> again.assigned().equals(own));
      assertEquals(kept, first.assigned());
    }
    first.close();
  }

  @Test
  void partitionsThatAreAddedAreGivenOut() throws Exception {
    try (Member first = join("first", Map.of()); Member second = join("second", Map.of())) {
      awaitShared(PARTITIONS, first, second);
      try (Admin admin = Records.admin(broker)) {
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(PARTITIONS + 2))).all().get();
      }
      awaitShared(PARTITIONS + 2, first, second);
    }
  }

  @Test
  void aPatternIsResolvedByTheBroker() throws Exception {
    Records.createTopic(broker, topic + "-too", 1, Map.of());
    Records.createTopic(broker, "not-" + topic, 1, Map.of());
    Map<String, Object> config = new HashMap<>(NEW_PROTOCOL);
    config.put("group.id", group);
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, config)) {
      consumer.subscribe(new SubscriptionPattern(topic + ".*"));
      Set<String> topics = new TreeSet<>();
      await("the matching topics are assigned", () -> {
        consumer.poll(Duration.ofMillis(50));
        for (TopicPartition partition : consumer.assignment()) topics.add(partition.topic());
        return consumer.assignment().size() == PARTITIONS + 1;
      });
      assertEquals(Set.of(topic, topic + "-too"), topics);
    }
  }

  @Test
  void theGroupGoesOnAfterTheBrokerWasKilled() throws Exception {
    try (Member first = join("first", Map.of()); Member second = join("second", Map.of())) {
      awaitShared(PARTITIONS, first, second);
      produce(0, 300);
      awaitRead(300);
      Set<TopicPartition> before = first.assigned();
      broker.kill();
      broker.restart();
      produce(300, 300);
      awaitRead(600);
      assertEquals(before, first.assigned());
    }
  }
}
