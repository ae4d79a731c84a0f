package sluice.compat.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sluice.compat.Broker;

/** Groups that the Java consumer drives with both protocols: side by side, and moving from one to the other. */
class MigrationTest {
  private static final int PARTITIONS = 12;
  private static final String RANGE = "org.apache.kafka.clients.consumer.RangeAssignor";

  private static Broker broker;

  /** Members of the new protocol heartbeat as often as the broker says; every five seconds would be a long test. */
  @BeforeAll
  static void start() {
    broker = Broker.start(
        "java-migration",
        "group.consumer.min.heartbeat.interval.ms=100",
        "group.consumer.heartbeat.interval.ms=100",
        "group.consumer.assignment.interval.ms=0");
  }

  @AfterAll
  static void stop() throws Exception {
    broker.close();
  }

  /**
   * A member that commits what it has read before it polls again. A commit that is refused ends it: what it has read
   * would be read again.
   */
  private static final class Worker {
    private final KafkaConsumer<String, String> consumer;
    private final Thread thread;
    private volatile Set<TopicPartition> assigned = Set.of();
    private volatile boolean stopped;
    private volatile RuntimeException failure;

    Worker(String name, Collection<String> topics, Map<String, Object> config, ConcurrentLinkedQueue<ConsumerRecord<String, String>> read) {
      Map<String, Object> all = new HashMap<>(config);
      all.put("client.id", name);
      consumer = Records.consumer(broker, all);
      consumer.subscribe(topics, new ConsumerRebalanceListener() {
        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
          TreeSet<TopicPartition> left = ordered(assigned);
          left.removeAll(partitions);
          assigned = left;
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> partitions) {
          // A classic consumer that closes while the group rebalances says so of what it gives up; all of it is committed.
          if (!stopped && failure == null) failure = new IllegalStateException(name + " lost " + partitions);
          onPartitionsRevoked(partitions);
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
          assigned = ordered(consumer.assignment());
        }
      });
      thread = new Thread(() -> run(read), name);
      thread.start();
    }

    private static TreeSet<TopicPartition> ordered(Collection<TopicPartition> partitions) {
      TreeSet<TopicPartition> set =
          new TreeSet<>((a, b) -> a.topic().equals(b.topic()) ? a.partition() - b.partition() : a.topic().compareTo(b.topic()));
      set.addAll(partitions);
      return set;
    }

