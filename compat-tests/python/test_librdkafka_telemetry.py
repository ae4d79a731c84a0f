"""What librdkafka pushes of itself (KIP-714) is on the broker's metrics page."""

import socket
import time
import unittest
import urllib.request

from broker import Broker, is_kafka
from confluent_kafka import Producer
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

WAIT_S = 30


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@unittest.skipIf(is_kafka(), "Apache Kafka shows no metrics of clients")
class TelemetryTest(unittest.TestCase):
    def setUp(self) -> None:
        self.http_port = free_port()
        self.broker = Broker("python-telemetry", f"sluice.http.listener=127.0.0.1:{self.http_port}")
        self.addCleanup(self.broker.stop)

    def lines(self) -> list[str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=10) as answer:
            return [line for line in answer.read().decode().splitlines() if line.startswith("client_")]

    def test_a_producer_pushes_what_the_subscription_asks_for(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.broker.bootstrap)
        configs = {"metrics": "*", "interval.ms": "500", "match": "client_id=rd-.*,client_software_name=confluent-kafka-python|librdkafka"}
        admin.alter_configs([ConfigResource(ConfigResourceType.CLIENT_METRICS, "rd", configs)])
        admin.close()
        other = Producer({"bootstrap.servers": self.broker.bootstrap, "client.id": "other"})
        producer = Producer({"bootstrap.servers": self.broker.bootstrap, "client.id": "rd-producer"})
        name = "client_org_apache_kafka_producer_request_latency_avg{"
        deadline = time.monotonic() + WAIT_S
        while True:
            for client in (other, producer):
                client.produce("telemetry", b"value")
                client.poll(0.1)
            lines = self.lines()
            found = [line for line in lines if line.startswith(name) and 'client_id="rd-producer"' in line]
            if found and float(found[0].rsplit(" ", 1)[1]) > 0:
                break
            self.assertLess(time.monotonic(), deadline, "\n".join(lines))
        self.assertIn('client_software_name="confluent-kafka-python"', found[0])
        self.assertFalse([line for line in lines if 'client_id="other"' in line])
        for client in (other, producer):
            self.assertEqual(0, client.flush(WAIT_S))


if __name__ == "__main__":
    unittest.main()
