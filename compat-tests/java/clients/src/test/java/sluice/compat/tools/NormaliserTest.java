package sluice.compat.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What two runs cannot have in common becomes the same, and nothing else does. */
class NormaliserTest {
  private final Normaliser normaliser = new Normaliser(List.of(new String[] {"/tmp/run-1/data", "DATA"}, new String[] {"/tmp/run-2/data", "DATA"}));

  @ParameterizedTest
  @CsvSource(delimiter = '|', textBlock = """
      crew 127.0.0.1:9092 (1) | crew 127.0.0.1:41000 (1)
      1 127.0.0.1 9092 null unfenced broker | 1 127.0.0.1 41000 null unfenced broker
      Topic: a TopicId: 3yq9eQh1Q0qFzJ5Yl3pYsg PartitionCount: 1 | Topic: a TopicId: 4yq9eQh1Q0qFzJ5Yl3pYsg PartitionCount: 1
      Cluster ID: 4L6g3nShT-eMCtK--X86sw | Cluster ID: 5L6g3nShT-eMCtK--X86sw
      CurrentVoters: [{"id": 1, "directoryId": "3yq9eQh1Q0qFzJ5Yl3pYsg"}] | CurrentVoters: [{"id": 1, "directoryId": "4yq9eQh1Q0qFzJ5Yl3pYsg"}]
      crew work 0 alice-0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f | crew work 0 alice-ffffffff-0a1b-0a1b-0a1b-0a1b2c3d4e5f
      crew work 0 3 3 0 3yq9eQh1Q0qFzJ5Yl3pYsg /127.0.0.1 alice | crew work 0 3 3 0 4yq9eQh1Q0qFzJ5Yl3pYsg /127.0.0.1 alice
      {"timestamp":1795244319202,"name":"startup_complete"} | {"name":"startup_complete","timestamp":1795244319999}
      2000 records sent, 9345.7 records/sec (0.89 MB/sec), 48.79 ms avg latency | 2000 records sent, 1.0 records/sec (0.01 MB/sec), 1.0 ms avg latency
      Avg latency: 0.9734 ms | Avg latency: 13.1 ms
      HighWatermark: 77 | HighWatermark: 7800
      {"logDir":"/tmp/run-1/data"} | {"logDir":"/tmp/run-2/data"}
      {"logDirs":[{"logDir":"b"},{"logDir":"a","partitions":[{"partition":"t-1"},{"partition":"t-0"}]}]} | {"logDirs":[{"logDir":"a","partitions":[{"partition":"t-0"},{"partition":"t-1"}]},{"logDir":"b"}]}
      1 payments 0 0 Ongoing 60000 1795244319202 12 a-0 | 1 payments 0 0 Ongoing 60000 1795244319999 1 a-0
      0 1 0 -1 1795244319202 None | 0 1 0 -1 1795244319999 None
      crew      work  0 | crew work 0
      """)
  void idsPortsTimesFiguresAndDirectoriesAreAlike(String one, String other) {
    assertEquals(normaliser.lines(one), normaliser.lines(other));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', textBlock = """
      crew 127.0.0.1:9092 (1) range Stable 2 | crew 127.0.0.1:9092 (1) range Empty 2
      crew 127.0.0.1:9092 (1) range Stable 2 | crew 127.0.0.1:9092 (1) range Stable 3
      crew 127.0.0.1:9092 (1) range Stable 2 | crew 127.0.0.1:9092 (1) roundrobin Stable 2
      crew 127.0.0.1:9092 (1) range Stable 2 | crew 127.0.0.1:9092 (2) range Stable 2
      crew work 0 3 3 0 - - - | crew work 0 3 4 1 - - -
      crew work 0 3 3 0 alice-x /127.0.0.1 alice | crew work 0 3 3 0 - - -
      1 127.0.0.1 9092 null unfenced broker | 1 127.0.0.1 9092 null fenced broker
      Topic: a TopicId: 3yq9eQh1Q0qFzJ5Yl3pYsg PartitionCount: 1 | Topic: a TopicId: 3yq9eQh1Q0qFzJ5Yl3pYsg PartitionCount: 2
      Topic: a Partition: 0 Leader: 1 Replicas: 1 Isr: 1 | Topic: a Partition: 0 Leader: none Replicas: 1 Isr: 1
      LeaderEpoch: 1 | LeaderEpoch: 2
      1 payments 0 0 Ongoing 60000 1795244319202 12 a-0 | 1 payments 0 1 Ongoing 60000 1795244319202 12 a-0
      1 payments 0 0 Ongoing 60000 1795244319202 12 a-0 | 1 payments 0 0 Ongoing 60000 1795244319202 12 a-1
      1 payments 0 0 CompleteCommit 60000 1795244319202 12 | 1 payments 0 0 CompleteAbort 60000 1795244319202 12
      0 0 -1 1 1700000002000 0 | 0 0 -1 1 1700000003000 0
      b 0 4711 0 -1 1 1700000000000 15 | b 0 4711 0 -1 2 1700000000000 15
      0 1 0 -1 1795244319202 None | 0 1 0 -1 1795244319202 3
      MaxFollowerLag: 0 | MaxFollowerLag: 1
      2000 records sent, 9345.7 records/sec | 1999 records sent, 9345.7 records/sec
      {"sent":5,"acked":5,"timestamp":1795244319202} | {"sent":5,"acked":4,"timestamp":1795244319202}
      {"name":"producer_send_success","offset":4} | {"name":"producer_send_error","offset":4}
      {"logDir":"/tmp/run-1/data","size":1024} | {"logDir":"/tmp/run-1/data","size":1025}
      {"logDirs":[{"logDir":"a","partitions":[{"partition":"t-0"}]}]} | {"logDirs":[{"logDir":"a","partitions":[{"partition":"t-1"}]}]}
      {"logDirs":[{"logDir":"a"}]} | {"logDirs":[{"logDir":"a"},{"logDir":"b"}]}
      {"replicas":[1,2]} | {"replicas":[2,1]}
      partition: a-1 low_watermark: 2 | partition: a-1 low_watermark: 3
      TopicExistsException: Topic 'a' already exists. | InvalidTopicException: Topic 'a' already exists.
      retention.ms=3600000 sensitive=false | retention.ms=7200000 sensitive=false
      retention.ms=3600000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:x} | retention.ms=3600000 sensitive=false synonyms={DEFAULT_CONFIG:x}
      """)
  void statesCountsAndErrorsStayApart(String one, String other) {
    assertNotEquals(normaliser.lines(one), normaliser.lines(other));
  }

  @Test
  void aMemberIdKeepsTheNameInFrontOfIt() {
    String line = "crew alice-0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f /127.0.0.1 alice 4";
    assertEquals(List.of("crew alice-<uuid> /127.0.0.1 alice 4"), normaliser.lines(line));
  }

  @Test
  void aLineThatIsMissingOrTwiceIsSeen() {
    assertNotEquals(normaliser.lines("a\nb"), normaliser.lines("a"));
    assertNotEquals(normaliser.lines("a\na"), normaliser.lines("a"));
  }

  @Test
  void aMeasuredLineKeepsHowManyRecordsWereRead() {
    String line = "2026-11-21 07:00:00:123, 2026-11-21 07:00:01:456, 0.25, 1.1, 2600, 9345.7, 200, 61, 4.0, 42622.9";
    assertEquals(List.of("<date>, <date>, <figures>, 2600, <figures>"), normaliser.lines(line));
  }

  @Test
  void objectsOnOneLineAreLinesOfTheirOwnWithSortedKeys() {
    assertEquals(List.of("{\"a\":1,\"b\":2}", "{\"c\":3}"), normaliser.lines("{\"b\":2,\"a\":1}{\"c\":3}"));
  }

  @Test
  void framesAreLeftOutAndWhatWasThrownIsNot() {
    assertEquals(List.of("java.lang.IllegalStateException: why"), normaliser.lines("java.lang.IllegalStateException: why\n\tat a.B.c(D.java:1)\n"));
  }
}
