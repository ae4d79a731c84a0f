package sluice.compat.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import sluice.compat.Broker;

/** Runs the steps of a transcript in turn against a broker of its own, which is started by the first of them. */
final class TranscriptRunner implements AutoCloseable {
  /** Words split at blanks; single quotes keep blanks together. */
  private static final Pattern WORD = Pattern.compile("'([^']*)'|(\\S+)");

  /** The timestamp of the first record that {@code @produce} writes; each further one is a second later. */
  private static final long FIRST_TIMESTAMP_MS = 1_700_000_000_000L;

  /** Apache Kafka applies what its controller has written a moment after that has been answered. */
  private static final Duration KAFKA_SETTLES = Duration.ofMillis(150);

  private static final Duration MEMBERS_SETTLE = Duration.ofSeconds(30);

  private final String name;
  private final RequestLog requests;
  private final Path files;
  private final Path data;
  private final Normaliser normaliser;
  private final Map<String, GroupMember> members = new HashMap<>();
  private final Map<String, KafkaProducer<String, String>> transactional = new HashMap<>();
  private Broker broker;
  private Set<String> served = Set.of();

  /** {@code requests} is null where nobody wants to know what is asked. */
  TranscriptRunner(String name, RequestLog requests) throws IOException {
    this.name = name;
    this.requests = requests;
    data = Broker.dataRoot().resolve("tools-" + name);
    files = Files.createTempDirectory("transcript");
    normaliser = new Normaliser(List.of(new String[] {data.toString(), "DATA"}, new String[] {files.toString(), "FILES"}));
  }

  /** The APIs and features that the broker names. */
  Set<String> served() {
    return served;
  }

  /** Carries out one step and returns what it asked and printed. */
  Transcript.Outcome run(Transcript.Step step) throws Exception {
    List<String> words = words(step.command().substring(step.command().startsWith("@") ? 1 : 2));
    if (step.command().startsWith("@broker")) {
      start(words.subList(1, words.size()));
      return new Transcript.Outcome(Set.of(), List.of());
    }
    if (broker == null) start(List.of());
    if (requests != null) requests.take(members.keySet());
    List<String> output = List.of();
    if (step.command().startsWith("@")) act(words, step.stdin());
    else output = command(step);
    if (broker.kind() == Broker.Kind.KAFKA) Thread.sleep(KAFKA_SETTLES.toMillis());
    return new Transcript.Outcome(requests == null ? Set.of() : requests.take(members.keySet()), output);
  }

  private void start(List<String> config) throws Exception {
    broker = Broker.start("tools-" + name, config.stream().map(this::paths).toArray(String[]::new));
    served = Served.by(broker);
  }

  private String paths(String word) {
    return word.replace("FILES", files.toString()).replace("DATA", data.toString());
  }

  private List<String> command(Transcript.Step step) throws Exception {
    String[] stages = step.command().substring(2).split(" \\| ");
    List<String> words = words(stages[0]);
    words.replaceAll(this::paths);
    String stdin = step.stdin().isEmpty() ? "" : String.join("\n", step.stdin()) + "\n";
    Tool.Result result = Tools.run(words, broker.bootstrap(), stdin);
    List<String> lines = normaliser.lines(result.stdout());
    for (String line : normaliser.lines(result.stderr())) lines.add("! " + line);
    for (int i = 1; i < stages.length; i++) lines = filter(stages[i], lines);
    if (result.exitCode() != 0) lines.add("exit " + result.exitCode());
    return lines;
  }

  private static List<String> filter(String stage, List<String> lines) {
    if (stage.equals("sort")) return new ArrayList<>(lines.stream().sorted().toList());
    Pattern pattern = Pattern.compile(stage.substring(stage.indexOf(' ') + 1));
    return new ArrayList<>(switch (stage.substring(0, stage.indexOf(' '))) {
      case "keep" -> lines.stream().filter(line -> pattern.matcher(line).find()).toList();
      case "cut" -> lines.stream().map(line -> pattern.matcher(line).replaceAll("")).toList();
      default -> throw new IllegalArgumentException("no such filter: " + stage);
    });
  }

