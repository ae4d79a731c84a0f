package sluice.compat.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.tools.DumpLogSegments;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import sluice.compat.Broker;
import sluice.compat.clients.Records;
import sluice.compat.tools.Tool;

/** What kafka-dump-log prints of a commit, an abort and a transaction that is still open when the broker stops. */
class DumpLogTransactionsTest {
  private static Path data;

  @BeforeAll
  static void makeTransactions() throws Exception {
    try (Broker broker = Broker.start("java-dump-log-transactions")) {
      data = broker.data();
      Records.createTopic(broker, "t", 1, Map.of());
      TopicPartition partition = new TopicPartition("t", 0);
      Map<String, Object> idle = Map.of("transactional.id", "open", "transaction.timeout.ms", 600_000);
      try (KafkaProducer<String, String> open = Records.producer(broker, idle);
          KafkaProducer<String, String> producer = Records.producer(broker, Map.of("transactional.id", "ended"));
          KafkaConsumer<String, String> consumer = Records.consumer(broker, Map.of("group.id", "g"))) {
        producer.initTransactions();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>("t", "k0", "kept")).get();
        producer.sendOffsetsToTransaction(Map.of(partition, new OffsetAndMetadata(5)), consumer.groupMetadata());
        producer.commitTransaction();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>("t", "k2", "dropped")).get();
        producer.abortTransaction();
        open.initTransactions();
        open.beginTransaction();
        open.send(new ProducerRecord<>("t", "k4", "undecided")).get();
        broker.stop();
        // There is nobody left to tell.
        open.close(Duration.ZERO);
      }
    }
  }

  private static List<String> dump(String directory, String ending, String... options) throws IOException {
    List<String> lines = new ArrayList<>();
    try (Stream<Path> found = Files.walk(data)) {
      for (Path file : found.filter(path -> path.getParent().getFileName().toString().matches(directory) && path.toString().endsWith(ending)).sorted().toList()) {
        List<String> args = new ArrayList<>(Arrays.asList(options));
        args.addAll(List.of("--files", file.toString()));
        Tool.Result result = Tool.run(DumpLogSegments::main, args, "");
        assertEquals("", result.stderr());
        lines.addAll(result.stdout().lines().toList());
      }
    }
    return lines;
  }

  /** The first group of {@code pattern} in each line that has it. */
  private static List<String> found(List<String> lines, String pattern) {
    Pattern compiled = Pattern.compile(pattern);
    return lines.stream().map(compiled::matcher).filter(Matcher::find).map(matcher -> matcher.group(1)).toList();
  }

  @Test
  void theDataHasItsRecordsAndMarkers() throws IOException {
    List<String> lines = dump("t-0", ".log", "--print-data-log");
    assertEquals(
        List.of("key: k0 payload: kept", "endTxnMarker: COMMIT coordinatorEpoch: 0", "key: k2 payload: dropped", "endTxnMarker: ABORT coordinatorEpoch: 0", "key: k4 payload: undecided"),
        found(lines, "^\\| .*? ((?:key:|endTxnMarker:).*)$"), () -> String.join("\n", lines));
    assertEquals(List.of("true", "true", "true", "true", "true"), found(lines, "isTransactional: (\\w+)"));
    assertEquals(List.of("false", "true", "false", "true", "false"), found(lines, "isControl: (\\w+)"));
  }

  @Test
  void theLogOfTheCoordinatorHasEveryStep() throws IOException {
    List<String> lines = dump("__transaction_state-\\d+", ".log", "--transaction-log-decoder");
    // 0 Empty, 1 Ongoing, 2 PrepareCommit, 3 PrepareAbort, 4 CompleteCommit, 5 CompleteAbort.
    List<String> ended = lines.stream().filter(line -> line.contains("\"transactionalId\":\"ended\"")).toList();
    List<String> states = found(ended, "\"transactionStatus\":(\\d)");
    assertEquals(List.of("0", "1", "1", "2", "4", "1", "3", "5"), states, () -> String.join("\n", lines));
    List<String> open = lines.stream().filter(line -> line.contains("\"transactionalId\":\"open\"")).toList();
    assertEquals(List.of("0", "1"), found(open, "\"transactionStatus\":(\\d)"));
    assertEquals(List.of("{\"topic\":\"t\",\"partitionIds\":[0]}"), found(open, "\"transactionPartitions\":\\[(\\{.*?\\})\\]"));
  }

  @Test
  void theLogOfTheGroupHasTheOffsetAndItsMarker() throws IOException {
    List<String> lines = dump("__consumer_offsets-\\d+", ".log", "--offsets-decoder");
    assertEquals(List.of("5"), found(lines, "\"topic\":\"t\".*\"offset\":(\\d+)"), () -> String.join("\n", lines));
    assertEquals(List.of("COMMIT"), found(lines, "endTxnMarker: (\\w+)"));
  }

  @Test
  void theIndexHasTheAbortedTransaction() throws IOException {
    List<String> lines = dump("t-0", ".txnindex");
    assertEquals(List.of("firstOffset: 2 lastOffset: 3 lastStableOffset: 4"), found(lines, "^version: 0 producerId: \\d+ (.*)$"), () -> String.join("\n", lines));
  }

  @Test
  void theSnapshotOfProducersHasTheOpenTransaction() throws IOException {
    List<String> lines = dump("t-0", ".snapshot");
    List<String> open = found(lines, "currentTxnFirstOffset: (.*?) lastTimestamp");
    assertTrue(open.contains("OptionalLong[4]"), () -> String.join("\n", lines));
  }
}
