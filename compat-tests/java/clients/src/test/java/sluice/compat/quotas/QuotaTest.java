package sluice.compat.quotas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.quota.ClientQuotaFilterComponent;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import sluice.compat.Broker;
import sluice.compat.clients.Records;

/**
 * Clients at three times their quota, beside clients of other names at the same rate: on the broker under test, and on
 * Apache Kafka for its figures.
 */
class QuotaTest {
  private static final double QUOTA = 1_000_000;
  private static final double OFFERED = 3 * QUOTA;
  /**
   * Eleven samples of a second, and the one that overlaps them: so long does what a client used count. A client that
   * begins may use ten seconds' worth as fast as it can, and again whenever that is forgotten. So the rate over ten
   * seconds swings with this period, in Kafka as here; the mean over one period does not.
   */
  private static final int WINDOW_MS = 12_000;
  private static final int MEASURED_MS = 10_000;
  /** On a busy machine Apache Kafka came down to 0.93 of the quota. */
  private static final double TOLERANCE = 0.15;
  /** Of a CPU, in nanoseconds a second. */
  private static final double ONE_PERCENT = 1e7;
  private static final int STORED_BYTES = 125_000_000;

  @Test
  void clientsAreHeldToTheirQuotaAndOthersAreNot() throws Exception {
    Map<String, RateSwing> kafka = measure(Broker.Kind.KAFKA);
    Map<String, RateSwing> measured = measure(Broker.Kind.underTest());
    measured.forEach(
        (client, swing) ->
            System.out.printf("%-16s %s of the quota, Apache Kafka %s%n", client, swing, kafka.get(client)));
    for (String kind : List.of("producer", "consumer")) {
      assertEquals(1.0, measured.get("limited-" + kind).mean(), TOLERANCE, "the limited " + kind);
      assertTrue(measured.get("free-" + kind).mean() > 2.7, "the free " + kind + ": " + measured.get("free-" + kind));
    }
  }

  /** The rates of each client as multiples of the quota, over ten seconds after one full window. */
  private static Map<String, RateSwing> measure(Broker.Kind kind) throws Exception {
    try (Broker broker = Broker.start(kind, "java-quotas-" + kind)) {
      Records.createTopic(broker, "produced", 1, Map.of());
      Records.createTopic(broker, "consumed", 1, Map.of());
      fill(broker, "consumed");
      limit(broker, "limited-producer", "producer_byte_rate", QUOTA);
      limit(broker, "limited-consumer", "consumer_byte_rate", QUOTA);
      try (PacedClient limitedProducer = PacedClient.producer(broker, "limited-producer", "produced", OFFERED);
          PacedClient freeProducer = PacedClient.producer(broker, "free-producer", "produced", OFFERED);
          PacedClient limitedConsumer = PacedClient.consumer(broker, "limited-consumer", "consumed", OFFERED);
          PacedClient freeConsumer = PacedClient.consumer(broker, "free-consumer", "consumed", OFFERED)) {
        List<PacedClient> clients = List.of(limitedProducer, freeProducer, limitedConsumer, freeConsumer);
        for (PacedClient client : clients) client.awaitFirst();
        Thread.sleep(WINDOW_MS);
        List<LongSupplier> counts = clients.stream().<LongSupplier>map(client -> client::bytes).toList();
        List<RateSwing> swings = RateSwing.watch(counts, WINDOW_MS, MEASURED_MS, QUOTA);
        Map<String, RateSwing> byName = new LinkedHashMap<>();
        for (int i = 0; i < clients.size(); i++) byName.put(clients.get(i).name(), swings.get(i));
        return byName;
      }
    }
  }

  /**
   * Apache Kafka counts the time of its threads instead, so it has no figure to put beside this one. The process also
   * reads sockets and collects garbage, which no request is charged for.
   */
  @Test
  void aClientIsHeldToItsShareOfTheEventLoop() throws Exception {
    Assumptions.assumeTrue(Broker.Kind.underTest() == Broker.Kind.SLUICE);
    double percent = 10;
    try (Broker broker = Broker.start("java-quotas-time")) {
      for (int i = 0; i < 20; i++) Records.createTopic(broker, "wide-" + i, 50, Map.of());
      try (BusyClient first = new BusyClient(broker, "busy");
          BusyClient second = new BusyClient(broker, "busy")) {
        LongSupplier cpuNanos = () -> broker.cpuTime().toNanos();
        double free = RateSwing.watch(List.of(cpuNanos), 250, 5_000, ONE_PERCENT).get(0).mean();
        limit(broker, "busy", "request_percentage", percent);
        Thread.sleep(WINDOW_MS);
        RateSwing swing = RateSwing.watch(List.of(cpuNanos), WINDOW_MS, MEASURED_MS, ONE_PERCENT).get(0);
        double limited = swing.mean();
        System.out.printf("busy: %.1f %% of a CPU without a quota, %s %% with one of %.0f %%%n", free, swing, percent);
        assertTrue(free > 3 * percent, "without a quota it uses " + free + " %");
        assertTrue(limited < 2 * percent, "with a quota it uses " + swing + " %");
        assertTrue(limited > 0.4 * percent, "with a quota it uses no more than " + swing + " %");
        assertTrue(first.answers() + second.answers() > 0);
      }
    }
  }

  private static void fill(Broker broker, String topic) {
    Map<String, Object> config = Map.of("bootstrap.servers", broker.bootstrap(), "enable.metrics.push", false);
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      byte[] value = new byte[PacedClient.RECORD_BYTES];
      for (int i = 0; i < STORED_BYTES / value.length; i++) producer.send(new ProducerRecord<>(topic, value));
    }
  }

  private static void limit(Broker broker, String clientId, String quota, double value) throws Exception {
    ClientQuotaEntity entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, clientId));
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap()))) {
      admin
          .alterClientQuotas(
              List.of(new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op(quota, value)))))
          .all()
          .get(30, TimeUnit.SECONDS);
      ClientQuotaFilter filter =
          ClientQuotaFilter.containsOnly(
              List.of(ClientQuotaFilterComponent.ofEntity(ClientQuotaEntity.CLIENT_ID, clientId)));
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (admin.describeClientQuotas(filter).entities().get(30, TimeUnit.SECONDS).isEmpty()) {
        assertTrue(System.nanoTime() < deadline, "the quota of " + clientId + " is not there");
        Thread.sleep(50);
      }
    }
  }
}
