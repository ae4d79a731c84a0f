package sluice.old;

import static sluice.old.Program.check;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;

/** Two members, then three, then two again, and nothing missed; whoever comes later goes on where they were. */
final class GroupOfThree {
  private static final long LIMIT_MS = 60_000;
  private static final int ROUND = 120;

  private final String bootstrap;
  private final String topic;
  private final Set<String> seen = ConcurrentHashMap.newKeySet();
  private int written;

  private GroupOfThree(String bootstrap, String topic) {
    this.bootstrap = bootstrap;
    this.topic = topic;
  }

  static void run(String bootstrap, String topic) throws Exception {
    new GroupOfThree(bootstrap, topic).run();
  }

  private void run() throws Exception {
    produce();
    Member first = new Member();
    Member second = new Member();
    await("two members with three partitions each", () -> shares(first, second).equals(List.of(3, 3)));
    await("the first records", () -> seen.size() == written);
    Member third = new Member();
    produce();
    await("three members with two each", () -> shares(first, second, third).equals(List.of(2, 2, 2)));
    produce();
    await("the next records", () -> seen.size() == written);
    second.leave();
    produce();
    await("two members again", () -> shares(first, third).equals(List.of(3, 3)));
    await("the last records", () -> seen.size() == written);
    first.leave();
    third.leave();
    nothingIsLeft();
  }

  private void produce() throws Exception {
    try (KafkaProducer<byte[], byte[]> producer = Clients.producer(bootstrap, Map.of("acks", "all"))) {
      for (int n = 0; n < ROUND; n++) {
        byte[] key = Integer.toString(written++).getBytes(StandardCharsets.UTF_8);
        producer.send(Api.record(topic, n % Clients.PARTITIONS, Content.BASE_TIME_MS, key, key)).get(30, TimeUnit.SECONDS);
      }
    }
  }

  private static List<Integer> shares(Member... members) {
    Set<TopicPartition> all = new HashSet<>();
    for (Member member : members) all.addAll(member.assigned);
    if (all.size() != Clients.PARTITIONS) return List.of();
    return java.util.Arrays.stream(members).map(member -> member.assigned.size()).toList();
  }

  private void nothingIsLeft() {
    try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(bootstrap, topic)) {
      consumer.subscribe(Collections.singletonList(topic));
      long until = System.currentTimeMillis() + 3000;
      while (System.currentTimeMillis() < until)
        check(Api.poll(consumer, 200).isEmpty(), "a record came again, though all were committed");
      long committed = 0;
      for (TopicPartition partition : Content.partitions(topic)) {
        OffsetAndMetadata offset = Api.committed(consumer, partition);
        check(offset.metadata().equals("note"), "metadata " + offset.metadata());
        committed += offset.offset();
      }
      check(committed == written, committed + " offsets committed of " + written);
    }
  }

  private static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.currentTimeMillis() + LIMIT_MS;
    while (!condition.getAsBoolean()) {
      check(System.currentTimeMillis() < deadline, "never: " + what);
      Thread.sleep(20);
    }
  }

  private final class Member implements Runnable, ConsumerRebalanceListener {
    private volatile Set<TopicPartition> assigned = Set.of();
    private volatile boolean leaving;
    private volatile Throwable failure;
    private final Thread thread = new Thread(this);

    Member() {
      thread.setDaemon(true);
      thread.start();
    }

    void leave() throws InterruptedException {
      leaving = true;
      thread.join(30_000);
      check(!thread.isAlive(), "a member does not leave");
      check(failure == null, "a member failed: " + failure);
    }

    @Override
    public void run() {
      try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(bootstrap, topic)) {
        consumer.subscribe(Collections.singletonList(topic), this);
        while (!leaving) {
          ConsumerRecords<byte[], byte[]> records = Api.poll(consumer, 50);
          Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
          for (ConsumerRecord<byte[], byte[]> record : records) {
            seen.add(new String(record.key(), StandardCharsets.UTF_8));
            offsets.put(
                new TopicPartition(record.topic(), record.partition()),
                new OffsetAndMetadata(record.offset() + 1, "note"));
          }
          if (!offsets.isEmpty()) commit(consumer, offsets);
        }
      } catch (Throwable error) {
        failure = error;
      }
    }

    /** What a rebalance took away in the meantime is read again by its new owner. */
    private void commit(KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, OffsetAndMetadata> offsets) {
      try {
        consumer.commitSync(offsets);
      } catch (RuntimeException refused) {
        if (!refused.getClass().getSimpleName().equals("CommitFailedException")
            && !refused.getClass().getSimpleName().equals("RebalanceInProgressException")) throw refused;
      }
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      assigned = Set.of();
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      assigned = Set.copyOf(partitions);
    }
  }
}
