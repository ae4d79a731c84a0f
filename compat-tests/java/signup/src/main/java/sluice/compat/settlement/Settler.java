package sluice.compat.settlement;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.stereotype.Component;

/** Settles each order: {@code flaky} ones at the third try, {@code bad} ones never. */
@Component
public class Settler {
  private static final int FLAKY_FAILURES = 2;

  private final KafkaTemplate<Object, Object> kafka;
  private final Map<String, Integer> tries = new ConcurrentHashMap<>();
  private volatile Consumer<String> whenSent = order -> {};

  Settler(KafkaTemplate<Object, Object> kafka) {
    this.kafka = kafka;
  }

  /** What happens within the transaction of an order, once its record is written. */
  void whenSent(Consumer<String> action) {
    whenSent = action;
  }

  @KafkaListener(topics = "orders", groupId = "settler", concurrency = "3")
  void settle(ConsumerRecord<String, String> order) {
    String name = order.value();
    kafka.send("settled", order.key(), name).join();
    whenSent.accept(name);
    int failures = tries.merge(name, 1, Integer::sum);
    if (name.startsWith("bad") || (name.startsWith("flaky") && failures <= FLAKY_FAILURES)) {
      throw new IllegalStateException("not settled: " + name);
    }
  }
}
