package sluice.compat.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A file of commands with the output they must give, as a terminal session would show it.
 *
 * <pre>
 * # a comment
 * $ kafka-topics --create --topic orders        a tool of Kafka; --bootstrap-server is added
 * &amp; CreateTopics                            the APIs it asked of Apache Kafka
 * &lt; a line                                   what it reads on standard input
 * Created topic orders.                         what it must print,
 * ! WARNING …                                   on standard error,
 * exit 1                                        and its exit code where that is not 0
 * $ kafka-configs … | keep REGEX                only the lines that match are compared
 * $ kafka-configs … | cut REGEX                 what matches is not
 * $ kafka-topics … | sort                       the lines come in no particular order
 * @member alice group=g topic=orders            what the suite does itself, see {@link TranscriptRunner}
 * </pre>
 *
 * What begins with {@code &amp;} and all output was recorded against Apache Kafka.
 */
record Transcript(String name, List<Step> steps) {
  /** One command, the comments above it, and what follows it. */
  record Step(int line, List<String> comments, String command, Set<String> apis, List<String> stdin, List<String> expected) {}

  /** What a step did. */
  record Outcome(Set<String> apis, List<String> output) {}

  static Transcript read(Path file) throws IOException {
    List<Step> steps = new ArrayList<>();
    List<String> comments = new ArrayList<>();
    List<String> lines = Files.readAllLines(file);
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      Step last = steps.isEmpty() ? null : steps.get(steps.size() - 1);
      if (line.startsWith("#") || line.isBlank()) {
        comments.add(line);
        continue;
      }
      if (line.startsWith("$ ") || line.startsWith("@")) {
        steps.add(new Step(i + 1, comments, line, new TreeSet<>(), new ArrayList<>(), new ArrayList<>()));
        comments = new ArrayList<>();
        continue;
      }
      if (last == null || !comments.isEmpty()) throw new IllegalArgumentException(file + ":" + (i + 1) + ": output without a command");
      if (line.startsWith("& ")) last.apis.addAll(List.of(line.substring(2).split(" ")));
      else if (line.startsWith("< ")) last.stdin.add(line.substring(2));
      else last.expected.add(line);
    }
    return new Transcript(file.getFileName().toString().replace(".txt", ""), steps);
  }

  /** The file's text with {@code outcomes} in place of what it has. */
  String with(List<Outcome> outcomes) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      Outcome outcome = outcomes.get(i);
      for (String line : step.comments) text.append(line).append('\n');
      text.append(step.command).append('\n');
      if (!outcome.apis.isEmpty()) text.append("& ").append(String.join(" ", outcome.apis)).append('\n');
      for (String line : step.stdin) text.append("< ").append(line).append('\n');
      for (String line : outcome.output) text.append(line).append('\n');
    }
    return text.toString();
  }
}
