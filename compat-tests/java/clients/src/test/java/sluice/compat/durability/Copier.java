package sluice.compat.durability;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.tools.TransactionalMessageCopier;
import sluice.compat.Broker;

/**
 * Kafka's TransactionalMessageCopier for one partition, in a process of its own that is started again whenever it ends,
 * until it is closed. It has to be: it counts offsets as if each were a record, so that it never comes to the end of
 * what transactions wrote, and ends before the end where the topic goes on growing.
 */
final class Copier implements AutoCloseable {
  /** For the successor of one that was killed: it waits for the offsets of a transaction that only this ends. */
  private static final int TRANSACTION_TIMEOUT_MS = 4000;
  private static final int TRANSACTION_SIZE = 50;

  private final String to;
  private final int partition;
  private final List<String> command;
  private final Path directory;
  private final Thread supervisor;
  private Process process;
  private boolean closed;
  private int starts;

  /** Its output and log are below {@code outputs}. */
  Copier(Broker broker, String from, int partition, String to, Path outputs) throws IOException {
    this.to = to;
    this.partition = partition;
    String name = from + "-" + partition;
    command = new ArrayList<>(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-cp", System.getProperty("java.class.path"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m",
        TransactionalMessageCopier.class.getName(),
        "--broker-list", broker.bootstrap(), "--input-topic", from, "--input-partition", Integer.toString(partition),
        "--output-topic", to, "--transactional-id", "copier-" + name, "--consumer-group", "copiers-of-" + from,
        "--transaction-size", Integer.toString(TRANSACTION_SIZE),
        "--transaction-timeout", Integer.toString(TRANSACTION_TIMEOUT_MS), "--enable-random-aborts", "--use-group-metadata"));
    directory = Files.createDirectories(outputs.resolve(name));
    supervisor = new Thread(this::supervise, "copier-" + name);
    supervisor.setDaemon(true);
    Runtime.getRuntime().addShutdownHook(new Thread(this::close));
    supervisor.start();
  }

  /** The topic that it writes to, in the partition of the same number as the one that it reads. */
  String to() {
    return to;
  }

  int partition() {
    return partition;
  }

  /** SIGKILL in the middle of whatever it does; another one takes its place. */
  synchronized void kill() {
    if (process != null) process.destroyForcibly();
  }

  synchronized int starts() {
    return starts;
  }

  @Override
  public synchronized void close() {
    closed = true;
    kill();
  }

  /** The end of what all its processes printed. */
  String lastLines() {
    try {
      List<String> lines = Files.exists(output()) ? Files.readAllLines(output()) : List.of();
      return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path output() {
    return directory.resolve("output");
  }

  private void supervise() {
    try {
      for (Process next = startNext(); next != null; next = startNext()) next.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized Process startNext() {
    if (closed) return null;
    starts++;
    try {
      process = new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.appendTo(output().toFile()))
          .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile())).start();
      return process;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
