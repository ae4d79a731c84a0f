package sluice.compat.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import sluice.compat.Broker;
import sluice.compat.clients.Records;

/** A partition's directory that Apache Kafka wrote is opened by the broker under test and reads back the same. */
class KafkaDirectoryTest {
  /** How the names of the data directories start that the broker under test had no part in. */
  static final String WRITTEN_BY_KAFKA = "kafka-wrote-";

  private static final String TOPIC = "moved";
  private static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");

  @Test
  void afterACleanStop() throws Exception {
    movesOver("clean", Broker::stop);
  }

  /** Then the indexes of the last segment are preallocated and end in zeros, and nothing says where recovery begins. */
  @Test
  void afterSigkill() throws Exception {
    movesOver("killed", Broker::kill);
  }

  private static void movesOver(String name, Consumer<Broker> end) throws Exception {
    List<ConsumerRecord<byte[], byte[]>> written;
    Path kafkas;
    try (Broker kafka = Broker.start(Broker.Kind.KAFKA, WRITTEN_BY_KAFKA + name)) {
      Records.createTopic(kafka, TOPIC, 1, Map.of("segment.bytes", "1048576"));
      for (String codec : CODECS) {
        Map<String, Object> config = Map.of("compression.type", codec, "batch.size", 4000, "linger.ms", 5);
        try (KafkaProducer<byte[], byte[]> producer = Records.byteProducer(kafka, config)) {
          for (int i = 0; i < 800; i++) {
            ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(TOPIC, 0, 1_700_000_000_000L + i, Records.noise(8, i), i % 10 == 0 ? null : Records.noise(i, i));
            record.headers().add("codec", codec.getBytes());
            producer.send(record);
          }
        }
      }
      written = readAll(kafka);
      end.accept(kafka);
      kafkas = kafka.data().resolve(TOPIC + "-0");
    }
    assertEquals(CODECS.size() * 800, written.size());

    try (Broker broker = Broker.start("opened-" + name)) {
      Records.createTopic(broker, TOPIC, 1, Map.of("segment.bytes", "1048576"));
      broker.stop();
      Path ours = broker.data().resolve(TOPIC + "-0");
      replaceFiles(kafkas, ours);
      // What the directory is like after a kill; after a clean stop the marker stays, and nothing is recovered.
      if (name.equals("killed")) Files.delete(broker.data().resolve(".kafka_cleanshutdown"));
      broker.restart();
      assertSame(written, readAll(broker));
      try (KafkaProducer<byte[], byte[]> producer = Records.byteProducer(broker, Map.of())) {
        assertEquals(written.size(), producer.send(new ProducerRecord<>(TOPIC, new byte[] {1})).get().offset());
      }
    }
  }

  /** Puts one broker's files in place of another's; the topic id stays the one that the other knows. */
  private static void replaceFiles(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.list(to)) {
      for (Path file : files.toList()) if (!file.endsWith("partition.metadata")) Files.delete(file);
    }
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) if (!file.endsWith("partition.metadata")) Files.copy(file, to.resolve(file.getFileName()));
    }
  }

  private static List<ConsumerRecord<byte[], byte[]>> readAll(Broker broker) {
    try (KafkaConsumer<byte[], byte[]> consumer = Records.byteConsumer(broker, Map.of())) {
      return Records.readAll(consumer, TOPIC);
    }
  }

  private static void assertSame(List<ConsumerRecord<byte[], byte[]>> expected, List<ConsumerRecord<byte[], byte[]>> actual) {
    assertEquals(expected.size(), actual.size());
    for (int i = 0; i < expected.size(); i++) {
      ConsumerRecord<byte[], byte[]> one = expected.get(i);
      ConsumerRecord<byte[], byte[]> other = actual.get(i);
      assertEquals(one.offset(), other.offset());
      assertEquals(one.timestamp(), other.timestamp());
      assertArrayEquals(one.key(), other.key());
      assertArrayEquals(one.value(), other.value());
      assertEquals(one.headers(), other.headers());
    }
  }
}
