"""aiokafka, on an event loop in a thread of its own."""

import asyncio
import threading
import unittest

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from broker import Broker
from round import Record, Round

shared: Broker


def setUpModule() -> None:
    global shared
    shared = Broker("python-aiokafka")


def tearDownModule() -> None:
    shared.stop()


def seen(record) -> Record:
    return Record(
        record.partition, record.offset, record.key, record.value, record.timestamp, dict(record.headers).get("n")
    )


class Member(ConsumerRebalanceListener):
    def __init__(self, run, consumer: AIOKafkaConsumer, topic: str, on_record) -> None:
        self._run = run
        self._consumer = consumer
        self._on_record = on_record
        self._assigned: set[int] = set()
        run(self._start(topic))

    async def _start(self, topic: str) -> None:
        self._consumer.subscribe([topic], listener=self)
        await self._consumer.start()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            for batch in (await self._consumer.getmany(timeout_ms=50)).values():
                for record in batch:
                    self._on_record(seen(record))

    async def on_partitions_revoked(self, revoked) -> None:
        self._assigned = set()

    async def on_partitions_assigned(self, assigned) -> None:
        self._assigned = {partition.partition for partition in assigned}

    def assigned(self) -> set[int]:
        if self._reading.done():
            self._reading.result()
        return self._assigned

    def leave(self) -> None:
        self._run(self._stop())

    async def _stop(self) -> None:
        self._reading.cancel()
        # Commits and leaves.
        await self._consumer.stop()


class AiokafkaTest(Round, unittest.TestCase):
    prefix = "aio"

    @classmethod
    def setUpClass(cls) -> None:
        cls.loop = asyncio.new_event_loop()
        cls.thread = threading.Thread(target=cls.loop.run_forever, daemon=True)
        cls.thread.start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.loop.call_soon_threadsafe(cls.loop.stop)
        cls.thread.join(30)

    def run_on_loop(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    async def with_admin(self, use):
        admin = AIOKafkaAdminClient(bootstrap_servers=shared.bootstrap)
        await admin.start()
        try:
            return await use(admin)
        finally:
            await admin.close()

    def create_topic(self, topic: str, partitions: int) -> None:
        answer = self.run_on_loop(self.with_admin(lambda admin: admin.create_topics([NewTopic(topic, partitions, 1)])))
        self.assertEqual([(topic, 0)], [entry[:2] for entry in answer.topic_errors])

    def produce(self, topic: str, codec: str, acks, records: list[Record]) -> None:
        async def send() -> None:
            producer = AIOKafkaProducer(
                bootstrap_servers=shared.bootstrap,
                compression_type=None if codec == "none" else codec,
                acks=acks,
                enable_idempotence=acks == "all",
                linger_ms=5,
            )
            await producer.start()
            sent = [
                await producer.send(
                    topic,
                    value=r.value,
                    key=r.key,
                    partition=r.partition,
                    timestamp_ms=r.timestamp_ms,
                    headers=[("n", r.header)],
                )
                for r in records
            ]
            await asyncio.gather(*sent)
            await producer.stop()

        self.run_on_loop(send())

    def read(self, topic: str, partition: int, offset: int, count: int) -> list[Record]:
        async def read() -> list[Record]:
            reader = AIOKafkaConsumer(bootstrap_servers=shared.bootstrap)
            await reader.start()
            assigned = TopicPartition(topic, partition)
            reader.assign([assigned])
            reader.seek(assigned, offset)
            records = [seen(await reader.getone()) for _ in range(count)]
            await reader.stop()
            return records

        return self.run_on_loop(read())

    def offset_for_time(self, topic: str, partition: int, timestamp_ms: int) -> int:
        async def look() -> int:
            reader = AIOKafkaConsumer(bootstrap_servers=shared.bootstrap)
            await reader.start()
            assigned = TopicPartition(topic, partition)
            found = (await reader.offsets_for_times({assigned: timestamp_ms}))[assigned].offset
            await reader.stop()
            return found

        return self.run_on_loop(look())

    def join(self, group: str, topic: str, on_record) -> Member:
        async def make() -> AIOKafkaConsumer:
            return AIOKafkaConsumer(
                bootstrap_servers=shared.bootstrap,
                group_id=group,
                auto_offset_reset="earliest",
                heartbeat_interval_ms=100,
            )

        return Member(self.run_on_loop, self.run_on_loop(make()), topic, on_record)

    def committed(self, group: str, topic: str, partitions: int) -> dict[int, int]:
        found = self.run_on_loop(self.with_admin(lambda admin: admin.list_consumer_group_offsets(group)))
        return {partition.partition: offset.offset for partition, offset in found.items() if partition.topic == topic}

    def partitions(self, topic: str) -> int:
        async def count(admin: AIOKafkaAdminClient) -> int:
            # Its describe_topics would have a missing topic created.
            if topic not in await admin.list_topics():
                return 0
            (found,) = await admin.describe_topics([topic])
            return len(found["partitions"])

        return self.run_on_loop(self.with_admin(count))

    def delete_topic(self, topic: str) -> None:
        answer = self.run_on_loop(self.with_admin(lambda admin: admin.delete_topics([topic])))
        self.assertEqual([(topic, 0)], [tuple(entry) for entry in answer.topic_error_codes])
