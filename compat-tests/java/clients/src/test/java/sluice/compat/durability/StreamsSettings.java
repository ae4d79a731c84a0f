package sluice.compat.durability;

import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsConfig;

/** How the Streams applications of these tests are set up: exactly once, and back soon after a kill. */
final class StreamsSettings {
  /** For brokers that such an application is tried on: what a killed one leaves open is soon aborted. */
  static final String[] BROKER = {
    "group.min.session.timeout.ms=1000", "transaction.abort.timed.out.transaction.cleanup.interval.ms=500"
  };

  private StreamsSettings() {}

  static Properties of(String applicationId, String bootstrap, String stateDirectory) {
    Properties config = new Properties();
    config.putAll(Map.of(
        StreamsConfig.APPLICATION_ID_CONFIG, applicationId,
        StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap,
        StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2,
        StreamsConfig.STATE_DIR_CONFIG, stateDirectory,
        StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2,
        StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100,
        // Each result is written, not only the last one of an interval.
        StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0,
        StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class,
        StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class));
    config.putAll(Map.of(
        "reconnect.backoff.max.ms", 100, "retry.backoff.max.ms", 100, "auto.offset.reset", "earliest",
        "session.timeout.ms", 4000, "heartbeat.interval.ms", 200,
        StreamsConfig.producerPrefix("transaction.timeout.ms"), 5000));
    return config;
  }
}
