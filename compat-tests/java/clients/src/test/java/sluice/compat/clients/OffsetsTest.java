package sluice.compat.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import sluice.compat.Broker;
import sluice.compat.SharedBroker;

/** Positions: where a consumer is, may go, and was. Each topic holds a hundred records, a second apart. */
@ExtendWith(SharedBroker.class)
class OffsetsTest {
  private static final long FIRST_MS = 1_700_000_000_000L;
  private static final int COUNT = 100;

  private final Broker broker;
  private TopicPartition partition;

  OffsetsTest(Broker broker) {
    this.broker = broker;
  }

  @BeforeEach
  void fill(TestInfo test) throws Exception {
    partition = new TopicPartition("offsets-" + test.getTestMethod().orElseThrow().getName(), 0);
    Records.createTopic(broker, partition.topic(), 1, Map.of());
    try (KafkaProducer<String, String> producer = Records.producer(broker, Map.of("batch.size", 300))) {
      for (int i = 0; i < COUNT; i++) producer.send(new ProducerRecord<>(partition.topic(), 0, FIRST_MS + i * 1000L, null, "v" + i));
    }
  }

  private static ConsumerRecord<String, String> next(KafkaConsumer<String, String> consumer) {
    for (int i = 0; i < 50; i++) {
      for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) return record;
    }
    throw new AssertionError("no record came");
  }

  @Test
  void seekGoesToAnyOffset() {
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, Map.of())) {
      consumer.assign(List.of(partition));
      for (int offset : new int[] {50, 0, 99, 13, 14}) {
        consumer.seek(partition, offset);
        assertEquals("v" + offset, next(consumer).value());
      }
      consumer.seekToBeginning(List.of(partition));
      assertEquals(0, consumer.position(partition));
      consumer.seekToEnd(List.of(partition));
      assertEquals(COUNT, consumer.position(partition));
    }
  }

  @Test
  void offsetsForTimesFindsTheFirstRecordAtOrAfterATime() {
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, Map.of())) {
      assertEquals(40, offsetFor(consumer, FIRST_MS + 40_000).offset());
      assertEquals(FIRST_MS + 40_000, offsetFor(consumer, FIRST_MS + 40_000).timestamp());
      assertEquals(41, offsetFor(consumer, FIRST_MS + 40_001).offset());
      assertEquals(0, offsetFor(consumer, 0).offset());
      assertEquals(Optional.of(0), offsetFor(consumer, 0).leaderEpoch());
      assertNull(offsetFor(consumer, FIRST_MS + COUNT * 1000L));
    }
  }

  private OffsetAndTimestamp offsetFor(KafkaConsumer<?, ?> consumer, long timestampMs) {
    return consumer.offsetsForTimes(Map.of(partition, timestampMs)).get(partition);
  }

  @Test
  void beginningAndEndFollowDeletedRecords() throws Exception {
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, Map.of()); Admin admin = Records.admin(broker)) {
      assertEquals(Map.of(partition, 0L), consumer.beginningOffsets(List.of(partition)));
      assertEquals(Map.of(partition, (long) COUNT), consumer.endOffsets(List.of(partition)));
      admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(30))).all().get();
      assertEquals(Map.of(partition, 30L), consumer.beginningOffsets(List.of(partition)));
      assertEquals(30, Records.readAll(consumer, partition.topic()).get(0).offset());
    }
  }

  @Test
  void anOffsetThatIsNotThereIsOutOfRange() {
    Map<String, Object> config = Map.of("auto.offset.reset", "none");
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, config)) {
      consumer.assign(List.of(partition));
      consumer.seek(partition, COUNT + 1);
      OffsetOutOfRangeException e = assertThrows(OffsetOutOfRangeException.class, () -> {
        for (int i = 0; i < 50; i++) consumer.poll(Duration.ofMillis(200));
      });
      assertEquals(Set.of(partition), e.partitions());
      // The very end is not out of range: it is where the next record will be.
      consumer.seek(partition, COUNT);
      assertEquals(0, consumer.poll(Duration.ofMillis(300)).count());
    }
  }

  @Test
  void committedOffsetsComeBackWithMetadataAndLeaderEpoch() throws Exception {
    OffsetAndMetadata first = new OffsetAndMetadata(17, Optional.of(0), "half-way there");
    Map<String, Object> config = Map.of("group.id", "committers-" + partition.topic());
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, config)) {
      consumer.assign(List.of(partition));
      assertNull(consumer.committed(Set.of(partition)).get(partition));
      consumer.commitSync(Map.of(partition, first));
      assertEquals(first, consumer.committed(Set.of(partition)).get(partition));
      CompletableFuture<Exception> done = new CompletableFuture<>();
      OffsetAndMetadata second = new OffsetAndMetadata(18);
      consumer.commitAsync(Map.of(partition, second), (offsets, e) -> done.complete(e));
      for (int i = 0; i < 50 && !done.isDone(); i++) consumer.poll(Duration.ofMillis(100));
      assertNull(done.get(1, TimeUnit.SECONDS));
      assertEquals(second, consumer.committed(Set.of(partition)).get(partition));
    }
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, config)) {
      consumer.assign(List.of(partition));
      assertEquals("v18", next(consumer).value());
    }
  }
}
