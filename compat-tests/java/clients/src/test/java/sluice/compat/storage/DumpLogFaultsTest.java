package sluice.compat.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sluice.compat.Broker;
import sluice.compat.clients.Records;

/** The check on kafka-dump-log's output sees a damaged file of each kind. */
class DumpLogFaultsTest {
  @TempDir
  static Path good;

  @TempDir
  Path copy;

  /** One partition with several segments, a few of each kind of file. */
  @BeforeAll
  static void makePartition() throws Exception {
    try (Broker broker = Broker.start("java-dump-log")) {
      Records.createTopic(broker, "t", 1, Map.of("segment.bytes", "1048576", "index.interval.bytes", "4096"));
      try (KafkaProducer<byte[], byte[]> producer = Records.byteProducer(broker, Map.of("batch.size", 2000))) {
        for (int i = 0; i < 3000; i++) producer.send(new ProducerRecord<>("t", 0, 1_700_000_000_000L + i, null, Records.noise(1000, i)));
      }
      broker.stop();
      copy(broker.data().resolve("t-0"), good);
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) Files.copy(file, to.resolve(file.getFileName()));
    }
  }

  private Path first(String ending) throws IOException {
    copy(good, copy);
    try (Stream<Path> files = Files.list(copy)) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().findFirst().orElseThrow();
    }
  }

  /** Turns the bits of one byte round. */
  private static void damage(Path file, long position) throws IOException {
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      bytes.seek(position);
      int before = bytes.read();
      bytes.seek(position);
      bytes.write(before ^ 0xff);
    }
  }

  private void assertFaulty() throws IOException {
    assertFalse(DumpLog.of(copy).faults().isEmpty());
  }

  @AfterAll
  static void theUntouchedDirectoryHasNoFault() throws IOException {
    DumpLog dump = DumpLog.of(good);
    assertEquals("", String.join("\n", dump.faults()));
    assertTrue(dump.files() >= 10, () -> "only " + dump.files() + " files");
  }

  @Test
  void aDamagedBatch() throws IOException {
    damage(first(".log"), 500);
    assertFaulty();
  }

  @Test
  void aTornTail() throws IOException {
    Path log = first(".log");
    try (RandomAccessFile bytes = new RandomAccessFile(log.toFile(), "rw")) {
      bytes.setLength(bytes.length() - 10);
    }
    assertFaulty();
  }

  @Test
  void anOffsetIndexThatPointsElsewhere() throws IOException {
    // The last byte of the second entry's position.
    damage(first(".index"), 15);
    assertFaulty();
  }

  @Test
  void anOffsetIndexOfAnOddLength() throws IOException {
    Path index = first(".index");
    try (RandomAccessFile bytes = new RandomAccessFile(index.toFile(), "rw")) {
      bytes.setLength(bytes.length() - 3);
    }
    assertFaulty();
  }

  @Test
  void aTimeIndexWithAnotherTimestamp() throws IOException {
    damage(first(".timeindex"), 19);
    assertFaulty();
  }

  @Test
  void aDamagedSnapshot() throws IOException {
    damage(first(".snapshot"), 12);
    assertFaulty();
  }
}
