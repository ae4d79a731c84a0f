package sluice.compat.tools;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import sluice.compat.Broker;

/** A consumer that polls on its own thread, commits as it goes, and tells what it is assigned. */
final class GroupMember implements AutoCloseable {
  private final KafkaConsumer<String, String> consumer;
  private final Thread thread;
  private final String group;
  private final String topic;
  private volatile int partitions;
  private volatile Set<TopicPartition> assigned = Set.of();
  private volatile boolean caughtUp;
  private volatile RuntimeException failure;

  GroupMember(Broker broker, String name, Map<String, String> options) {
    group = options.get("group");
    topic = options.get("topic");
    Map<String, Object> config = new HashMap<>(options);
    config.keySet().removeAll(Set.of("group", "topic"));
    config.put("bootstrap.servers", broker.bootstrap());
    config.put("group.id", group);
    config.put("client.id", name);
    config.put("auto.offset.reset", "earliest");
    config.put("enable.auto.commit", false);
    // Of a new group it is the broker's to say.
    if (!"consumer".equals(options.get("group.protocol"))) config.put("heartbeat.interval.ms", 200);
    consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    consumer.subscribe(List.of(topic));
    thread = new Thread(this::poll, name);
    thread.start();
  }

  /** Returns when the members of each group own all partitions of their topic, none twice, and have committed what is there. */
  static void awaitStable(Collection<GroupMember> members, Duration limit) throws InterruptedException {
    if (members.isEmpty()) return;
    long deadline = System.nanoTime() + limit.toNanos();
    Collection<List<GroupMember>> groups = members.stream().collect(Collectors.groupingBy(member -> member.group)).values();
    while (!groups.stream().allMatch(GroupMember::stable)) {
      for (GroupMember member : members) if (member.failure != null) throw member.failure;
      if (System.nanoTime() > deadline) throw new AssertionError("the group did not settle within " + limit);
      Thread.sleep(20);
    }
    // One heartbeat interval after the last rebalance.
    Thread.sleep(500);
  }

  private static boolean stable(List<GroupMember> group) {
    Set<TopicPartition> owned = new HashSet<>();
    int sum = 0;
    for (GroupMember member : group) {
      if (member.assigned.isEmpty() || !member.caughtUp) return false;
      owned.addAll(member.assigned);
      sum += member.assigned.size();
    }
    int expected = group.get(0).partitions;
    return sum == owned.size() && expected > 0 && sum == expected;
  }

  private void poll() {
    try (consumer) {
      partitions = consumer.partitionsFor(topic).size();
      while (true) {
        boolean empty = consumer.poll(Duration.ofMillis(100)).isEmpty();
        if (!empty) consumer.commitSync();
        assigned = Set.copyOf(consumer.assignment());
        caughtUp = empty && assigned.stream().allMatch(partition -> consumer.currentLag(partition).orElse(-1) == 0);
      }
    } catch (WakeupException e) {
      // Closing: the consumer leaves its group as the resource is closed.
    } catch (RuntimeException e) {
      failure = e;
    }
  }

  @Override
  public void close() throws InterruptedException {
    consumer.wakeup();
    thread.join();
    if (failure != null) throw failure;
  }
}
