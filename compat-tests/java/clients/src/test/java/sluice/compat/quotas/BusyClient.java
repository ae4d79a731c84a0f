package sluice.compat.quotas;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.admin.Admin;
import sluice.compat.Broker;

/** A client that asks for all topics as often as it gets them: much work for the broker, and little to send. */
final class BusyClient implements AutoCloseable {
  private final Admin admin;
  private final Thread thread;
  private final AtomicLong answers = new AtomicLong();
  private volatile boolean running = true;

  BusyClient(Broker broker, String clientId) {
    admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap(), "client.id", clientId));
    thread = new Thread(this::ask, clientId);
    thread.start();
  }

  long answers() {
    return answers.get();
  }

  private void ask() {
    while (running) {
      try {
        admin.listTopics().names().get(30, TimeUnit.SECONDS);
        answers.incrementAndGet();
      } catch (ExecutionException | TimeoutException e) {
        if (running) throw new IllegalStateException(e);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  @Override
  public void close() throws InterruptedException {
    running = false;
    admin.close(Duration.ZERO);
    thread.join();
  }
}
