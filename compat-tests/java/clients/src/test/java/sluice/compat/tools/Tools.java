package sluice.compat.tools;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.tools.AclCommand;
import org.apache.kafka.tools.BrokerApiVersionsCommand;
import org.apache.kafka.tools.ClientMetricsCommand;
import org.apache.kafka.tools.ClusterTool;
import org.apache.kafka.tools.ConsoleProducer;
import org.apache.kafka.tools.ConsumerPerformance;
import org.apache.kafka.tools.DeleteRecordsCommand;
import org.apache.kafka.tools.EndToEndLatency;
import org.apache.kafka.tools.FeatureCommand;
import org.apache.kafka.tools.GetOffsetShell;
import org.apache.kafka.tools.GroupsCommand;
import org.apache.kafka.tools.LeaderElectionCommand;
import org.apache.kafka.tools.LogDirsCommand;
import org.apache.kafka.tools.MetadataQuorumCommand;
import org.apache.kafka.tools.ProducerPerformance;
import org.apache.kafka.tools.TopicCommand;
import org.apache.kafka.tools.TransactionsCommand;
import org.apache.kafka.tools.VerifiableConsumer;
import org.apache.kafka.tools.VerifiableProducer;
import org.apache.kafka.tools.consumer.ConsoleConsumer;
import org.apache.kafka.tools.consumer.group.ConsumerGroupCommand;
import org.apache.kafka.tools.reassign.ReassignPartitionsCommand;

/** Kafka's command-line tools under the names of their scripts. */
final class Tools {
  /** Where a command line has its {@code --bootstrap-server}, unless it says {@code BROKER} somewhere. */
  private enum Bootstrap { FIRST, LAST }

  private record Entry(Tool.Main main, Class<?> apart, Bootstrap bootstrap) {}

  private static final Map<String, Entry> TOOLS = Map.ofEntries(
      here("kafka-acls", AclCommand::main, Bootstrap.LAST),
      here("kafka-broker-api-versions", BrokerApiVersionsCommand::main, Bootstrap.LAST),
      here("kafka-client-metrics", ClientMetricsCommand::main, Bootstrap.LAST),
      here("kafka-cluster", ClusterTool::main, Bootstrap.LAST),
      here("kafka-configs", kafka.admin.ConfigCommand::main, Bootstrap.LAST),
      here("kafka-console-consumer", ConsoleConsumer::main, Bootstrap.LAST),
      here("kafka-console-producer", ConsoleProducer::main, Bootstrap.LAST),
      here("kafka-consumer-groups", ConsumerGroupCommand::main, Bootstrap.LAST),
      here("kafka-consumer-perf-test", ConsumerPerformance::main, Bootstrap.LAST),
      here("kafka-delete-records", DeleteRecordsCommand::main, Bootstrap.LAST),
      here("kafka-e2e-latency", EndToEndLatency::main, Bootstrap.LAST),
      here("kafka-features", FeatureCommand::main, Bootstrap.FIRST),
      here("kafka-get-offsets", GetOffsetShell::main, Bootstrap.LAST),
      here("kafka-groups", GroupsCommand::main, Bootstrap.LAST),
      here("kafka-leader-election", LeaderElectionCommand::main, Bootstrap.LAST),
      here("kafka-log-dirs", LogDirsCommand::main, Bootstrap.LAST),
      here("kafka-metadata-quorum", MetadataQuorumCommand::main, Bootstrap.FIRST),
      here("kafka-producer-perf-test", ProducerPerformance::main, Bootstrap.LAST),
      here("kafka-reassign-partitions", ReassignPartitionsCommand::main, Bootstrap.LAST),
      here("kafka-topics", TopicCommand::main, Bootstrap.LAST),
      here("kafka-transactions", TransactionsCommand::main, Bootstrap.FIRST),
      // These print their last lines from a shutdown hook of the JVM.
      apart("kafka-verifiable-consumer", VerifiableConsumer.class),
      apart("kafka-verifiable-producer", VerifiableProducer.class));

  private Tools() {}

  private static Map.Entry<String, Entry> here(String name, Tool.Main main, Bootstrap bootstrap) {
    return Map.entry(name, new Entry(main, null, bootstrap));
  }

  private static Map.Entry<String, Entry> apart(String name, Class<?> main) {
    return Map.entry(name, new Entry(null, main, Bootstrap.LAST));
  }

  /** Runs a command line against the broker at {@code bootstrap}. */
  static Tool.Result run(List<String> words, String bootstrap, String stdin) throws Exception {
    Entry tool = TOOLS.get(words.get(0));
    if (tool == null) throw new IllegalArgumentException("no such tool: " + words.get(0));
    List<String> args = new ArrayList<>(words.subList(1, words.size()));
    if (args.stream().noneMatch(word -> word.contains("BROKER"))) {
      args.addAll(tool.bootstrap == Bootstrap.FIRST ? 0 : args.size(), List.of("--bootstrap-server", "BROKER"));
    }
    args.replaceAll(word -> word.replace("BROKER", bootstrap));
    return tool.main != null ? Tool.run(tool.main, args, stdin) : Tool.runApart(tool.apart, args);
  }
}
