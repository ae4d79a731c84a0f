package sluice.compat.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import sluice.compat.Broker;

/**
 * Kafka's command-line tools print what they print against Apache Kafka, each command a test. A transcript has a
 * broker of its own. A command that differs while the broker does not serve an API that it asks or a feature that it
 * names, or one that would have changed something earlier in the transcript, is skipped and says which; the differences that are meant are in {@code differences.txt}.
 *
 * <p>{@code -Dtranscripts=REGEX} names the transcripts to run, {@code -Dtranscripts.record=true} (with
 * COMPAT_BROKER=kafka) writes them anew.
 */
class ToolsTest {
  private static final Path RESOURCES = Broker.javaDirectory().resolve("clients/src/test/resources");
  private static final String ALL = ".*";
  private static final String WANTED = System.getProperty("transcripts", ALL);
  private static final boolean RECORD = Boolean.getBoolean("transcripts.record");

  /** A feature that a command names. */
  private static final Pattern FEATURE = Pattern.compile("\\b[a-z.]+\\.version\\b");

  /** APIs that change nothing, so that nothing later differs for want of them. */
  private static final Pattern READS = Pattern.compile("^(Describe|List)");

  private final Differences differences;

  ToolsTest() throws IOException {
    differences = Differences.read(RESOURCES.resolve("differences.txt"));
  }

  @TestFactory
  Stream<DynamicNode> printsWhatItPrintsAgainstKafka() throws IOException {
    List<Path> files;
    try (Stream<Path> listed = Files.list(RESOURCES.resolve("transcripts"))) {
      files = listed.filter(file -> file.getFileName().toString().replace(".txt", "").matches(WANTED)).sorted().toList();
    }
    RequestLog requests = RECORD ? RequestLog.open() : null;
    Stream<DynamicNode> transcripts = files.stream().map(file -> {
      try {
        Session session = new Session(file, Transcript.read(file), requests);
        return dynamicContainer(session.transcript.name(), session.tests());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    });
    return Stream.concat(transcripts, Stream.of(dynamicTest("every intended difference is one", this::noneUnused)))
        .onClose(() -> {
          if (requests != null) requests.versions().forEach(version -> System.out.println("asked " + version));
        });
  }

  private void noneUnused() {
    Assumptions.assumeTrue(WANTED.equals(ALL) && Broker.Kind.underTest() == Broker.Kind.SLUICE, "not all transcripts were run");
    assertEquals(List.of(), differences.unused(), "no command differs like this any more");
  }

  /** One transcript that is being run. */
  private final class Session {
    private final Path file;
    private final Transcript transcript;
    private final RequestLog requests;
    private final List<Transcript.Outcome> outcomes = new ArrayList<>();
    /** What should have changed something in this transcript and is not served. */
    private final Set<String> awaited = new TreeSet<>();
    private TranscriptRunner runner;
    private boolean broken;

    Session(Path file, Transcript transcript, RequestLog requests) {
      this.file = file;
      this.transcript = transcript;
      this.requests = requests;
    }

    Stream<DynamicTest> tests() {
      return transcript.steps().stream()
          .map(step -> dynamicTest(transcript.name() + ":" + step.line() + " " + step.command(), () -> run(step)))
          .onClose(this::close);
    }

    private void run(Transcript.Step step) throws Exception {
      Assumptions.assumeFalse(broken, "a step before it failed, see there");
      if (runner == null) runner = new TranscriptRunner(transcript.name(), requests);
      try {
        Transcript.Outcome outcome = runner.run(step);
        outcomes.add(outcome);
        if (RECORD) return;
        if (outcome.output().equals(step.expected())) return;
        boolean sluice = Broker.Kind.underTest() == Broker.Kind.SLUICE;
        if (sluice && differences.explain(transcript.name(), step.command(), step.expected(), outcome.output())) return;
        skipIfAwaited(step);
        assertEquals(String.join("\n", step.expected()), String.join("\n", outcome.output()), where(step));
      } catch (Exception | AssertionError e) {
        if (step.command().startsWith("@")) {
          skipIfAwaited(step);
          broken = true;
        }
        throw e;
      }
    }

    private void skipIfAwaited(Transcript.Step step) {
      if (runner.served().isEmpty()) return;
      Set<String> missing = new TreeSet<>(awaited);
      missing.addAll(step.apis());
      FEATURE.matcher(step.command()).results().forEach(feature -> missing.add(feature.group()));
      missing.removeAll(runner.served());
      missing.stream().filter(name -> !READS.matcher(name).find()).forEach(awaited::add);
      Assumptions.assumeTrue(missing.isEmpty(), () -> where(step) + " awaits " + String.join(", ", missing));
    }

    private String where(Transcript.Step step) {
      return transcript.name() + ":" + step.line() + " " + step.command();
    }

    private void close() {
      try {
        if (runner != null) runner.close();
        if (RECORD && outcomes.size() == transcript.steps().size()) Files.writeString(file, transcript.with(outcomes));
      } catch (Exception e) {
        throw new AssertionError("transcript " + transcript.name(), e);
      }
    }
  }
}
