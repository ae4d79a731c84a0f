package sluice.compat.tools;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.tools.BrokerApiVersionsCommand;
import org.apache.kafka.tools.ConsoleProducer;
import org.apache.kafka.tools.DeleteRecordsCommand;
import org.apache.kafka.tools.GetOffsetShell;
import org.apache.kafka.tools.TopicCommand;
import org.apache.kafka.tools.VerifiableConsumer;
import org.apache.kafka.tools.VerifiableProducer;
import org.apache.kafka.tools.consumer.ConsoleConsumer;
import org.apache.kafka.tools.consumer.group.ConsumerGroupCommand;
import sluice.compat.Broker;

/** Runs the steps of a transcript against one broker. */
final class TranscriptRunner implements AutoCloseable {
  private static final Map<String, Tool.Main> TOOLS = Map.of(
      "kafka-broker-api-versions", BrokerApiVersionsCommand::main,
      "kafka-configs", kafka.admin.ConfigCommand::main,
      "kafka-console-consumer", ConsoleConsumer::main,
      "kafka-console-producer", ConsoleProducer::main,
      "kafka-consumer-groups", ConsumerGroupCommand::main,
      "kafka-delete-records", DeleteRecordsCommand::main,
      "kafka-get-offsets", GetOffsetShell::main,
      "kafka-topics", TopicCommand::main);

  /** These print their last lines from a shutdown hook of the JVM. */
  private static final Map<String, Class<?>> TOOLS_APART = Map.of(
      "kafka-verifiable-consumer", VerifiableConsumer.class,
      "kafka-verifiable-producer", VerifiableProducer.class);

  /** Words split at blanks; single quotes keep blanks together. */
  private static final Pattern WORD = Pattern.compile("'([^']*)'|(\\S+)");

  /** The timestamp of the first record that {@code @produce} writes; each further one is a second later. */
  private static final long FIRST_TIMESTAMP_MS = 1_700_000_000_000L;

  private static final String REQUESTS = Broker.javaDirectory().resolve("clients/src/test/resources/requests").toString();

  private final Broker broker;
  private final Map<String, GroupMember> members = new HashMap<>();

  TranscriptRunner(Broker broker) {
    this.broker = broker;
  }

  /** Carries out one step and returns what it printed, normalised. */
  List<String> run(Transcript.Step step) throws Exception {
    if (step.command().startsWith("@")) {
      act(words(step.command().substring(1)));
      return List.of();
    }
    String[] stages = step.command().substring(2).split(" \\| ");
    List<String> words = words(stages[0]);
    List<String> args = new ArrayList<>(words.subList(1, words.size()));
    args.replaceAll(word -> word.replace("RESOURCES", REQUESTS));
    args.add("--bootstrap-server");
    args.add(broker.bootstrap());
    String stdin = step.stdin().isEmpty() ? "" : String.join("\n", step.stdin()) + "\n";
    Tool.Main main = TOOLS.get(words.get(0));
    Class<?> apart = TOOLS_APART.get(words.get(0));
    if (main == null && apart == null) throw new IllegalArgumentException("no such tool: " + words.get(0));
    Tool.Result result = main != null ? Tool.run(main, args, stdin) : Tool.runApart(apart, args);
    List<String> lines = Transcript.normalise(result.stdout());
    for (String line : Transcript.normalise(result.stderr())) lines.add("! " + line);
    for (int i = 1; i < stages.length; i++) lines = filter(stages[i], lines);
    if (result.exitCode() != 0) lines.add("exit " + result.exitCode());
    return lines;
  }

  private static List<String> filter(String stage, List<String> lines) {
    if (stage.equals("sort")) return lines.stream().sorted().toList();
    if (!stage.startsWith("keep ")) throw new IllegalArgumentException("no such filter: " + stage);
    Pattern wanted = Pattern.compile(stage.substring("keep ".length()));
    return new ArrayList<>(lines.stream().filter(line -> wanted.matcher(line).find()).toList());
  }

  /**
   * {@code member NAME group=G topic=T [KEY=VALUE …]} joins a consumer to a group and returns when all members have
   * an assignment; {@code leave NAME} lets it leave; {@code produce TOPIC COUNT} writes records of known timestamps
   * to the partitions in turn.
   */
  private void act(List<String> words) throws Exception {
    switch (words.get(0)) {
      case "member" -> {
        Map<String, String> options = new HashMap<>();
        for (String word : words.subList(2, words.size())) {
          String[] pair = word.split("=", 2);
          options.put(pair[0], pair[1]);
        }
        members.put(words.get(1), new GroupMember(broker, words.get(1), options));
        GroupMember.awaitStable(members.values(), Duration.ofSeconds(30));
      }
      case "leave" -> {
        members.remove(words.get(1)).close();
        if (!members.isEmpty()) GroupMember.awaitStable(members.values(), Duration.ofSeconds(30));
      }
      case "produce" -> produce(words.get(1), Integer.parseInt(words.get(2)));
      default -> throw new IllegalArgumentException("no such action: " + words.get(0));
    }
  }

  private void produce(String topic, int count) {
    Map<String, Object> config = Map.of("bootstrap.servers", broker.bootstrap());
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      int partitions = producer.partitionsFor(topic).size();
      for (int i = 0; i < count; i++) {
        long timestampMs = FIRST_TIMESTAMP_MS + i * 1000L;
        producer.send(new ProducerRecord<>(topic, i % partitions, timestampMs, "key-" + i, "value-" + i));
      }
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
    for (GroupMember member : members.values()) member.close();
  }
}