    private void run(ConcurrentLinkedQueue<ConsumerRecord<String, String>> read) {
      try {
        while (!stopped) {
          ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(20));
          records.forEach(read::add);
          if (!records.isEmpty()) consumer.commitSync();
        }
      } catch (RuntimeException e) {
        failure = e;
      }
      consumer.close();
    }

    Set<TopicPartition> assigned() {
      if (failure != null) throw failure;
      return assigned;
    }

    void stop() throws InterruptedException {
      stopped = true;
      thread.join();
      if (failure != null) throw failure;
    }
  }

  private static Map<String, Object> config(String group, boolean classic, String instanceId) {
    Map<String, Object> config = new HashMap<>();
    config.put("group.id", group);
    config.put("group.protocol", classic ? "classic" : "consumer");
    if (instanceId != null) config.put("group.instance.id", instanceId);
    if (classic) {
      config.put("partition.assignment.strategy", RANGE);
      config.put("heartbeat.interval.ms", 100);
    } else {
      config.put("group.remote.assignor", "range");
    }
    return config;
  }

  private static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(40).toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) throw new AssertionError("waited in vain until " + what);
      Thread.sleep(10);
    }
  }

  /**
   * Waits until the workers own all partitions, each once and as many as the others, and every one of them is in the
   * group's present epoch: a group that becomes a classic one knows no other, and refuses the commits of who is late.
   */
  private static void awaitShared(String group, Collection<Worker> workers) throws Exception {
    await(workers.size() + " members share the partitions", () -> {
      Set<TopicPartition> owned = new HashSet<>();
      for (Worker worker : workers) {
        if (worker.assigned().size() != PARTITIONS / workers.size()) return false;
        owned.addAll(worker.assigned());
      }
      return owned.size() == PARTITIONS;
    });
    try (var admin = Records.admin(broker)) {
      await("the group is stable", () -> {
        for (Worker worker : workers) worker.assigned();
        return listed(admin, group).groupState().orElseThrow() == GroupState.STABLE;
      });
    }
  }

  private static GroupListing listed(Admin admin, String group) {
    try {
      return admin.listGroups().all().get().stream()
          .filter(listing -> listing.groupId().equals(group))
          .findFirst()
          .orElseThrow();
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  private static GroupType typeOf(String group) {
    try (var admin = Records.admin(broker)) {
      return listed(admin, group).type().orElseThrow();
    }
  }

  @Test
  void withRangeAndInstanceIdsBothProtocolsComeToTheSameAssignment() throws Exception {
    Records.createTopic(broker, "migration-a", 7, Map.of());
    Records.createTopic(broker, "migration-b", 5, Map.of());
    List<String> topics = List.of("migration-a", "migration-b");
    List<Map<String, Set<TopicPartition>>> assignments = new ArrayList<>();
    for (boolean classic : List.of(true, false)) {
      Map<String, Worker> workers = new TreeMap<>();
      // Not in the order of their instance ids.
      for (String instance : List.of("desk-3", "desk-1", "desk-4", "desk-2")) {
        Map<String, Object> config = config("same-" + classic, classic, instance);
        workers.put(instance, new Worker(instance, topics, config, new ConcurrentLinkedQueue<>()));
      }
      await("all is assigned", () -> {
        Set<TopicPartition> all = new HashSet<>();
        for (Worker worker : workers.values()) {
          if (worker.assigned().isEmpty()) return false;
          all.addAll(worker.assigned());
        }
        return all.size() == PARTITIONS
            && workers.values().stream().mapToInt(worker -> worker.assigned().size()).sum() == PARTITIONS;
      });
      Map<String, Set<TopicPartition>> assignment = new TreeMap<>();
      workers.forEach((instance, worker) -> assignment.put(instance, worker.assigned()));
      assignments.add(assignment);
      for (Worker worker : workers.values()) worker.stop();
    }
    assertEquals(assignments.get(0), assignments.get(1));
  }

  @ParameterizedTest
  @CsvSource({"dynamic,false", "static,true"})
  void aLiveGroupMovesBothWaysWithoutARecordMissedOrReadTwice(String kind, boolean hasInstanceIds) throws Exception {
    String topic = "migration-" + kind;
    String group = "moves-" + kind;
    Records.createTopic(broker, topic, PARTITIONS, Map.of());
    ConcurrentLinkedQueue<ConsumerRecord<String, String>> read = new ConcurrentLinkedQueue<>();
    Load load = new Load(topic);
    List<Worker> workers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      workers.add(new Worker("classic-" + i, List.of(topic), config(group, true, hasInstanceIds ? "desk-" + i : null), read));
    }
    awaitShared(group, workers);
    assertEquals(GroupType.CLASSIC, typeOf(group));

    for (boolean toClassic : List.of(false, true)) {
      for (int i = 0; i < 4; i++) {
        workers.remove(0).stop();
        Map<String, Object> config = config(group, toClassic, hasInstanceIds ? "desk-" + i : null);
        workers.add(new Worker((toClassic ? "back-" : "new-") + i, List.of(topic), config, read));
        awaitShared(group, workers);
      }
      assertEquals(toClassic ? GroupType.CLASSIC : GroupType.CONSUMER, typeOf(group));
    }

    int count = load.stop();
    await("all " + count + " records are read", () -> read.size() >= count);
    for (Worker worker : workers) worker.stop();
    Map<Integer, List<Long>> offsets = new TreeMap<>();
    for (ConsumerRecord<String, String> record : read) {
      offsets.computeIfAbsent(record.partition(), ignored -> new ArrayList<>()).add(record.offset());
    }
    assertEquals(count, read.size());
    for (List<Long> ofPartition : offsets.values()) {
      for (int i = 0; i < ofPartition.size(); i++) assertEquals(i, ofPartition.get(i));
    }
  }

  /** Writes to all partitions until it is stopped. */
  private static final class Load {
    private final Thread thread;
    private volatile boolean stopped;
    private volatile int count;

    Load(String topic) {
      thread = new Thread(() -> {
        try (KafkaProducer<String, String> producer = Records.producer(broker, Map.of())) {
          for (int i = 0; !stopped; i++) {
            producer.send(new ProducerRecord<>(topic, i % PARTITIONS, null, "" + i));
            count = i + 1;
            Thread.sleep(2);
          }
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }, "load");
      thread.start();
    }

    /** How many records there are. */
    int stop() throws InterruptedException {
      stopped = true;
      thread.join();
      return count;
    }
  }
}
