package sluice.compat.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.protocol.Errors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sluice.compat.Broker;

/** Transactions of the Java client; the broker looks often whether one has timed out, and is killed by some tests. */
class TransactionTest {
  private static final Map<String, Object> COMMITTED = Map.of("isolation.level", "read_committed");
  private static final Map<String, Object> UNCOMMITTED = Map.of("isolation.level", "read_uncommitted");
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private static Broker broker;

  @BeforeAll
  static void start() {
    broker = Broker.start(
        "java-transactions",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms=200",
        "group.consumer.min.heartbeat.interval.ms=100",
        "group.consumer.heartbeat.interval.ms=100");
  }

  @AfterAll
  static void stop() {
    broker.close();
  }

  /** A producer that has its id: whatever its predecessor left open is aborted. */
  private static KafkaProducer<String, String> transactional(String id, Object... config) {
    KafkaProducer<String, String> producer = uninitialised(id, config);
    producer.initTransactions();
    return producer;
  }

  private static KafkaProducer<String, String> uninitialised(String id, Object... config) {
    Map<String, Object> all = new HashMap<>(Map.of("transactional.id", id, "reconnect.backoff.max.ms", 100));
    for (int i = 0; i < config.length; i += 2) all.put((String) config[i], config[i + 1]);
    return Records.producer(broker, all);
  }

