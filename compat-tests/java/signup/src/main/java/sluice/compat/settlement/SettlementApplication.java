package sluice.compat.settlement;

import org.apache.kafka.clients.admin.NewTopic;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.kafka.config.TopicBuilder;
import org.springframework.kafka.core.KafkaAdmin.NewTopics;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.AfterRollbackProcessor;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultAfterRollbackProcessor;
import org.springframework.util.backoff.FixedBackOff;

/**
 * Orders are settled and what is settled is booked, each step in a transaction with the offset of what it read. Spring
 * Boot makes the KafkaTransactionManager, since there is a {@code transaction-id-prefix}, and gives it to the listeners.
 */
@SpringBootApplication
public class SettlementApplication {
  static final int TRIES = 4;

  public static void main(String[] args) {
    SpringApplication.run(SettlementApplication.class, args);
  }

  @Bean
  NewTopics topics() {
    return new NewTopics(topic("orders"), topic("orders-dlt"), topic("settled"), topic("booked"));
  }

  private static NewTopic topic(String name) {
    return TopicBuilder.name(name).partitions(3).replicas(1).build();
  }

  /** A transaction that was rolled back comes again; after the last try the order is a dead letter, in a transaction, too. */
  @Bean
  AfterRollbackProcessor<Object, Object> afterRollback(KafkaTemplate<Object, Object> kafka) {
    FixedBackOff backOff = new FixedBackOff(10, TRIES - 1);
    return new DefaultAfterRollbackProcessor<>(new DeadLetterPublishingRecoverer(kafka), backOff, kafka, true);
  }
}
