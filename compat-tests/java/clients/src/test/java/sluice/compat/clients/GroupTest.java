package sluice.compat.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InconsistentGroupProtocolException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sluice.compat.Broker;
import sluice.compat.SharedBroker;

/** Consumer groups of the classic protocol, as the Java consumer drives it. */
@ExtendWith(SharedBroker.class)
class GroupTest {
  private static final int PARTITIONS = 6;
  private static final String COOPERATIVE = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor";

  private final Broker broker;
  private final ConcurrentLinkedQueue<ConsumerRecord<String, String>> read = new ConcurrentLinkedQueue<>();
  private String topic;
  private String group;

  GroupTest(Broker broker) {
    this.broker = broker;
  }

  @BeforeEach
  void name(TestInfo test) throws Exception {
    String name = test.getTestMethod().orElseThrow().getName() + "-" + test.getDisplayName().replaceAll("\\W", "");
    topic = "group-" + name;
    group = "of-" + name;
    Records.createTopic(broker, topic, PARTITIONS, Map.of());
  }

  private Member join(String name, Map<String, Object> config) {
    return new Member(broker, name, group, topic, config, read);
  }

  /** Writes {@code count} records whose values go on from {@code from}, spread over all partitions. */
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

  /** Waits until the members own every partition once, and each its fair share. */
  private void awaitShared(Member... members) throws InterruptedException {
    await(members.length + " members share the partitions", () -> {
      Set<TopicPartition> owned = new HashSet<>();
      for (Member member : members) {
        if (member.assigned().size() != PARTITIONS / members.length) return false;
        owned.addAll(member.assigned());
      }
      return owned.size() == PARTITIONS;
    });
  }

  private Set<Integer> valuesRead() {
    Set<Integer> values = new TreeSet<>();
    for (ConsumerRecord<String, String> record : read) values.add(Integer.valueOf(record.value()));
    return values;
  }

