package sluice.compat.clients;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.WakeupException;
import sluice.compat.Broker;

/** A member of a group on a thread of its own: polls, notes what it reads, commits, and follows rebalances. */
final class Member implements AutoCloseable {
  private final KafkaConsumer<String, String> consumer;
  private final Thread thread;
  private final Collection<ConsumerRecord<String, String>> read;
  private volatile Set<TopicPartition> assigned = Set.of();
  private volatile int rebalances;
  private volatile boolean abandoned;
  private volatile RuntimeException failure;

  /** Joins {@code group}; what it reads goes to {@code read} before it is committed. */
  Member(Broker broker, String name, String group, String topic, Map<String, Object> config, ConcurrentLinkedQueue<ConsumerRecord<String, String>> read) {
    Map<String, Object> all = new HashMap<>(Map.of("group.id", group, "client.id", name));
    // With the new protocol these are the broker's.
    if (!"consumer".equals(config.get("group.protocol"))) all.putAll(Map.of("heartbeat.interval.ms", 100, "session.timeout.ms", 6000));
    all.putAll(config);
    this.read = read;
    consumer = Records.consumer(broker, all);
    consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
      @Override
      public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        assigned = without(partitions);
      }

      @Override
      public void onPartitionsLost(Collection<TopicPartition> partitions) {
        assigned = without(partitions);
      }

      @Override
      public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        rebalances++;
        assigned = Set.copyOf(consumer.assignment());
      }
    });
    thread = new Thread(this::run, name);
    thread.start();
  }

  private Set<TopicPartition> without(Collection<TopicPartition> partitions) {
    List<TopicPartition> left = new ArrayList<>(assigned);
    left.removeAll(partitions);
    return Set.copyOf(left);
  }

  private void run() {
    try {
      while (!abandoned) {
        ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(50));
        records.forEach(read::add);
        if (records.isEmpty()) continue;
        try {
          consumer.commitSync();
        } catch (RebalanceInProgressException | CommitFailedException e) {
          // The group moved on meanwhile: another member reads these records again.
        }
      }
    } catch (WakeupException e) {
      // Asked to leave.
    } catch (RuntimeException e) {
      failure = e;
    }
    if (!abandoned) consumer.close();
  }

  Set<TopicPartition> assigned() {
    if (failure != null) throw failure;
    return assigned;
  }

  /** How often this member was handed an assignment, an unchanged one included. */
  int rebalances() {
    return rebalances;
  }

  /** Leaves the group. */
  @Override
  public void close() throws InterruptedException {
    consumer.wakeup();
    thread.join();
    if (failure != null) throw failure;
  }

  /**
   * Ends as a process does that is killed: its sockets close, and the coordinator is told nothing.
   */
  void die() throws InterruptedException {
    abandoned = true;
    thread.join();
    consumer.close(CloseOptions.groupMembershipOperation(GroupMembershipOperation.REMAIN_IN_GROUP));
  }
}
