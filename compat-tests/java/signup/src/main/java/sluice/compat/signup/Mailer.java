package sluice.compat.signup;

import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.stereotype.Component;

@Component
public class Mailer {
  private final KafkaTemplate<String, Object> kafka;

  Mailer(KafkaTemplate<String, Object> kafka) {
    this.kafka = kafka;
  }

  @KafkaListener(topics = "email.send", concurrency = "3")
  void send(Email email) {
    if (!email.to().contains("@")) throw new IllegalArgumentException("not an address: " + email.to());
    kafka.send("email.log", email.to(), new Email(email.to(), "sent: " + email.subject()));
  }
}