  private void awaitRead(int count) throws InterruptedException {
    await("all " + count + " records are read", () -> valuesRead().size() == count);
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "org.apache.kafka.clients.consumer.RangeAssignor",
    "org.apache.kafka.clients.consumer.RoundRobinAssignor",
    "org.apache.kafka.clients.consumer.StickyAssignor",
    COOPERATIVE
  })
  void threeMembersShareTheWorkThroughJoinLeaveAndDeath(String assignor) throws Exception {
    Map<String, Object> config = Map.of("partition.assignment.strategy", assignor);
    Member first = join("first", config);
    awaitShared(first);
    produce(0, 300);
    Member second = join("second", config);
    awaitShared(first, second);
    produce(300, 300);
    Member third = join("third", config);
    awaitShared(first, second, third);
    produce(600, 300);
    awaitRead(900);

    third.close();
    awaitShared(first, second);
    produce(900, 300);
    awaitRead(1200);

    // The session timeout is what tells the coordinator.
    second.die();
    awaitShared(first);
    produce(1200, 300);
    awaitRead(1500);
    first.close();

    // In every partition each reader went forwards: a rebalance may repeat records but never skips or turns back.
    Map<Integer, Long> highest = new HashMap<>();
    for (ConsumerRecord<String, String> record : read) {
      long before = highest.getOrDefault(record.partition(), -1L);
      assertTrue(record.offset() <= before + 1, () -> "offset " + record.offset() + " after " + before);
      highest.merge(record.partition(), record.offset(), Math::max);
    }
  }

  @Test
  void aCooperativeMemberKeepsItsPartitionsWhileOthersMove() throws Exception {
    Map<String, Object> config = Map.of("partition.assignment.strategy", COOPERATIVE);
    try (Member first = join("first", config)) {
      awaitShared(first);
      Set<TopicPartition> before = first.assigned();
      try (Member second = join("second", config)) {
        Set<TopicPartition> kept = new HashSet<>(before);
        await("both share", () -> {
          kept.retainAll(first.assigned());
          return first.assigned().size() == 3 && second.assigned().size() == 3;
        });
        assertEquals(first.assigned(), kept);
      }
      awaitShared(first);
    }
  }

  @Test
  void aStaticMemberComesBackToItsPartitionsWithoutARebalance() throws Exception {
    try (Member first = join("first", Map.of("group.instance.id", "desk-1"))) {
      Member second = join("second", Map.of("group.instance.id", "desk-2"));
      awaitShared(first, second);
      Set<TopicPartition> seconds = second.assigned();
      int rebalances = first.rebalances();
      second.die();
      try (Member again = join("second-again", Map.of("group.instance.id", "desk-2"))) {
        await("it has its partitions again", () -> again.assigned().equals(seconds));
        produce(0, 60);
        awaitRead(60);
        assertEquals(rebalances, first.rebalances());
      }
    }
  }

  @Test
  void ofTwoMembersWithOneInstanceIdTheOlderIsFenced() throws Exception {
    Member older = join("older", Map.of("group.instance.id", "desk-1"));
    awaitShared(older);
    try (Member newer = join("newer", Map.of("group.instance.id", "desk-1"))) {
      awaitShared(newer);
      RuntimeException fenced = assertThrows(RuntimeException.class, () -> {
        await("the older member hears of it", () -> older.assigned() == null);
      });
      assertEquals("org.apache.kafka.common.errors.FencedInstanceIdException", fenced.getClass().getName());
    }
  }

  @Test
  void membersThatShareNoAssignorAreNotOneGroup() throws Exception {
    try (Member first = join("first", Map.of("partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor"))) {
      awaitShared(first);
      Map<String, Object> config = Map.of("group.id", group, "partition.assignment.strategy", "org.apache.kafka.clients.consumer.RoundRobinAssignor");
      try (KafkaConsumer<String, String> other = Records.consumer(broker, config)) {
        other.subscribe(List.of(topic));
        assertThrows(InconsistentGroupProtocolException.class, () -> {
          for (int i = 0; i < 50; i++) other.poll(Duration.ofMillis(200));
        });
      }
      assertEquals(PARTITIONS, first.assigned().size());
    }
  }

  @Test
  void aMemberThatPollsTooSeldomLosesItsPartitionsAndComesBack() throws Exception {
    Map<String, Object> slow = Map.of("group.id", group, "max.poll.interval.ms", 1500, "heartbeat.interval.ms", 100);
    try (Member other = join("other", Map.of()); KafkaConsumer<String, String> consumer = Records.consumer(broker, slow)) {
      awaitShared(other);
      consumer.subscribe(List.of(topic));
      await("it has a share", () -> !consumer.poll(Duration.ofMillis(100)).isEmpty() || !consumer.assignment().isEmpty());
      await("the other has taken over", () -> other.assigned().size() == PARTITIONS);
      await("it is back", () -> {
        consumer.poll(Duration.ofMillis(100));
        return consumer.assignment().size() == PARTITIONS / 2 && other.assigned().size() == PARTITIONS / 2;
      });
    }
  }

  @Test
  void aNewPartitionIsGivenToTheGroup() throws Exception {
    Map<String, Object> config = Map.of("metadata.max.age.ms", 500);
    try (Member first = join("first", config); var admin = Records.admin(broker)) {
      awaitShared(first);
      admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(PARTITIONS + 2))).all().get();
      await("it owns the new ones", () -> first.assigned().size() == PARTITIONS + 2);
    }
  }

  @Test
  void aPatternFindsTopicsThatComeLater() throws Exception {
    Map<String, Object> config = Map.of("group.id", group, "metadata.max.age.ms", 500);
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, config)) {
      consumer.subscribe(Pattern.compile(topic + "(-later)?"));
      await("it has the first", () -> consumer.poll(Duration.ofMillis(100)) != null && consumer.assignment().size() == PARTITIONS);
      Records.createTopic(broker, topic + "-later", 2, Map.of());
      await("it has both", () -> consumer.poll(Duration.ofMillis(100)) != null && consumer.assignment().size() == PARTITIONS + 2);
    }
  }
}
