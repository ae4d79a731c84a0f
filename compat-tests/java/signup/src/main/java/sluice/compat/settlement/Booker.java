package sluice.compat.settlement;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.stereotype.Component;

/** Books what is settled, and sees nothing of what was rolled back. */
@Component
public class Booker {
  private final KafkaTemplate<Object, Object> kafka;

  Booker(KafkaTemplate<Object, Object> kafka) {
    this.kafka = kafka;
  }

  @KafkaListener(topics = "settled", groupId = "booker")
  void book(ConsumerRecord<String, String> settled) {
    kafka.send("booked", settled.key(), settled.value());
  }
}
