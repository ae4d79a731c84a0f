package sluice.compat.tools;

import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.NetworkClient;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.LoggerConfig;
import org.apache.logging.log4j.core.config.Property;

/** What the clients of this JVM ask of brokers, read from what Kafka's client logs about it. */
final class RequestLog {
  private static final Pattern SENDING =
      Pattern.compile("Sending ([A-Z_]+) request with header .*?apiVersion=(\\d+), clientId=(.*?), correlationId=");

  private final Set<String> apis = new ConcurrentSkipListSet<>();
  private final Set<String> versions = new ConcurrentSkipListSet<>();
  private volatile Set<String> ignoredClients = Set.of();

  /** Listens from now on. */
  static RequestLog open() {
    RequestLog log = new RequestLog();
    LoggerContext context = (LoggerContext) LogManager.getContext(false);
    AbstractAppender appender = new AbstractAppender("requests", null, null, true, Property.EMPTY_ARRAY) {
      @Override
      public void append(LogEvent event) {
        Matcher sending = SENDING.matcher(event.getMessage().getFormattedMessage());
        if (sending.find()) log.sent(ApiKeys.valueOf(sending.group(1)), sending.group(2), sending.group(3));
      }
    };
    appender.start();
    LoggerConfig logger = new LoggerConfig(NetworkClient.class.getName(), Level.DEBUG, false);
    logger.addAppender(appender, Level.DEBUG, null);
    context.getConfiguration().addLogger(NetworkClient.class.getName(), logger);
    context.updateLoggers();
    return log;
  }

  private void sent(ApiKeys api, String version, String clientId) {
    if (api == ApiKeys.API_VERSIONS || ignoredClients.contains(clientId)) return;
    apis.add(api.name);
    versions.add(api.name + " " + version);
  }

  /** The APIs that were asked since the last call; what {@code ignored} clients ask is left out from now on. */
  Set<String> take(Set<String> ignored) {
    Set<String> taken = new TreeSet<>(apis);
    apis.clear();
    ignoredClients = Set.copyOf(ignored);
    return taken;
  }

  /** All that was asked so far, each API with its versions. */
  Set<String> versions() {
    return new TreeSet<>(versions);
  }
}
