package sluice.compat.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sluice.compat.Broker;

/**
 * kafka-dump-log names no fault in any data directory that the suites left behind. What Apache Kafka itself wrote for
 * them is not looked at: some of it was killed.
 */
@Tag("dump-log")
class DumpLogTest {
  static List<Path> directories() throws IOException {
    try (Stream<Path> children = Files.list(Broker.dataRoot())) {
      return children.filter(Files::isDirectory)
          .filter(directory -> !directory.getFileName().toString().startsWith(KafkaDirectoryTest.WRITTEN_BY_KAFKA)).sorted().toList();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("directories")
  void readsEveryFile(Path directory) throws IOException {
    DumpLog dump = DumpLog.of(directory);
    List<String> faults = dump.faults();
    assertEquals("", String.join("\n", faults.subList(0, Math.min(20, faults.size()))), () -> faults.size() + " faults");
    assertTrue(dump.files() > 0, "there is something to read");
    System.out.println("dump-log: " + dump.files() + " files in " + directory.getFileName());
  }
}
