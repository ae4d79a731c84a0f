package sluice.old;

import java.util.List;

/**
 * One kafka-clients against a broker whose topics have six partitions. Ends with exit code 0, or with what went wrong.
 *
 * <pre>
 *   write BOOTSTRAP TOPIC CODEC...           fills a topic with every codec
 *   read BOOTSTRAP TOPIC timed|untimed CODEC...  finds all of it again
 *   acks | group | seek | admin BOOTSTRAP NAME   the rest of the usual round
 * </pre>
 */
public final class Program {
  private Program() {}

  public static void main(String[] args) throws Exception {
    String bootstrap = args[1];
    String name = args[2];
    switch (args[0]) {
      case "write" -> Content.write(bootstrap, name, List.of(args).subList(3, args.length));
      case "read" ->
          Content.read(bootstrap, name, args[3].equals("timed"), List.of(args).subList(4, args.length));
      case "acks" -> Content.acks(bootstrap, name);
      case "group" -> GroupOfThree.run(bootstrap, name);
      case "seek" -> Seeking.run(bootstrap, name);
      case "admin" -> Api.admin(bootstrap, name);
      default -> throw new IllegalArgumentException(args[0]);
    }
    // Old clients leave threads behind that are no daemons.
    System.exit(0);
  }

  static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }
}