  private static List<String> read(String topic, Map<String, Object> isolation) {
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, isolation)) {
      return values(Records.readAll(consumer, topic));
    }
  }

  private static List<String> values(Iterable<ConsumerRecord<String, String>> records) {
    List<String> values = new ArrayList<>();
    records.forEach(record -> values.add(record.value()));
    return values;
  }

  private static long end(String topic, IsolationLevel isolation) throws Exception {
    TopicPartition partition = new TopicPartition(topic, 0);
    try (Admin admin = Records.admin(broker)) {
      Map<TopicPartition, ListOffsetsResultInfo> ends =
          admin.listOffsets(Map.of(partition, OffsetSpec.latest()), new ListOffsetsOptions(isolation)).all().get();
      return ends.get(partition).offset();
    }
  }

  private static void awaitState(String id, TransactionState state) throws Exception {
    try (Admin admin = Records.admin(broker)) {
      long deadline = System.nanoTime() + LIMIT.toNanos();
      while (true) {
        TransactionState now = admin.describeTransactions(List.of(id)).description(id).get().state();
        if (now == state) return;
        if (System.nanoTime() > deadline) throw new AssertionError(id + " is " + now + ", not " + state);
        Thread.sleep(20);
      }
    }
  }

  @Test
  void aTransactionOverManyPartitionsIsReadAsAWholeOrNotAtAll() throws Exception {
    int partitions = 12;
    List<String> topics = List.of("many-1", "many-2");
    for (String topic : topics) Records.createTopic(broker, topic, partitions, Map.of());
    Set<String> committed = new TreeSet<>();
    Set<String> sent = new TreeSet<>();
    try (KafkaProducer<String, String> producer = transactional("many")) {
      for (int n = 0; n < 40; n++) {
        boolean commit = n % 3 != 1;
        producer.beginTransaction();
        for (int partition = 0; partition < partitions; partition++) {
          String value = n + "/" + partition;
          for (String topic : topics) producer.send(new ProducerRecord<>(topic, partition, null, value));
          sent.add(value);
          if (commit) committed.add(value);
        }
        if (commit) {
          producer.commitTransaction();
        } else {
          // Else the client would not send them at all.
          producer.flush();
          producer.abortTransaction();
        }
      }
    }
    for (String topic : topics) {
      assertOnce(committed, read(topic, COMMITTED));
      assertOnce(sent, read(topic, UNCOMMITTED));
    }
  }

  private static void assertOnce(Set<String> expected, List<String> values) {
    assertEquals(expected, new TreeSet<>(values));
    assertEquals(expected.size(), values.size(), "none comes twice");
  }

  /** Aborted transactions in several segments, each with its own index of them. */
  @Test
  void abortedRecordsAreLeftOutInEverySegment() throws Exception {
    String topic = "aborted-segments";
    Records.createTopic(broker, topic, 1, Map.of("segment.bytes", "1048576"));
    String padding = "-".repeat(20_000);
    List<String> committed = new ArrayList<>();
    try (KafkaProducer<String, String> producer = transactional("segments"); KafkaProducer<String, String> other = transactional("segments-other")) {
      other.beginTransaction();
      other.send(new ProducerRecord<>(topic, "open from the first segment to the last"));
      other.flush();
      for (int n = 0; n < 30; n++) {
        producer.beginTransaction();
        for (int i = 0; i < 10; i++) producer.send(new ProducerRecord<>(topic, n + "/" + i + padding));
        producer.flush();
        if (n % 2 == 0) {
          producer.commitTransaction();
          for (int i = 0; i < 10; i++) committed.add(n + "/" + i + padding);
        } else {
          producer.abortTransaction();
        }
      }
      other.abortTransaction();
    }
    assertTrue(read(topic, COMMITTED).equals(committed), "what is committed, in order");
    assertEquals(301, read(topic, UNCOMMITTED).size());
  }

  @Test
  void anOpenTransactionHoldsBackReadersOfWhatIsCommitted() throws Exception {
    String topic = "held-back";
    Records.createTopic(broker, topic, 1, Map.of());
    TopicPartition partition = new TopicPartition(topic, 0);
    try (KafkaProducer<String, String> open = transactional("held-back");
        KafkaProducer<String, String> plain = Records.producer(broker, Map.of());
        KafkaConsumer<String, String> committed = Records.consumer(broker, COMMITTED);
        KafkaConsumer<String, String> uncommitted = Records.consumer(broker, UNCOMMITTED)) {
      plain.send(new ProducerRecord<>(topic, "before")).get();
      open.beginTransaction();
      open.send(new ProducerRecord<>(topic, "open")).get();
      plain.send(new ProducerRecord<>(topic, "after")).get();
      assertEquals(1, end(topic, IsolationLevel.READ_COMMITTED));
      assertEquals(3, end(topic, IsolationLevel.READ_UNCOMMITTED));
      assertEquals(List.of("before"), read(topic, COMMITTED));
      assertEquals(List.of("before", "open", "after"), read(topic, UNCOMMITTED));

      committed.assign(List.of(partition));
      committed.seek(partition, 1);
      assertTrue(committed.poll(Duration.ofMillis(700)).isEmpty(), "nothing behind the last stable offset");
      open.commitTransaction();
      List<String> rest = new ArrayList<>();
      long deadline = System.nanoTime() + LIMIT.toNanos();
      while (rest.size() < 2 && System.nanoTime() < deadline) rest.addAll(values(committed.poll(Duration.ofMillis(200))));
      assertEquals(List.of("open", "after"), rest);
      // The marker has an offset of its own.
      assertEquals(4, end(topic, IsolationLevel.READ_COMMITTED));
      uncommitted.assign(List.of(partition));
      assertEquals(4, uncommitted.endOffsets(List.of(partition)).get(partition));
    }
  }

  @Test
  void aSecondProducerOfTheSameIdFencesTheFirst() throws Exception {
    String topic = "fenced";
    Records.createTopic(broker, topic, 2, Map.of());
    try (KafkaProducer<String, String> first = transactional("fenced")) {
      first.beginTransaction();
      first.send(new ProducerRecord<>(topic, 0, null, "of the first")).get();
      try (KafkaProducer<String, String> second = transactional("fenced")) {
        assertFenced(assertThrows(ExecutionException.class, () -> first.send(new ProducerRecord<>(topic, 0, null, "late")).get()).getCause());
        assertFenced(assertThrows(KafkaException.class, first::commitTransaction));
        second.beginTransaction();
        second.send(new ProducerRecord<>(topic, 1, null, "of the second"));
        second.commitTransaction();
      }
    }
    try (KafkaProducer<String, String> idle = transactional("fenced-idle"); KafkaProducer<String, String> other = transactional("fenced-idle")) {
      idle.beginTransaction();
      assertFenced(assertThrows(ExecutionException.class, () -> idle.send(new ProducerRecord<>(topic, 0, null, "never")).get()).getCause());
      other.beginTransaction();
      other.send(new ProducerRecord<>(topic, 1, null, "of the other"));
      other.commitTransaction();
    }
    assertEquals(Set.of("of the second", "of the other"), Set.copyOf(read(topic, COMMITTED)));
  }

  /** The client says one or the other, by which answer comes first. */
  private static void assertFenced(Throwable thrown) {
    for (Throwable e = thrown; e != null; e = e.getCause()) {
      if (e instanceof ProducerFencedException || e instanceof InvalidProducerEpochException) return;
    }
    throw new AssertionError("not fenced", thrown);
  }

  @Test
  void anAdministratorFencesAProducer() throws Exception {
    String topic = "fenced-by-hand";
    Records.createTopic(broker, topic, 1, Map.of());
    try (KafkaProducer<String, String> producer = transactional("fenced-by-hand"); Admin admin = Records.admin(broker)) {
      producer.beginTransaction();
      producer.send(new ProducerRecord<>(topic, "lost")).get();
      admin.fenceProducers(List.of("fenced-by-hand")).all().get();
      assertFenced(assertThrows(KafkaException.class, producer::commitTransaction));
    }
    assertEquals(List.of(), read(topic, COMMITTED));
  }

  @Test
  void aTransactionLongerThanItsTimeoutIsAborted() throws Exception {
    String topic = "late";
    Records.createTopic(broker, topic, 1, Map.of());
    try (KafkaProducer<String, String> producer = transactional("late", "transaction.timeout.ms", 300)) {
      producer.beginTransaction();
      producer.send(new ProducerRecord<>(topic, "late")).get();
      awaitState("late", TransactionState.COMPLETE_ABORT);
      assertThrows(KafkaException.class, producer::commitTransaction);
    }
    assertEquals(List.of(), read(topic, COMMITTED));
    assertEquals(2, end(topic, IsolationLevel.READ_COMMITTED), "the record and its abort marker");
    try (KafkaProducer<String, String> next = transactional("late")) {
      next.beginTransaction();
      next.send(new ProducerRecord<>(topic, "in time"));
      next.commitTransaction();
    }
    assertEquals(List.of("in time"), read(topic, COMMITTED));
  }

  @Test
  void aTimeoutAboveTheMaximumIsRefused() {
    try (KafkaProducer<String, String> producer = uninitialised("forever", "transaction.timeout.ms", 900_001)) {
      KafkaException refused = assertThrows(KafkaException.class, producer::initTransactions);
      // The client has no exception for it.
      assertTrue(refused.getMessage().contains(Errors.INVALID_TRANSACTION_TIMEOUT.message()), refused::getMessage);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"classic", "consumer"})
  void offsetsGoWithTheTransaction(String protocol) throws Exception {
    String source = "source-" + protocol;
    String target = "target-" + protocol;
    String group = "transformers-" + protocol;
    Records.createTopic(broker, source, 3, Map.of());
    Records.createTopic(broker, target, 3, Map.of());
    List<String> input = IntStream.range(0, 300).mapToObj(Integer::toString).toList();
    try (KafkaProducer<String, String> producer = Records.producer(broker, Map.of())) {
      for (String value : input) producer.send(new ProducerRecord<>(source, Integer.parseInt(value) % 3, null, value));
    }
    Map<String, Object> config = Map.of(
        "group.id", group, "group.protocol", protocol, "isolation.level", "read_committed", "max.poll.records", 25);
    int done = 0;
    int round = 0;
    while (done < input.size()) {
      // Another member every few transactions, which begins with what is committed.
      try (KafkaProducer<String, String> producer = transactional(group); KafkaConsumer<String, String> consumer = Records.consumer(broker, config)) {
        consumer.subscribe(List.of(source));
        long deadline = System.nanoTime() + LIMIT.toNanos();
        for (int transactions = 0; transactions < 5 && done < input.size(); ) {
          if (System.nanoTime() > deadline) throw new AssertionError("only " + done + " of " + input.size());
          var records = consumer.poll(Duration.ofMillis(200));
          if (records.isEmpty()) continue;
          transactions++;
          producer.beginTransaction();
          for (ConsumerRecord<String, String> record : records) producer.send(new ProducerRecord<>(target, record.partition(), null, record.value()));
          producer.sendOffsetsToTransaction(new HashMap<>(records.nextOffsets()), consumer.groupMetadata());
          if (round++ % 3 == 2) {
            producer.flush();
            producer.abortTransaction();
            Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(consumer.assignment());
            committed.forEach((partition, offset) -> consumer.seek(partition, offset == null ? 0 : offset.offset()));
          } else {
            producer.commitTransaction();
            done += records.count();
          }
        }
      }
    }
    assertOnce(new TreeSet<>(input), read(target, COMMITTED));
    try (Admin admin = Records.admin(broker)) {
      Map<TopicPartition, OffsetAndMetadata> offsets = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
      assertEquals(
          IntStream.range(0, 3).boxed().collect(Collectors.toMap(p -> new TopicPartition(source, p), p -> 100L)),
          offsets.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().offset())));
    }
  }

  @Test
  void offsetsOfAnOpenTransactionAreNotReadAsStable() throws Exception {
    String topic = "unstable";
    Records.createTopic(broker, topic, 1, Map.of());
    TopicPartition partition = new TopicPartition(topic, 0);
    Map<String, Object> reader = Map.of("group.id", "unstable", "isolation.level", "read_committed");
    try (KafkaProducer<String, String> producer = transactional("unstable"); KafkaConsumer<String, String> consumer = Records.consumer(broker, reader)) {
      consumer.assign(List.of(partition));
      consumer.commitSync(Map.of(partition, new OffsetAndMetadata(1)));
      producer.beginTransaction();
      producer.sendOffsetsToTransaction(Map.of(partition, new OffsetAndMetadata(7, "with it")), consumer.groupMetadata());
      assertThrows(TimeoutException.class, () -> consumer.committed(Set.of(partition), Duration.ofMillis(500)));
      producer.commitTransaction();
      assertEquals(new OffsetAndMetadata(7, "with it"), consumer.committed(Set.of(partition), LIMIT).get(partition));
    }
  }

  @Test
  void aMemberThatWasReplacedCommitsNoOffsets() throws Exception {
    String topic = "replaced";
    Records.createTopic(broker, topic, 1, Map.of());
    TopicPartition partition = new TopicPartition(topic, 0);
    Map<String, Object> config = Map.of("group.id", "replaced", "session.timeout.ms", 6000);
    try (KafkaProducer<String, String> producer = transactional("replaced")) {
      ConsumerGroupMetadata old;
      try (KafkaConsumer<String, String> consumer = Records.consumer(broker, config)) {
        consumer.subscribe(List.of(topic));
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (consumer.assignment().isEmpty() && System.nanoTime() < deadline) consumer.poll(Duration.ofMillis(100));
        old = consumer.groupMetadata();
      }
      producer.beginTransaction();
      producer.send(new ProducerRecord<>(topic, "never")).get();
      assertThrows(CommitFailedException.class, () -> producer.sendOffsetsToTransaction(Map.of(partition, new OffsetAndMetadata(3)), old));
      producer.abortTransaction();
    }
    assertEquals(List.of(), read(topic, COMMITTED));
    try (Admin admin = Records.admin(broker)) {
      assertEquals(Map.of(), admin.listConsumerGroupOffsets("replaced").partitionsToOffsetAndMetadata().get());
    }
  }

  @Test
  void anOpenTransactionIsCommittedAfterTheBrokerWasKilled() throws Exception {
    Records.createTopic(broker, "killed-commit", 4, Map.of());
    try (KafkaProducer<String, String> producer = transactional("killed-commit")) {
      producer.beginTransaction();
      for (int i = 0; i < 4; i++) producer.send(new ProducerRecord<>("killed-commit", i, null, "before " + i));
      producer.flush();
      broker.kill();
      broker.restart();
      assertEquals(List.of(), read("killed-commit", COMMITTED));
      for (int i = 0; i < 4; i++) producer.send(new ProducerRecord<>("killed-commit", i, null, "after " + i));
      producer.commitTransaction();
      producer.beginTransaction();
      producer.send(new ProducerRecord<>("killed-commit", 0, null, "next"));
      producer.commitTransaction();
    }
    assertEquals(
        Set.of("before 0", "before 1", "before 2", "before 3", "after 0", "after 1", "after 2", "after 3", "next"),
        new TreeSet<>(read("killed-commit", COMMITTED)));
  }

  @Test
  void aTransactionWhoseProducerDiedWithTheBrokerIsAbortedByItsSuccessor() throws Exception {
    Records.createTopic(broker, "killed-abort", 4, Map.of());
    KafkaProducer<String, String> lost = transactional("killed-abort");
    lost.beginTransaction();
    for (int i = 0; i < 4; i++) lost.send(new ProducerRecord<>("killed-abort", i, null, "lost " + i));
    lost.flush();
    broker.kill();
    lost.close(Duration.ZERO);
    broker.restart();
    try (KafkaProducer<String, String> next = transactional("killed-abort")) {
      next.beginTransaction();
      next.send(new ProducerRecord<>("killed-abort", 2, null, "kept"));
      next.commitTransaction();
    }
    assertEquals(List.of("kept"), read("killed-abort", COMMITTED));
    assertEquals(5, read("killed-abort", UNCOMMITTED).size());
  }
}
