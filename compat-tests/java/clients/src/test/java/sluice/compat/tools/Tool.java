package sluice.compat.tools;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.utils.Exit;

/** Runs a command-line class of Kafka as its script would: inside this JVM where it lends itself to that. */
public final class Tool {
  private static final Duration LIMIT = Duration.ofMinutes(2);

  private Tool() {}

  /** How a tool ended and what it printed. */
  public record Result(int exitCode, String stdout, String stderr) {}

  /** Thrown in place of ending the JVM. */
  private static final class Exited extends Error {
    Exited() {
      super(null, null, false, false);
    }
  }

  /** A tool's main method, which may throw anything. */
  @FunctionalInterface
  public interface Main {
    void run(String[] args) throws Exception;
  }

  /**
   * Runs {@code main}; its exit code is that of its first call to {@link Exit}, or 1 when an exception leaves it.
   *
   * @throws AssertionError when it has not ended after {@link #LIMIT}; it says where it stands
   */
  public static Result run(Main main, List<String> args, String stdin) {
    ByteArrayOutputStream stdout = new ByteArrayOutputStream();
    ByteArrayOutputStream stderr = new ByteArrayOutputStream();
    InputStream in = System.in;
    PrintStream out = System.out;
    PrintStream err = System.err;
    AtomicInteger code = new AtomicInteger(-1);
    List<Runnable> atExit = new ArrayList<>();
    Exit.Procedure exit = (status, message) -> {
      if (code.compareAndSet(-1, status)) atExit.forEach(Runnable::run);
      // A shell would see no more of it: a tool may catch what ends it, print that, and exit once more.
      System.setOut(new PrintStream(OutputStream.nullOutputStream()));
      System.setErr(new PrintStream(OutputStream.nullOutputStream()));
      throw new Exited();
    };
    Exit.setExitProcedure(exit);
    Exit.setHaltProcedure(exit);
    Exit.setShutdownHookAdder((name, runnable) -> atExit.add(runnable));
    System.setIn(new ByteArrayInputStream(stdin.getBytes(StandardCharsets.UTF_8)));
    System.setOut(new PrintStream(stdout, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(stderr, true, StandardCharsets.UTF_8));
    Thread thread = new Thread(() -> {
      try {
        main.run(args.toArray(String[]::new));
        if (code.compareAndSet(-1, 0)) atExit.forEach(Runnable::run);
      } catch (Exited e) {
        // The code is kept above.
      } catch (Throwable e) {
        code.compareAndSet(-1, 1);
        e.printStackTrace();
      }
    }, "tool");
    thread.setDaemon(true);
    try {
      thread.start();
      thread.join(LIMIT.toMillis());
      if (thread.isAlive()) {
        AssertionError late = new AssertionError("the tool still ran after " + LIMIT);
        late.setStackTrace(thread.getStackTrace());
        throw late;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      System.setIn(in);
      System.setOut(out);
      System.setErr(err);
      Exit.resetExitProcedure();
      Exit.resetHaltProcedure();
      Exit.resetShutdownHookAdder();
    }
    return new Result(code.get(), stdout.toString(StandardCharsets.UTF_8), stderr.toString(StandardCharsets.UTF_8));
  }

  /** Runs a class in a JVM of its own, for those that end it themselves or do their work as it ends. */
  public static Result runApart(Class<?> main, List<String> args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-cp", System.getProperty("java.class.path"), "-XX:TieredStopAtLevel=1", main.getName()));
    command.addAll(args);
    Path stderr = Files.createTempFile("stderr", null);
    try {
      Process process = new ProcessBuilder(command).redirectError(stderr.toFile()).start();
      process.getOutputStream().close();
      String stdout = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Result(process.waitFor(), stdout, Files.readString(stderr));
    } finally {
      Files.delete(stderr);
    }
  }
}
