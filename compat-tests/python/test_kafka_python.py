"""kafka-python, in pure Python, at its default and as it speaks to a broker of 0.10.2."""

import itertools
import threading
import unittest

from broker import Broker
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetSpec, TopicPartition
from kafka.admin import NewTopic
from round import Record, Round

shared: Broker


def setUpModule() -> None:
    global shared
    shared = Broker("python-kafka-python")


def tearDownModule() -> None:
    shared.stop()


def seen(record) -> Record:
    header = dict(record.headers or []).get("n")
    return Record(record.partition, record.offset, record.key, record.value, record.timestamp, header)


class Member(ConsumerRebalanceListener):
    """Reads and commits in a thread of its own."""

    def __init__(self, consumer: KafkaConsumer, topic: str, on_record) -> None:
        self._consumer = consumer
        self._on_record = on_record
        self._assigned: set[int] = set()
        self._failure: Exception | None = None
        self._leaving = threading.Event()
        consumer.subscribe([topic], listener=self)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._leaving.is_set():
                for batch in self._consumer.poll(timeout_ms=50).values():
                    for record in batch:
                        self._on_record(seen(record))
            # Commits and leaves.
            self._consumer.close()
        except Exception as e:
            self._failure = e

    def on_partitions_revoked(self, revoked) -> None:
        self._assigned = set()

    def on_partitions_assigned(self, assigned) -> None:
        self._assigned = {partition.partition for partition in assigned}

    def assigned(self) -> set[int]:
        if self._failure:
            raise self._failure
        return self._assigned

    def leave(self) -> None:
        self._leaving.set()
        self._thread.join(30)
        if self._failure:
            raise self._failure


class KafkaPythonTest(Round, unittest.TestCase):
    prefix = "default"
    config: dict = {}

    def setUp(self) -> None:
        self.options = {"bootstrap_servers": shared.bootstrap, **self.config}
        self.admin = KafkaAdminClient(**self.options)
        self.addCleanup(self.admin.close)

    def create_topic(self, topic: str, partitions: int) -> None:
        self.admin.create_topics([NewTopic(topic, partitions, 1)])

    def produce(self, topic: str, codec: str, acks, records: list[Record]) -> None:
        producer = KafkaProducer(
            compression_type=None if codec == "none" else codec, acks=acks, linger_ms=5, **self.idempotence(acks), **self.options
        )
        sent = [
            producer.send(
                topic,
                value=r.value,
                key=r.key,
                partition=r.partition,
                timestamp_ms=r.timestamp_ms,
                headers=[("n", r.header)] if r.header else None,
            )
            for r in records
        ]
        producer.flush(30)
        for future in sent:
            future.get(30)
        producer.close()

    def idempotence(self, acks) -> dict:
        return {"enable_idempotence": acks == "all"}

    def consumer(self, group: str | None, **config) -> KafkaConsumer:
        return KafkaConsumer(group_id=group, auto_offset_reset="earliest", **config, **self.options)

    def read(self, topic: str, partition: int, offset: int, count: int) -> list[Record]:
        reader = self.consumer(None, consumer_timeout_ms=30_000)
        assigned = TopicPartition(topic, partition)
        reader.assign([assigned])
        reader.seek(assigned, offset)
        records = [seen(record) for record in itertools.islice(reader, count)]
        reader.close()
        return records

    def offset_for_time(self, topic: str, partition: int, timestamp_ms: int) -> int:
        reader = self.consumer(None)
        assigned = TopicPartition(topic, partition)
        found = reader.offsets_for_times({assigned: timestamp_ms})[assigned].offset
        reader.close()
        return found

    def join(self, group: str, topic: str, on_record) -> Member:
        return Member(self.consumer(group, heartbeat_interval_ms=100), topic, on_record)

    def committed(self, group: str, topic: str, partitions: int) -> dict[int, int]:
        reader = self.consumer(group)
        found = {p: reader.committed(TopicPartition(topic, p)) for p in range(partitions)}
        reader.close()
        return found

    def partitions(self, topic: str) -> int:
        # Who asks an old broker for a missing topic by its name has it created.
        if topic not in self.admin.list_topics():
            return 0
        (found,) = self.admin.describe_topics([topic])
        return len(found["partitions"])

    def delete_topic(self, topic: str) -> None:
        self.admin.delete_topics([topic])


class KafkaPythonOldTest(KafkaPythonTest):
    prefix = "old"
    config = {"api_version": (0, 10, 2)}
    codecs = ["none", "gzip", "snappy", "lz4"]
    has_headers = False

    def idempotence(self, acks) -> dict:
        return {"enable_idempotence": False}
