package sluice.compat.tools;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sluice.compat.Broker;

/**
 * Kafka's command-line tools print what they print against Apache Kafka. Each transcript has a broker of its own.
 * With {@code -Dtranscripts.record=true} (and COMPAT_BROKER=kafka) the transcripts are written anew;
 * {@code -Dtranscripts=REGEX} names the ones to run.
 */
class ToolsTest {
  private static final Path DIRECTORY = Broker.javaDirectory().resolve("clients/src/test/resources/transcripts");

  static List<String> transcripts() throws IOException {
    try (Stream<Path> files = Files.list(DIRECTORY)) {
      return files.map(file -> file.getFileName().toString().replace(".txt", ""))
          .filter(name -> name.matches(System.getProperty("transcripts", ".*"))).sorted().toList();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("transcripts")
  void printsWhatItPrintsAgainstKafka(String name) throws Exception {
    Path file = DIRECTORY.resolve(name + ".txt");
    Transcript transcript = Transcript.read(file);
    List<List<String>> outputs = new ArrayList<>();
    try (Broker broker = Broker.start("tools-" + name); TranscriptRunner runner = new TranscriptRunner(broker)) {
      for (Transcript.Step step : transcript.steps()) outputs.add(runner.run(step));
    }
    if (Boolean.getBoolean("transcripts.record")) {
      Files.writeString(file, transcript.with(outputs));
      return;
    }
    List<Executable> steps = new ArrayList<>();
    for (int i = 0; i < outputs.size(); i++) {
      Transcript.Step step = transcript.steps().get(i);
      String actual = String.join("\n", outputs.get(i));
      steps.add(() -> assertEquals(String.join("\n", step.expected()), actual, step.command()));
    }
    assertAll(steps);
  }
}
