package sluice.compat.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.tools.DumpLogSegments;
import sluice.compat.tools.Tool;

/**
 * Kafka's kafka-dump-log over a data directory. It exits 0 whatever it finds, so its output is the verdict: every line
 * that is not known to be good is a fault.
 */
final class DumpLog {
  private static final Pattern BATCH = Pattern.compile("baseOffset: (\\d+) lastOffset: (\\d+) count: \\d+ .* isvalid: true");
  private static final Pattern RECORD = Pattern.compile("\\| offset: \\d+ .*");
  /** A record of an internal topic whose key its decoder understood, or the marker that ends a transaction. */
  private static final Pattern DECODED = Pattern.compile("\\| offset: \\d+ .* (key: \\{\"type\":|endTxnMarker: (COMMIT|ABORT) ).*");
  private static final List<Pattern> GOOD = Stream.of(
          "Dumping .*",
          "Log starting offset: \\d+",
          // The tool says so of every segment whose first record is not at offset 0; any other gap names another offset.
          "Non-consecutive offsets in \\S+",
          " *-1 is followed by \\d+",
          "offset: \\d+ position: \\d+",
          "timestamp: \\d+ offset: \\d+",
          "\\S+ passed sanity check\\.",
          "\\S+index is empty\\.",
          "producerId: \\d+ producerEpoch: -?\\d+ coordinatorEpoch: -?\\d+ currentTxnFirstOffset: \\S+ lastTimestamp: -?\\d+( .*)?",
          "version: \\d+ producerId: \\d+ .*")
      .map(Pattern::compile).toList();
  /** Internal topics, and those that the suites compact. */
  private static final Pattern COMPACTED = Pattern.compile("compacted-|__(consumer_offsets|transaction_state)-");
  /**
   * What the tool says of what compaction leaves, Apache Kafka's own too: gaps, and batches that are kept without a record,
   * of which the time index has the timestamp.
   */
  private static final Pattern LEFT_BY_COMPACTION = Pattern.compile(
      " *\\d+ is followed by \\d+|Found timestamp mismatch in :\\S+| *Index timestamp: \\d+, log timestamp: -1");

  private final List<String> faults = new ArrayList<>();
  private int files;

  /** What the tool found in all files below {@code directory} that it can read. */
  static DumpLog of(Path directory) throws IOException {
    DumpLog dump = new DumpLog();
    try (Stream<Path> found = Files.walk(directory)) {
      for (Path file : found.filter(Files::isRegularFile).sorted().toList()) dump.read(file);
    }
    return dump;
  }

  List<String> faults() {
    return faults;
  }

  /** How many files the tool has read. */
  int files() {
    return files;
  }

  private void read(Path file) {
    String name = file.getFileName().toString();
    // Only names that Kafka gives to segments: a store of a broker's own may use the same endings.
    if (!name.matches("\\d{20}\\.(log|index|timeindex|txnindex|snapshot)")) return;
    String topic = file.getParent().getFileName().toString();
    // A deleted topic's directory may lose its files one by one, in any state.
    if (topic.endsWith("-delete")) return;
    files++;
    switch (name.substring(21)) {
      case "log" -> {
        if (topic.startsWith("__cluster_metadata")) run(file, "--cluster-metadata-decoder");
        else if (topic.startsWith("__consumer_offsets")) run(file, "--deep-iteration", "--offsets-decoder");
        else if (topic.startsWith("__transaction_state")) run(file, "--deep-iteration", "--transaction-log-decoder");
        else run(file, "--deep-iteration");
      }
      case "index", "timeindex" -> {
        run(file, "--index-sanity-check");
        run(file);
      }
      default -> run(file);
    }
  }

  private void run(Path file, String... options) {
    List<String> args = new ArrayList<>(Arrays.asList(options));
    // Larger than any batch of the suites: the tool follows an index entry no further than this.
    args.addAll(List.of("--max-message-size", "100000000"));
    args.add("--files");
    args.add(file.toString());
    Tool.Result result = Tool.run(DumpLogSegments::main, args, "");
    if (result.exitCode() != 0) faults.add(file + ": exit " + result.exitCode());
    boolean decoded = args.contains("--offsets-decoder") || args.contains("--transaction-log-decoder");
    boolean compacted = COMPACTED.matcher(file.getParent().getFileName().toString()).lookingAt();
    long next = -1;
    for (String line : (result.stdout() + result.stderr()).split("\n")) {
      if (line.isBlank()) continue;
      Matcher batch = BATCH.matcher(line);
      if (batch.matches()) {
        long first = Long.parseLong(batch.group(1));
        if (first < next) faults.add(file + ": base offset below " + next + ": " + line);
        next = Long.parseLong(batch.group(2)) + 1;
      } else if (compacted && LEFT_BY_COMPACTION.matcher(line).matches()) {
        continue;
      } else if (!(decoded ? DECODED : RECORD).matcher(line).matches() && GOOD.stream().noneMatch(good -> good.matcher(line).matches())) {
        faults.add(file + ": " + line);
      }
    }
  }
}
