package sluice.compat.telemetry;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.common.metrics.stats.Value;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import sluice.compat.Broker;
import sluice.compat.clients.Records;

/** What Java clients push of themselves (KIP-714, KIP-1076) is on the broker's metrics page. Apache Kafka has none. */
class TelemetryTest {
  private static Broker broker;
  private static URI page;

  @BeforeAll
  static void start() throws IOException {
    Assumptions.assumeTrue(Broker.Kind.underTest() == Broker.Kind.SLUICE);
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    page = URI.create("http://127.0.0.1:" + port + "/metrics");
    broker = Broker.start("java-telemetry", "sluice.http.listener=127.0.0.1:" + port);
  }

  @AfterAll
  static void stop() {
    if (broker != null) broker.close();
  }

  @Test
  void aProducerThatASubscriptionIsForPushesAndAnotherDoesNot() throws Exception {
    subscribe("producers", "*", "client_id=pushing-.*");
    try (KafkaProducer<String, String> other = Records.producer(broker, Map.of("client.id", "silent"));
        KafkaProducer<String, String> producer = Records.producer(broker, Map.of("client.id", "pushing-producer"))) {
      other.send(new ProducerRecord<>("telemetry", "a")).get();
      for (int i = 0; i < 100; i++) producer.send(new ProducerRecord<>("telemetry", "a"));
      producer.flush();
      String id = producer.clientInstanceId(Duration.ofSeconds(30)).toString();
      String labels = "client_instance_id=\"" + id + "\",client_id=\"pushing-producer\",client_software_name=\"apache-kafka-java\"";
      await("the producer's connections", line ->
          line.startsWith("client_org_apache_kafka_producer_connection_creation_total{" + labels) && valueOf(line) >= 1);
      await("the producer's queue", line ->
          line.startsWith("client_org_apache_kafka_producer_record_queue_time_avg{" + labels));
      assertTrue(lines().noneMatch(line -> line.contains("client_id=\"silent\"")));
    }
  }

  @Test
  void aChangeOfTheSubscriptionReachesTheClient() throws Exception {
    subscribe("consumers", "org.apache.kafka.consumer.connection.creation.rate", "client_id=changing-.*");
    try (KafkaConsumer<String, String> consumer = Records.consumer(broker, Map.of("client.id", "changing-consumer"))) {
      Records.createTopic(broker, "changing", 1, Map.of());
      consumer.assign(List.of(new TopicPartition("changing", 0)));
      Predicate<String> ofClient = line -> line.contains("client_id=\"changing-consumer\"");
      Predicate<String> rate = line -> line.startsWith("client_org_apache_kafka_consumer_connection_creation_rate{");
      Predicate<String> polls = line -> line.startsWith("client_org_apache_kafka_consumer_poll_idle_ratio_avg{");
      await("the rate of connections", () -> consumer.poll(Duration.ofMillis(100)), ofClient.and(rate));
      assertFalse(lines().anyMatch(ofClient.and(polls)));
      subscribe("consumers", "org.apache.kafka.consumer.poll", "client_id=changing-.*");
      await("the polls", () -> consumer.poll(Duration.ofMillis(100)), ofClient.and(polls));
      assertFalse(lines().anyMatch(ofClient.and(rate)));
    }
  }

  @Test
  void anApplicationPushesMetricsOfItsOwn() throws Exception {
    subscribe("applications", "*", "client_id=application");
    try (Metrics metrics = new Metrics();
        KafkaProducer<String, String> producer = Records.producer(broker, Map.of("client.id", "application"))) {
      Sensor sensor = metrics.sensor("orders");
      sensor.add(metrics.metricName("orders-open", "shop", "Orders that wait.", "region", "north"), new Value());
      sensor.record(17);
      for (KafkaMetric metric : metrics.metrics().values()) producer.registerMetricForSubscription(metric);
      producer.send(new ProducerRecord<>("telemetry", "a")).get();
      await("the application's metric", line ->
          line.startsWith("client_") && line.contains("orders_open") && line.contains("region=\"north\"") && valueOf(line) == 17);
    }
  }

  private static void subscribe(String name, String metrics, String match) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.CLIENT_METRICS, name);
    List<AlterConfigOp> ops =
        Stream.of(
                new ConfigEntry("metrics", metrics),
                new ConfigEntry("interval.ms", "300"),
                new ConfigEntry("match", match))
            .map(entry -> new AlterConfigOp(entry, AlterConfigOp.OpType.SET))
            .toList();
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap()))) {
      admin.incrementalAlterConfigs(Map.of(resource, ops)).all().get(30, TimeUnit.SECONDS);
    }
  }

  private static void await(String what, Predicate<String> wanted) throws Exception {
    await(what, () -> Thread.sleep(100), wanted);
  }

  private interface Meanwhile {
    void run() throws Exception;
  }

  private static void await(String what, Meanwhile meanwhile, Predicate<String> wanted) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (lines().noneMatch(wanted)) {
      if (System.nanoTime() > deadline) {
        List<String> pushed = lines().filter(line -> line.startsWith("client_")).toList();
        throw new AssertionError(what + " never came:\n" + String.join("\n", pushed));
      }
      meanwhile.run();
    }
  }

  private static Stream<String> lines() throws Exception {
    HttpResponse<String> response =
        HttpClient.newHttpClient().send(HttpRequest.newBuilder(page).build(), HttpResponse.BodyHandlers.ofString());
    return response.body().lines();
  }

  private static double valueOf(String line) {
    return Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
  }
}
