package sluice.compat.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sluice.compat.Broker;
import sluice.compat.SharedBroker;

/** Each codec between Java and kafkajs, two implementations that share no code (see {@code cross/kafkajs-codecs.js}). */
@ExtendWith(SharedBroker.class)
class CrossTest {
  private static final int COUNT = 200;

  private final Broker broker;

  CrossTest(Broker broker) {
    this.broker = broker;
  }

  /** The value of record {@code n}, the same as the script's. */
  private static String content(int n) {
    if (n % 50 == 49) return "x".repeat(300_000);
    CRC32 crc = new CRC32();
    crc.update(("record " + n).getBytes(StandardCharsets.UTF_8));
    return String.format("%08x", crc.getValue()).repeat(1 + n % 40);
  }

  private String kafkajs(String... args) throws IOException, InterruptedException {
    Path compatTests = Broker.javaDirectory().getParent();
    String node = System.getenv("COMPAT_NODE");
    List<String> command = new ArrayList<>();
    command.add(node != null ? node : compatTests.resolve("../node_modules/node/bin/node").toString());
    command.add(compatTests.resolve("cross/kafkajs-codecs.js").toString());
    command.addAll(Arrays.asList(args));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    // kafkajs has timers that Node warns of.
    builder.environment().put("NODE_NO_WARNINGS", "1");
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertEquals(0, process.waitFor(), output);
    return output;
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "gzip", "snappy", "lz4", "zstd"})
  void javaWritesAndKafkajsReads(String codec) throws Exception {
    String topic = "java-to-js-" + codec;
    Records.createTopic(broker, topic, 1, Map.of());
    Map<String, Object> config = Map.of("compression.type", codec, "linger.ms", 20);
    try (KafkaProducer<String, String> producer = Records.producer(broker, config)) {
      for (int n = 0; n < COUNT; n++) {
        ProducerRecord<String, String> record = new ProducerRecord<>(topic, "k" + n, content(n));
        record.headers().add("n", Integer.toString(n).getBytes(StandardCharsets.UTF_8));
        producer.send(record);
      }
    }
    assertEquals(Integer.toString(COUNT), kafkajs("consume", broker.bootstrap(), topic, Integer.toString(COUNT)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "gzip", "snappy", "lz4", "zstd"})
  void kafkajsWritesAndJavaReads(String codec) throws Exception {
    String topic = "js-to-java-" + codec;
    Records.createTopic(broker, topic, 1, Map.of());
    kafkajs("produce", broker.bootstrap(), topic, codec, Integer.toString(COUNT));
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, Map.of())) {
      List<ConsumerRecord<String, String>> read = Records.readAll(consumer, topic);
      assertEquals(COUNT, read.size());
      for (int n = 0; n < COUNT; n++) {
        assertEquals("k" + n, read.get(n).key());
        assertEquals(content(n), read.get(n).value());
        assertEquals(Integer.toString(n), new String(read.get(n).headers().lastHeader("n").value(), StandardCharsets.UTF_8));
      }
    }
  }
}
