package sluice.compat.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The differences from Apache Kafka's output that are meant, read from a file of
 *
 * <pre>
 * # Why it differs.
 * in TRANSCRIPT COMMAND             the commands, as a regular expression
 * - a line that Apache Kafka prints
 * + a line that Sluice prints
 * </pre>
 *
 * A line between slashes is a regular expression. Lines that differ are forgiven where each of those that stand
 * together is one that the same difference names.
 */
final class Differences {
  /** Lines of a text that stand for one difference; each pattern has to be met by some command. */
  private static final class Difference {
    final String where;
    final String transcript;
    final Pattern command;
    final List<Line> expected = new ArrayList<>();
    final List<Line> actual = new ArrayList<>();

    Difference(String where, String transcript, Pattern command) {
      this.where = where;
      this.transcript = transcript;
      this.command = command;
    }

    boolean explains(Hunk hunk) {
      if (!hunk.expected.stream().allMatch(line -> matches(expected, line))) return false;
      if (!hunk.actual.stream().allMatch(line -> matches(actual, line))) return false;
      hunk.expected.forEach(line -> use(expected, line));
      hunk.actual.forEach(line -> use(actual, line));
      return true;
    }

    private static boolean matches(List<Line> patterns, String line) {
      return patterns.stream().anyMatch(pattern -> pattern.pattern.matcher(line).matches());
    }

    private static void use(List<Line> patterns, String line) {
      for (Line pattern : patterns) if (pattern.pattern.matcher(line).matches()) pattern.used = true;
    }
  }

  private static final class Line {
    final String where;
    final Pattern pattern;
    boolean used;

    Line(String where, Pattern pattern) {
      this.where = where;
      this.pattern = pattern;
    }
  }

  /** Lines that stand together in one of two texts, or in both, and are not the same. */
  record Hunk(List<String> expected, List<String> actual) {}

  private static final Pattern IN = Pattern.compile("in (\\S+) (.+)");

  private final List<Difference> differences = new ArrayList<>();

  static Differences read(Path file) throws IOException {
    return parse(file.getFileName().toString(), Files.readAllLines(file));
  }

  static Differences parse(String name, List<String> lines) {
    Differences differences = new Differences();
    boolean reason = false;
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      String where = name + ":" + (i + 1);
      Matcher in = IN.matcher(line);
      Difference last = differences.differences.isEmpty() ? null : differences.differences.get(differences.differences.size() - 1);
      if (line.isBlank()) {
        reason = false;
      } else if (line.startsWith("# ")) {
        reason = true;
      } else if (in.matches() && reason) {
        differences.differences.add(new Difference(where, in.group(1), Pattern.compile(in.group(2))));
      } else if (line.startsWith("- ") && last != null && reason) {
        last.expected.add(new Line(where, pattern(line.substring(2))));
      } else if (line.startsWith("+ ") && last != null && reason) {
        last.actual.add(new Line(where, pattern(line.substring(2))));
      } else {
        throw new IllegalArgumentException(where + ": not a difference with its reason: " + line);
      }
    }
    return differences;
  }

  private static Pattern pattern(String line) {
    boolean regex = line.length() > 1 && line.startsWith("/") && line.endsWith("/");
    return regex ? Pattern.compile(line.substring(1, line.length() - 1)) : Pattern.compile(Pattern.quote(line));
  }

  /** Whether all that differs between the two outputs of a command is meant. */
  boolean explain(String transcript, String command, List<String> expected, List<String> actual) {
    for (Hunk hunk : hunks(expected, actual)) {
      boolean explained = false;
      for (Difference difference : differences) {
        if (!difference.transcript.equals(transcript) || !difference.command.matcher(command).matches()) continue;
        if (difference.explains(hunk)) explained = true;
      }
      if (!explained) return false;
    }
    return true;
  }

  /** The lines of the file that no command has met. */
  List<String> unused() {
    List<String> unused = new ArrayList<>();
    for (Difference difference : differences) {
      for (Line line : difference.expected) if (!line.used) unused.add(line.where);
      for (Line line : difference.actual) if (!line.used) unused.add(line.where);
      if (difference.expected.isEmpty() && difference.actual.isEmpty()) unused.add(difference.where);
    }
    return unused;
  }

  /** What differs, by the longest common subsequence of lines. */
  static List<Hunk> hunks(List<String> expected, List<String> actual) {
    int[][] common = new int[expected.size() + 1][actual.size() + 1];
    for (int i = expected.size() - 1; i >= 0; i--) {
      for (int j = actual.size() - 1; j >= 0; j--) {
        common[i][j] = expected.get(i).equals(actual.get(j)) ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
      }
    }
    List<Hunk> hunks = new ArrayList<>();
    Hunk open = null;
    int i = 0;
    int j = 0;
    while (i < expected.size() || j < actual.size()) {
      if (i < expected.size() && j < actual.size() && expected.get(i).equals(actual.get(j))) {
        open = null;
        i++;
        j++;
        continue;
      }
      if (open == null) {
        open = new Hunk(new ArrayList<>(), new ArrayList<>());
        hunks.add(open);
      }
      if (j == actual.size() || (i < expected.size() && common[i + 1][j] >= common[i][j + 1])) open.expected.add(expected.get(i++));
      else open.actual.add(actual.get(j++));
    }
    return hunks;
  }
}