  /**
   * {@code broker KEY=VALUE …}, as the first step, starts the broker with settings of its own; {@code member NAME
   * group=G topic=T [KEY=VALUE …]} joins a consumer to a group and returns when all members have an assignment;
   * {@code leave NAME} lets it leave; {@code produce TOPIC COUNT} writes records of known timestamps to the partitions
   * in turn, one batch each; {@code file NAME} writes a file that commands call {@code FILES/NAME}; {@code begin ID TOPIC
   * COUNT} produces the same in a transaction of this id, which {@code commit ID} or {@code abort ID} ends; {@code hang ID
   * PRODUCER TOPIC} writes a record of this id and producer that no coordinator knows of, see {@link Hanging}.
   */
  private void act(List<String> words, List<String> stdin) throws Exception {
    switch (words.get(0)) {
      case "member" -> {
        Map<String, String> options = new HashMap<>();
        for (String word : words.subList(2, words.size())) {
          String[] pair = word.split("=", 2);
          options.put(pair[0], pair[1]);
        }
        members.put(words.get(1), new GroupMember(broker, words.get(1), options));
        GroupMember.awaitStable(members.values(), MEMBERS_SETTLE);
      }
      case "leave" -> {
        members.remove(words.get(1)).close();
        GroupMember.awaitStable(members.values(), MEMBERS_SETTLE);
      }
      case "produce" -> produce(words.get(1), Integer.parseInt(words.get(2)));
      case "begin" -> begin(words.get(1), words.get(2), Integer.parseInt(words.get(3)));
      case "commit" -> {
        transactional.get(words.get(1)).commitTransaction();
        awaitState(words.get(1), TransactionState.COMPLETE_COMMIT);
      }
      case "abort" -> {
        transactional.get(words.get(1)).abortTransaction();
        awaitState(words.get(1), TransactionState.COMPLETE_ABORT);
      }
      case "hang" -> Hanging.write(broker, words.get(1), Long.parseLong(words.get(2)), words.get(3), FIRST_TIMESTAMP_MS);
      case "file" -> Files.write(files.resolve(words.get(1)), stdin.stream().map(this::paths).toList());
      default -> throw new IllegalArgumentException("no such action: " + words.get(0));
    }
  }

  private void produce(String topic, int count) {
    // Nothing is sent before close() asks for it, so the batches do not depend on time.
    Map<String, Object> config = Map.of("bootstrap.servers", broker.bootstrap(), "linger.ms", 60_000);
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      send(producer, topic, count);
    }
  }

  private static void send(KafkaProducer<String, String> producer, String topic, int count) {
    int partitions = producer.partitionsFor(topic).size();
    for (int i = 0; i < count; i++) {
      long timestampMs = FIRST_TIMESTAMP_MS + i * 1000L;
      producer.send(new ProducerRecord<>(topic, i % partitions, timestampMs, "key-" + i, "value-" + i));
    }
  }

  private void begin(String id, String topic, int count) {
    KafkaProducer<String, String> producer = transactional.computeIfAbsent(id, key -> {
      Map<String, Object> config = Map.of("bootstrap.servers", broker.bootstrap(), "transactional.id", id, "linger.ms", 60_000);
      KafkaProducer<String, String> created = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
      created.initTransactions();
      return created;
    });
    producer.beginTransaction();
    send(producer, topic, count);
    producer.flush();
  }

  /** Apache Kafka answers before the markers are written. */
  private void awaitState(String id, TransactionState state) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap(), "client.id", "transcript"))) {
      while (admin.describeTransactions(List.of(id)).description(id).get().state() != state) Thread.sleep(20);
    }
  }

  private static List<String> words(String line) {
    List<String> words = new ArrayList<>();
    Matcher matcher = WORD.matcher(line);
    while (matcher.find()) words.add(matcher.group(1) != null ? matcher.group(1) : matcher.group(2));
    return words;
  }

  @Override
  public void close() throws Exception {
    try {
      for (GroupMember member : members.values()) member.close();
      // A transaction that is still open is left so.
      for (KafkaProducer<String, String> producer : transactional.values()) producer.close(Duration.ZERO);
    } finally {
      if (broker != null) broker.close();
    }
  }
}
