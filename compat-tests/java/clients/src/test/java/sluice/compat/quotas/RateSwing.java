package sluice.compat.quotas;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/** The rates of what is counted, over ten seconds begun at any moment of one period. */
final class RateSwing {
  private static final int STEP_MS = 250;

  private final double mean;
  private final double least;
  private final double most;

  private RateSwing(double mean, double least, double most) {
    this.mean = mean;
    this.least = least;
    this.most = most;
  }

  double mean() {
    return mean;
  }

  @Override
  public String toString() {
    return String.format("%.3f (%.2f to %.2f)", mean, least, most);
  }

  /** Watches the counts for a period and {@code measuredMs} more; rates are multiples of {@code unit} a second. */
  static List<RateSwing> watch(List<LongSupplier> counts, int periodMs, int measuredMs, double unit)
      throws InterruptedException {
    int begins = periodMs / STEP_MS;
    int length = measuredMs / STEP_MS;
    long[] nanos = new long[begins + length];
    long[][] counted = new long[counts.size()][begins + length];
    long began = System.nanoTime();
    for (int i = 0; i < nanos.length; i++) {
      long waitMs = (began - System.nanoTime()) / 1_000_000 + (long) i * STEP_MS;
      if (waitMs > 0) Thread.sleep(waitMs);
      nanos[i] = System.nanoTime();
      for (int j = 0; j < counted.length; j++) counted[j][i] = counts.get(j).getAsLong();
    }
    List<RateSwing> swings = new ArrayList<>();
    for (long[] values : counted) {
      double sum = 0;
      double least = Double.POSITIVE_INFINITY;
      double most = 0;
      for (int i = 0; i < begins; i++) {
        double seconds = (nanos[i + length] - nanos[i]) / 1e9;
        double rate = (values[i + length] - values[i]) / seconds / unit;
        sum += rate;
        least = Math.min(least, rate);
        most = Math.max(most, rate);
      }
      swings.add(new RateSwing(sum / begins, least, most));
    }
    return swings;
  }
}
