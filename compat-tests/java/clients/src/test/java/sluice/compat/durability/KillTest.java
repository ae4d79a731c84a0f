package sluice.compat.durability;

import java.util.Random;
import org.junit.jupiter.api.Test;
import sluice.compat.Broker;

/**
 * The broker process is killed at random instants under load. COMPAT_SEED repeats a run's instants, COMPAT_KILLS sets
 * their number.
 */
class KillTest {
  private static final int LONGEST_RUN_MS = 1500;
  private static final int LONGEST_START_MS = 400;

  @Test
  void nothingAcknowledgedIsLostRepeatedOrMovedByTwentyKills() throws Exception {
    String given = System.getenv("COMPAT_SEED");
    long seed = given == null ? System.nanoTime() : Long.parseLong(given);
    int kills = Integer.parseInt(System.getenv().getOrDefault("COMPAT_KILLS", "20"));
    Random random = new Random(seed);
    String run = "seed " + seed;
    System.out.println("kill: COMPAT_SEED=" + seed);
    try (Broker broker = Broker.start("java-kill"); Load load = new Load(broker, seed)) {
      for (int i = 0; i < kills; i++) {
        load.awaitProgress(1);
        Thread.sleep(random.nextInt(LONGEST_RUN_MS));
        broker.kill();
        // Now and then the next start is killed too, in the middle of its recovery.
        if (random.nextInt(4) == 0) {
          broker.launch();
          Thread.sleep(random.nextInt(LONGEST_START_MS));
          broker.kill();
        }
        broker.restart();
        load.verifyCommitted();
      }
      load.awaitProgress(100);
      load.verify();
      System.out.println("kill: " + load.acks() + " records and " + load.commits() + " commits over " + kills + " kills");
    } catch (AssertionError e) {
      throw new AssertionError(run + ": " + e.getMessage(), e);
    }
  }
}
