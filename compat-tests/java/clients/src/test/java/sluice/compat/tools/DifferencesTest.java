package sluice.compat.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** A difference is forgiven where it is written down, and nowhere else. */
class DifferencesTest {
  private static final List<String> FILE = List.of(
      "# Internal topics are made at the start.",
      "in topics \\$ kafka-topics --list",
      "+ __consumer_offsets",
      "",
      "# Only what is served is advertised.",
      "in api-versions .*",
      "- / \\w+\\(\\d+\\): \\d+ to \\d+/",
      "+ / \\w+\\(\\d+\\): UNSUPPORTED/");

  private final Differences differences = Differences.parse("file", FILE);

  @Test
  void whatIsWrittenDownIsForgiven() {
    assertTrue(differences.explain("topics", "$ kafka-topics --list", List.of("orders"), List.of("__consumer_offsets", "orders")));
    assertTrue(differences.explain("api-versions", "$ any", List.of(" A(1): 0 to 2", " B(2): 0 to 1"), List.of(" A(1): UNSUPPORTED", " B(2): 0 to 1")));
  }

  @Test
  void anotherLineAnotherCommandOrAnotherTranscriptIsNot() {
    assertFalse(differences.explain("topics", "$ kafka-topics --list", List.of("orders"), List.of("__consumer_offsets", "order")));
    assertFalse(differences.explain("topics", "$ kafka-topics --list --all", List.of(), List.of("__consumer_offsets")));
    assertFalse(differences.explain("groups", "$ kafka-topics --list", List.of(), List.of("__consumer_offsets")));
    assertFalse(differences.explain("topics", "$ kafka-topics --list", List.of("__consumer_offsets"), List.of()));
    assertFalse(differences.explain("api-versions", "$ any", List.of(" A(1): 0 to 2"), List.of(" A(1): 0 to 1")));
  }

  @Test
  void aDifferenceThatIsNoMoreIsFound() {
    assertEquals(List.of("file:3", "file:7", "file:8"), differences.unused());
    differences.explain("topics", "$ kafka-topics --list", List.of(), List.of("__consumer_offsets"));
    assertEquals(List.of("file:7", "file:8"), differences.unused());
  }

  @Test
  void aDifferenceNeedsItsReason() {
    assertThrows(IllegalArgumentException.class, () -> Differences.parse("file", List.of("in topics .*", "- a")));
  }
}
