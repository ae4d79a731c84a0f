package sluice.compat.tools;

import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Gives a placeholder to all that two runs of a tool cannot have in common: ids, ports, times, measured figures,
 * directories, offsets of the metadata log. States, counts and errors stay; {@link NormaliserTest} holds it to that.
 */
final class Normaliser {
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS).build();

  /** A measured figure as the tools print it. */
  private static final String FIGURE = "-?\\d+(?:[.,]\\d+)*(?:E-?\\d+)?";

  private static final String DATE = "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d:\\d{3}";

  private record Row(Pattern pattern, String by) {
    Row(String pattern, String by) {
      this(Pattern.compile(pattern), by);
    }
  }

  /** The one table, in the order in which it is applied; {@code $1} keeps what a row has in parentheses. */
  private static final List<Row> TABLE = List.of(
      // Widths of columns.
      new Row("[ \\t]+", " "),
      new Row(" $", ""),
      // Addresses and ids.
      new Row("(127\\.0\\.0\\.1|localhost)[: ]\\d+", "<broker>"),
      new Row("(TopicId: |\"topicId\":\")[\\w-]{22}", "$1<topic-id>"),
      new Row("(Altered client metrics config for )[\\w-]{22}\\.", "$1<name>."),
      new Row("(Cluster ID: |ClusterId: )[\\w-]{22}", "$1<cluster-id>"),
      new Row("(\"directoryId\": )\"[\\w-]{22}\"", "$1<directory-id>"),
      new Row("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>"),
      new Row("(?<= )[\\w-]{22}(?=( \\S+)? /127\\.0\\.0\\.1 )", "<member-id>"),
      new Row("(adminclient|consumer|producer|perf-consumer|console-consumer)-\\d+\\b", "$1-<n>"),
      // Times.
      new Row("(\"timestamp\":)\\d+", "$1<time>"),
      new Row("((?:commit|expire|currentState)Timestamp\":)1[6-9]\\d{11}", "$1<time>"),
      new Row(DATE, "<date>"),
      // When a transaction began and how long it takes; of the transcripts' own records the times are known.
      new Row("( (?:Ongoing|CompleteCommit|CompleteAbort) \\d+) \\d{13} \\d+\\b", "$1 <time> <duration>"),
      new Row("^(\\S+ \\d+ \\d+ \\d+ -?\\d+ \\d+ \\d{13}) \\d+$", "$1 <duration>"),
      new Row("(?<= )1(?:7[6-9]|[89]\\d)\\d{10}(?= )", "<time>"),
      new Row("(deadlineMs|tries|nextAllowedTryMs)=-?\\d+", "$1=<n>"),
      new Row("timed out at \\d+ after \\d+ attempt\\(s\\)", "timed out at <time> after <n> attempt(s)"),
      // Measured figures.
      new Row("(\"avg_throughput\":)" + FIGURE, "$1<rate>"),
      new Row("(\\d+ (?:steady state )?records sent), .*", "$1, <figures>"),
      new Row("^(<date>, <date>), " + FIGURE + ", " + FIGURE + ", (\\d+), .*", "$1, <figures>, $2, <figures>"),
      new Row("^(\\d+) \\d+\\.\\d+(?:E-?\\d+)?$", "$1 <figure>"),
      new Row("(Avg latency: )" + FIGURE, "$1<figure>"),
      new Row("(Percentiles: ).*", "$1<figures>"),
      // The metadata log, which is not the same file in both.
      new Row("(HighWatermark: )\\d+", "$1<offset>"),
      new Row("( Epoch: )\\d+$", "$1<offset>"),
      new Row("^(\\d+) [\\w-]{22} \\d+ (\\d+) (?:<time> <time>|\\d+ ms ago \\d+ ms ago) (\\w+)$", "$1 <directory-id> <offset> $2 <time> <time> $3"));

  /** A line that has nothing to compare: a frame of a stack trace, or nothing at all. */
  private static final Pattern FRAME = Pattern.compile("\\s+at .*|\\s+\\.\\.\\. \\d+ more|\\s*");

  private final List<Row> directories;

  /** {@code directories} lists what paths of this run are called, as pairs of path and name. */
  Normaliser(List<String[]> directories) {
    this.directories = directories.stream()
        .map(pair -> new Row(Pattern.quote(pair[0]), Matcher.quoteReplacement(pair[1]))).toList();
  }

  /** The lines of {@code text} with the placeholders; blank ones and frames of stack traces are left out. */
  List<String> lines(String text) {
    List<String> lines = new ArrayList<>();
    for (String line : text.split("\n")) {
      if (FRAME.matcher(line).matches()) continue;
      for (String part : line.startsWith("{") ? objects(line) : List.of(line)) lines.add(line(part));
    }
    return lines;
  }

  private String line(String line) {
    String normal = line;
    for (Row row : directories) normal = row.pattern.matcher(normal).replaceAll(row.by);
    for (Row row : TABLE) normal = row.pattern.matcher(normal).replaceAll(row.by);
    return normal;
  }

  /**
   * The objects of a line of JSON, one a line, with their keys in order: the verifiable clients write them as reflection
   * lists them, the formatters of internal topics one after the other. Log directories and what they hold, which
   * kafka-log-dirs lists as its hash tables have them, are put in order, too.
   */
  private static List<String> objects(String json) {
    List<String> objects = new ArrayList<>();
    try (MappingIterator<Map<String, Object>> values = JSON.readerForMapOf(Object.class).readValues(json)) {
      while (values.hasNextValue()) {
        Map<String, Object> object = values.nextValue();
        sortSets(object);
        objects.add(JSON.writeValueAsString(object));
      }
    } catch (IOException notJson) {
      return List.of(json);
    }
    return objects;
  }

  private static void sortSets(Object value) {
    if (value instanceof List<?> list) list.forEach(Normaliser::sortSets);
    if (!(value instanceof Map<?, ?> map)) return;
    map.forEach((key, child) -> {
      sortSets(child);
      boolean set = key.equals("logDirs") || (key.equals("partitions") && map.containsKey("logDir"));
      if (set && child instanceof List<?> list) list.sort(Comparator.comparing(item -> JSON.valueToTree(item).toString()));
    });
  }
}
