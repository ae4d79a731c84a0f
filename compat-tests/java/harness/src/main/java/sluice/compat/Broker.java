package sluice.compat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * A broker process on a free loopback port, with a data directory that survives its stops and stays behind for the
 * dump-log check. Which broker it is, the environment variable COMPAT_BROKER says (see {@code start-broker}).
 */
public final class Broker implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofSeconds(60);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(60);

  private final Kind kind;
  private final int port;
  private final Path data;
  private final Path log;
  private final List<String> config;
  private Process process;

  /** The brokers that a suite can run against. */
  public enum Kind {
    SLUICE(0),
    KAFKA(128 + 15);

    private final int exitOnTerm;

    Kind(int exitOnTerm) {
      this.exitOnTerm = exitOnTerm;
    }

    /** What the environment asks for; Sluice unless told otherwise. */
    public static Kind underTest() {
      return valueOf(System.getenv().getOrDefault("COMPAT_BROKER", "sluice").toUpperCase(Locale.ROOT));
    }
  }

  private Broker(Kind kind, int port, Path data, List<String> config) {
    this.kind = kind;
    this.port = port;
    this.data = data;
    this.log = data.resolveSibling(data.getFileName() + ".out");
    this.config = config;
  }

  /** Starts the broker under test on an empty data directory called {@code name}. */
  public static Broker start(String name, String... config) {
    return start(Kind.underTest(), name, config);
  }

  /** Starts a broker of the given kind on an empty data directory called {@code name}. */
  public static Broker start(Kind kind, String name, String... config) {
    try {
      Path data = dataRoot().resolve(name);
      delete(data);
      Files.createDirectories(data);
      Broker broker = new Broker(kind, freePort(), data, List.of(config));
      Files.deleteIfExists(broker.log);
      Runtime.getRuntime().addShutdownHook(new Thread(broker::abandon));
      broker.restart();
      return broker;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where all suites leave their data directories: COMPAT_DATA, or {@code target/data} beside the suites. */
  public static Path dataRoot() {
    String given = System.getenv("COMPAT_DATA");
    return given == null ? javaDirectory().resolve("target/data") : Path.of(given).toAbsolutePath();
  }

  /** The directory {@code compat-tests/java} of the checkout. */
  public static Path javaDirectory() {
    return Path.of(System.getProperty("compat.java.dir")).toAbsolutePath();
  }

  public String bootstrap() {
    return "127.0.0.1:" + port;
  }

  public int port() {
    return port;
  }

  public Path data() {
    return data;
  }

  public Kind kind() {
    return kind;
  }

  /** Starts the stopped broker again, on the same port and data, and returns when it takes connections. */
  public void restart() {
    launch();
    awaitPort();
  }

  /** Starts the stopped broker again and returns while it is still starting. */
  public void launch() {
    if (process != null && process.isAlive()) throw new IllegalStateException("the broker runs already");
    Path compatTests = javaDirectory().getParent();
    List<String> command = new ArrayList<>();
    command.add(compatTests.resolve("start-broker").toString());
    command.add(Integer.toString(port));
    command.add(data.toString());
    command.addAll(config);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("COMPAT_BROKER", kind.name().toLowerCase(Locale.ROOT));
    builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** SIGKILL, and waits until the process is gone. */
  public void kill() {
    process.destroyForcibly();
    awaitExit();
  }

  /** SIGTERM; returns when the process has ended, and fails when it did not end as a clean stop does. */
  public void stop() {
    process.destroy();
    int code = awaitExit();
    if (code != kind.exitOnTerm) throw new AssertionError("SIGTERM ended the broker with " + code + "\n" + lastLines());
  }

  /** Stops the broker cleanly if it runs. */
  @Override
  public void close() {
    if (process.isAlive()) stop();
  }

  /** CPU time that the broker's process has used so far. */
  public Duration cpuTime() {
    return process.info().totalCpuDuration().orElseThrow();
  }

  /** The number of lines that the broker has printed so far. */
  public long linesPrinted() {
    return output().size();
  }

  /** What the broker printed after the first {@code skip} lines. */
  public List<String> printedAfter(long skip) {
    List<String> lines = output();
    return lines.subList((int) Math.min(skip, lines.size()), lines.size());
  }

  private List<String> output() {
    try {
      return Files.readAllLines(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private int awaitExit() {
    try {
      if (!process.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("the broker still ran " + STOP_LIMIT.toSeconds() + " s after the signal\n" + lastLines());
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private void awaitPort() {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (true) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
        return;
      } catch (IOException notYet) {
        if (!process.isAlive()) throw new AssertionError("the broker ended with " + process.exitValue() + "\n" + lastLines());
        if (System.nanoTime() > deadline) {
          process.destroyForcibly();
          throw new AssertionError("no listener on " + port + " after " + START_LIMIT.toSeconds() + " s\n" + lastLines());
        }
      }
      pause(10);
    }
  }

  private String lastLines() {
    List<String> lines = output();
    return String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size()));
  }

  /** Nothing that a suite started outlives its JVM, whatever became of the suite. */
  private void abandon() {
    if (process != null) process.destroyForcibly();
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static void delete(Path tree) throws IOException {
    if (!Files.exists(tree)) return;
    Files.walkFileTree(tree, new SimpleFileVisitor<>() {
      @Override
      public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
        Files.delete(file);
        return FileVisitResult.CONTINUE;
      }

      @Override
      public FileVisitResult postVisitDirectory(Path directory, IOException e) throws IOException {
        Files.delete(directory);
        return FileVisitResult.CONTINUE;
      }
    });
  }
}
