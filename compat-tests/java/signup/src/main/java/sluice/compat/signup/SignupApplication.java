package sluice.compat.signup;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.kafka.config.TopicBuilder;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaOperations;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.core.ProducerFactory;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.util.backoff.FixedBackOff;

/** Sign-ups become mails on {@code email.send}; what the mailer did is on {@code email.log}. */
@SpringBootApplication
public class SignupApplication {
  public static void main(String[] args) {
    SpringApplication.run(SignupApplication.class, args);
  }

  @Bean
  NewTopic emailSend() {
    return TopicBuilder.name("email.send").partitions(3).replicas(1).build();
  }

  @Bean
  NewTopic emailLog() {
    return TopicBuilder.name("email.log").partitions(1).replicas(1).build();
  }

  @Bean
  NewTopic emailSendDeadLetters() {
    return TopicBuilder.name("email.send-dlt").partitions(3).replicas(1).build();
  }

  /** Two more tries, then the record goes to the dead-letter topic: as it came when it could not be read at all. */
  @Bean
  DefaultErrorHandler errorHandler(KafkaTemplate<String, Object> json, ProducerFactory<String, Object> factory) {
    KafkaTemplate<String, byte[]> bytes = new KafkaTemplate<>(new DefaultKafkaProducerFactory<>(
        factory.getConfigurationProperties(), new StringSerializer(), new ByteArraySerializer()));
    Map<Class<?>, KafkaOperations<?, ?>> templates = new LinkedHashMap<>();
    templates.put(byte[].class, bytes);
    templates.put(Object.class, json);
    return new DefaultErrorHandler(new DeadLetterPublishingRecoverer(templates), new FixedBackOff(50, 2));
  }
}
