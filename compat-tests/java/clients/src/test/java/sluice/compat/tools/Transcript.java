package sluice.compat.tools;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A file of commands with the output they must give, as a terminal session would show it.
 *
 * <pre>
 * # a comment
 * $ kafka-topics --create --topic orders        a tool of Kafka; --bootstrap-server is added
 * < a line                                      what it reads on standard input
 * Created topic orders.                         what it must print,
 * ! WARNING …                                   on standard error,
 * exit 1                                        and its exit code where that is not 0
 * $ kafka-configs … | keep REGEX                only the lines that match are compared
 * $ kafka-topics … | sort                       the lines come in no particular order
 * @member alice group=g topic=orders            what the suite does itself, see {@link TranscriptRunner}
 * </pre>
 *
 * The expected output was recorded against Apache Kafka; what differs from run to run (ids, ports, times, column
 * widths) is replaced by a placeholder on both sides.
 */
record Transcript(List<Step> steps) {
  /** One command, the lines above it that are comments, and what follows it. */
  record Step(List<String> comments, String command, List<String> stdin, List<String> expected) {}

  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS).build();

  private static final List<Replacement> PLACEHOLDERS = List.of(
      new Replacement("127\\.0\\.0\\.1:\\d+", "<broker>"),
      new Replacement("TopicId: [\\w-]{22}", "TopicId: <topic-id>"),
      new Replacement("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>"),
      new Replacement("\"timestamp\":\\d+", "\"timestamp\":<time>"),
      new Replacement("\"avg_throughput\":[0-9.E]+", "\"avg_throughput\":<rate>"),
      // Eligible leader replicas are shown only where the broker serves DescribeTopicPartitions.
      new Replacement("\\s+Elr:.*", ""),
      new Replacement("[ \\t]+", " "),
      new Replacement(" $", ""));

  private record Replacement(Pattern pattern, String by) {
    Replacement(String pattern, String by) {
      this(Pattern.compile(pattern), Matcher.quoteReplacement(by));
    }
  }

  static Transcript read(Path file) throws IOException {
    List<Step> steps = new ArrayList<>();
    List<String> comments = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      Step last = steps.isEmpty() ? null : steps.get(steps.size() - 1);
      if (line.startsWith("#") || line.isBlank()) {
        comments.add(line);
      } else if (line.startsWith("$ ") || line.startsWith("@")) {
        steps.add(new Step(comments, line, new ArrayList<>(), new ArrayList<>()));
        comments = new ArrayList<>();
      } else if (last == null) {
        throw new IllegalArgumentException(file + " starts with output: " + line);
      } else if (line.startsWith("< ")) {
        last.stdin.add(line.substring(2));
      } else {
        last.expected.add(line);
      }
    }
    return new Transcript(steps);
  }

  /**
   * The lines of {@code text} with placeholders for all that no two runs have in common; blank ones and frames of
   * stack traces are left out.
   */
  static List<String> normalise(String text) {
    List<String> lines = new ArrayList<>();
    for (String line : text.split("\n")) {
      String normal = line.startsWith("{") ? keysSorted(line) : line;
      for (Replacement replacement : PLACEHOLDERS) normal = replacement.pattern.matcher(normal).replaceAll(replacement.by);
      if (!normal.isBlank() && !normal.startsWith(" at ")) lines.add(normal);
    }
    return lines;
  }

  /** A line of JSON with its keys in order: the verifiable clients write them as reflection lists them. */
  private static String keysSorted(String json) {
    try {
      return JSON.writeValueAsString(JSON.readValue(json, Object.class));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(json, e);
    }
  }

  /** The file's text with {@code outputs} in place of the expected ones. */
  String with(List<List<String>> outputs) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      for (String line : step.comments) text.append(line).append('\n');
      text.append(step.command).append('\n');
      for (String line : step.stdin) text.append("< ").append(line).append('\n');
      for (String line : outputs.get(i)) text.append(line).append('\n');
    }
    return text.toString();
  }
}
