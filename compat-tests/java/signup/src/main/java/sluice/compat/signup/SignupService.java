package sluice.compat.signup;

import java.util.concurrent.CompletableFuture;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.support.SendResult;
import org.springframework.stereotype.Service;

@Service
public class SignupService {
  private final KafkaTemplate<String, Object> kafka;

  SignupService(KafkaTemplate<String, Object> kafka) {
    this.kafka = kafka;
  }

  /** Asks for a welcome mail; the address is the key, so that mails to one address stay in order. */
  public CompletableFuture<SendResult<String, Object>> signUp(String address) {
    return kafka.send("email.send", address, new Email(address, "Welcome"));
  }
}
