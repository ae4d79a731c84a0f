package sluice.compat.clients;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sluice.compat.Broker;
import sluice.compat.SharedBroker;

@ExtendWith(SharedBroker.class)
class ProducerTest {
  private final Broker broker;

  ProducerTest(Broker broker) {
    this.broker = broker;
  }

  @ParameterizedTest(name = "{0} with acks={1}")
  @CsvSource({
    "none,0", "none,1", "none,all", "gzip,0", "gzip,1", "gzip,all", "snappy,0", "snappy,1", "snappy,all",
    "lz4,0", "lz4,1", "lz4,all", "zstd,0", "zstd,1", "zstd,all"
  })
  void everyRecordReadsBackAsItWasSent(String codec, String acks) throws Exception {
    String topic = "codec-" + codec + "-" + acks;
    Records.createTopic(broker, topic, 1, Map.of());
    // Apache Kafka names a leader before it serves it: what an acks=0 producer sends in that moment is gone.
    if (acks.equals("0") && broker.kind() == Broker.Kind.KAFKA) Thread.sleep(1000);
    // Batches of one record, and of many.
    Map<String, Object> config =
        Map.of("compression.type", codec, "acks", acks, "enable.idempotence", acks.equals("all"), "linger.ms", 2);
    int count = 500;
    try (KafkaProducer<String, String> producer = Records.producer(broker, config)) {
      for (int i = 0; i < count; i++) {
        ProducerRecord<String, String> record =
            new ProducerRecord<>(topic, null, 1_700_000_000_000L + i, i % 7 == 0 ? null : "key-" + i, value(i));
        record.headers().add("n", Integer.toString(i).getBytes(StandardCharsets.UTF_8)).add("none", null);
        producer.send(record);
        if (i % 100 == 0) producer.flush();
      }
    }
    Records.awaitCount(broker, topic, count);
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, Map.of())) {
      List<ConsumerRecord<String, String>> read = Records.readAll(consumer, topic);
      assertEquals(count, read.size());
      for (int i = 0; i < count; i++) {
        ConsumerRecord<String, String> record = read.get(i);
        assertEquals(i, record.offset());
        assertEquals(i % 7 == 0 ? null : "key-" + i, record.key());
        assertEquals(value(i), record.value());
        assertEquals(1_700_000_000_000L + i, record.timestamp());
        assertEquals(new RecordHeader("n", Integer.toString(i).getBytes(StandardCharsets.UTF_8)), record.headers().toArray()[0]);
        assertEquals(new RecordHeader("none", (byte[]) null), record.headers().toArray()[1]);
      }
    }
  }

  private static String value(int i) {
    if (i % 50 == 3) return null;
    return ("value " + i + " ").repeat(i % 13);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({"none", "gzip", "snappy", "lz4", "zstd"})
  void recordsOfOneByteToFiveMegabytesKeepTheirBytes(String codec) throws Exception {
    String topic = "sizes-" + codec;
    Records.createTopic(broker, topic, 1, Map.of("max.message.bytes", "6000000"));
    int[] sizes = {1, 2, 100, 1023, 65_536, 1_000_000, 3_000_000, 5 * 1024 * 1024};
    Map<String, Object> config = Map.of("compression.type", codec, "max.request.size", 6_000_000);
    try (KafkaProducer<byte[], byte[]> producer = Records.byteProducer(broker, config)) {
      for (int size : sizes) {
        RecordMetadata sent = producer.send(new ProducerRecord<>(topic, Records.noise(size, size))).get();
        assertEquals(size, sent.serializedValueSize());
      }
    }
    try (KafkaConsumer<byte[], byte[]> consumer = Records.byteConsumer(broker, Map.of())) {
      List<ConsumerRecord<byte[], byte[]>> read = Records.readAll(consumer, topic);
      assertEquals(sizes.length, read.size());
      for (int i = 0; i < sizes.length; i++) assertArrayEquals(Records.noise(sizes[i], sizes[i]), read.get(i).value());
    }
  }

  @Test
  void aHundredThousandRecordsKeepOrderAndContent() throws Exception {
    String topic = "many";
    Records.createTopic(broker, topic, 3, Map.of());
    int count = 100_000;
    List<Future<RecordMetadata>> sent = new ArrayList<>(count);
    try (KafkaProducer<String, String> producer = Records.producer(broker, Map.of("compression.type", "lz4"))) {
      for (int i = 0; i < count; i++) sent.add(producer.send(new ProducerRecord<>(topic, i % 3, "k" + i, "content of record " + i)));
    }
    for (int i = 0; i < count; i++) assertEquals(i / 3, sent.get(i).get().offset());
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, Map.of())) {
      List<ConsumerRecord<String, String>> read = Records.readAll(consumer, topic);
      assertEquals(count, read.size());
      long[] next = new long[3];
      for (ConsumerRecord<String, String> record : read) {
        assertEquals(next[record.partition()]++, record.offset());
        long i = record.offset() * 3 + record.partition();
        assertEquals("k" + i, record.key());
        assertEquals("content of record " + i, record.value());
      }
    }
  }

  @Test
  void aTopicThatAProducerNamesFirstIsThere() throws Exception {
    try (KafkaProducer<String, String> producer = Records.producer(broker, Map.of())) {
      assertEquals(0, producer.send(new ProducerRecord<>("made-by-the-producer", "first")).get().offset());
    }
  }

  @Test
  void aRecordAboveTheTopicsLimitIsRefusedAndTheNextOneAccepted() throws Exception {
    String topic = "limited";
    Records.createTopic(broker, topic, 1, Map.of("max.message.bytes", "10000"));
    try (KafkaProducer<byte[], byte[]> producer = Records.byteProducer(broker, Map.of())) {
      Future<RecordMetadata> large = producer.send(new ProducerRecord<>(topic, new byte[20_000]));
      assertInstanceOf(RecordTooLargeException.class, assertThrows(ExecutionException.class, large::get).getCause());
      assertEquals(0, producer.send(new ProducerRecord<>(topic, new byte[5_000])).get().offset());
    }
  }

  @Test
  void anInternalTopicTakesNoRecordsFromClients() throws Exception {
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, Map.of("group.id", "makes-the-internal-topic"))) {
      consumer.subscribe(List.of("anything"));
      consumer.poll(Duration.ofSeconds(2));
    }
    try (KafkaProducer<String, String> producer = Records.producer(broker, Map.of())) {
      Future<RecordMetadata> sent = producer.send(new ProducerRecord<>("__consumer_offsets", "x"));
      assertInstanceOf(InvalidTopicException.class, assertThrows(ExecutionException.class, sent::get).getCause());
    }
  }
}
