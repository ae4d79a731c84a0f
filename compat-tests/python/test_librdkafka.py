"""librdkafka, through the Python package confluent-kafka, against the broker under test."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import unittest
import zlib
from collections import defaultdict
from pathlib import Path

from broker import COMPAT_TESTS, Broker, is_kafka
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
PARTITIONS = 6
# librdkafka tells on standard error of each connection that a restart costs; what matters reaches the assertions.
QUIET = 2

shared: Broker


def setUpModule() -> None:
    global shared
    # In the new protocol the broker says how often to heartbeat, and when who is silent is dead.
    shared = Broker(
        "python-shared",
        "group.consumer.min.heartbeat.interval.ms=100",
        "group.consumer.heartbeat.interval.ms=200",
        "group.consumer.min.session.timeout.ms=6000",
        "group.consumer.session.timeout.ms=6000",
    )


def tearDownModule() -> None:
    shared.stop()


def create_topic(broker: Broker, topic: str, partitions: int = 1, config: dict | None = None) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for done in admin.create_topics([NewTopic(topic, partitions, 1, config=config or {})]).values():
        done.result()
    if is_kafka():
        # Apache Kafka names a leader before it serves it: what an acks=0 producer sends in that moment is gone.
        time.sleep(1)


class Reports:
    """Delivery reports by the number that was sent with each record."""

    def __init__(self) -> None:
        self.offsets: dict[int, tuple[int, int]] = {}
        self.errors: list[KafkaError] = []

    def of(self, number: int):
        def report(error, message) -> None:
            if error:
                self.errors.append(error)
            else:
                self.offsets[number] = (message.partition(), message.offset())

        return report


def consumer(broker: Broker, group: str, **config) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.message.max.bytes": 10_000_000,
            "log_level": QUIET,
            **{key.replace("_", "."): value for key, value in config.items()},
        }
    )


def read_all(broker: Broker, topic: str, count: int, limit_s: float = 60) -> list:
    """The first `count` records of a topic, partition by partition as they come."""
    reader = consumer(broker, "reads-" + topic)
    partitions = reader.list_topics(topic, 10).topics[topic].partitions
    reader.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
    messages = []
    deadline = time.monotonic() + limit_s
    while len(messages) < count:
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(messages)} of {count} records came")
        for message in reader.consume(1000, 0.2):
            if message.error():
                raise KafkaException(message.error())
            messages.append(message)
    reader.close()
    return messages


class ProduceTest(unittest.TestCase):
    def test_every_codec_and_acks_reads_back_as_sent(self) -> None:
        for codec in CODECS:
            for acks in ["0", "1", "all"]:
                with self.subTest(codec=codec, acks=acks):
                    self.round_trip(codec, acks, idempotent=False)

    def test_every_codec_idempotent(self) -> None:
        for codec in CODECS:
            with self.subTest(codec=codec):
                self.round_trip(codec, "all", idempotent=True)

    def round_trip(self, codec: str, acks: str, idempotent: bool) -> None:
        topic = f"py-{codec}-{acks}-{idempotent}"
        create_topic(shared, topic)
        producer = Producer(
            {
                "bootstrap.servers": shared.bootstrap,
                "compression.codec": codec,
                "acks": acks,
                "enable.idempotence": idempotent,
                "linger.ms": 5,
            }
        )
        reports = Reports()
        count = 500
        for n in range(count):
            producer.produce(
                topic,
                key=f"k{n}",
                value=None if n % 50 == 3 else f"value {n} " * (n % 13),
                headers=[("n", str(n).encode()), ("none", None)],
                timestamp=1_700_000_000_000 + n,
                on_delivery=reports.of(n),
            )
        self.assertEqual(0, producer.flush(30))
        self.assertEqual([], reports.errors)
        if acks != "0":
            self.assertEqual({n: (0, n) for n in range(count)}, reports.offsets)
        for n, message in enumerate(read_all(shared, topic, count)):
            self.assertEqual(n, message.offset())
            self.assertEqual(f"k{n}".encode(), message.key())
            expected = None if n % 50 == 3 else (f"value {n} " * (n % 13)).encode()
            self.assertEqual(expected, message.value())
            self.assertEqual(1_700_000_000_000 + n, message.timestamp()[1])
            self.assertEqual([("n", str(n).encode()), ("none", None)], message.headers())

    def test_records_of_one_byte_to_five_megabytes(self) -> None:
        sizes = [1, 2, 100, 1023, 65_536, 1_000_000, 3_000_000, 5 * 1024 * 1024]
        for codec in CODECS:
            with self.subTest(codec=codec):
                topic = f"py-sizes-{codec}"
                create_topic(shared, topic, config={"max.message.bytes": "6000000"})
                config = {"bootstrap.servers": shared.bootstrap, "compression.codec": codec, "message.max.bytes": 6_000_000}
                producer = Producer(config)
                reports = Reports()
                for n, size in enumerate(sizes):
                    producer.produce(topic, random.Random(size).randbytes(size), on_delivery=reports.of(n))
                self.assertEqual(0, producer.flush(60))
                self.assertEqual([], reports.errors)
                values = [message.value() for message in read_all(shared, topic, len(sizes))]
                for size, value in zip(sizes, values, strict=True):
                    self.assertTrue(random.Random(size).randbytes(size) == value, f"the record of {size} bytes")

    def test_a_hundred_thousand_records_keep_order_and_content(self) -> None:
        topic = "py-many"
        create_topic(shared, topic, 3)
        config = {
            "bootstrap.servers": shared.bootstrap,
            "compression.codec": "lz4",
            "enable.idempotence": True,
            "linger.ms": 5,
            "queue.buffering.max.messages": 200_000,
        }
        producer = Producer(config)
        reports = Reports()
        count = 100_000
        for n in range(count):
            producer.produce(topic, f"content of record {n}", f"k{n}", n % 3, on_delivery=reports.of(n))
            if n % 1000 == 0:
                producer.poll(0)
        self.assertEqual(0, producer.flush(60))
        self.assertEqual([], reports.errors)
        self.assertTrue(all(reports.offsets[n] == (n % 3, n // 3) for n in range(count)))
        following = [0, 0, 0]
        for message in read_all(shared, topic, count):
            partition = message.partition()
            self.assertEqual(following[partition], message.offset())
            n = message.offset() * 3 + partition
            self.assertEqual(f"content of record {n}".encode(), message.value())
            following[partition] += 1
        self.assertEqual(count, sum(following))

    def test_a_topic_that_a_producer_names_first_is_there(self) -> None:
        producer = Producer({"bootstrap.servers": shared.bootstrap})
        reports = Reports()
        producer.produce("py-made-by-the-producer", b"first", on_delivery=reports.of(0))
        self.assertEqual(0, producer.flush(30))
        self.assertEqual({0: (0, 0)}, reports.offsets)


class OffsetsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        create_topic(shared, "py-offsets")
        producer = Producer({"bootstrap.servers": shared.bootstrap, "batch.num.messages": 7})
        for n in range(100):
            producer.produce("py-offsets", f"v{n}", timestamp=1_700_000_000_000 + n * 1000)
        producer.flush(30)

    def setUp(self) -> None:
        self.reader = consumer(shared, "py-" + self.id())
        self.addCleanup(self.reader.close)

    def value_at(self, offset: int) -> bytes:
        self.reader.seek(TopicPartition("py-offsets", 0, offset))
        return self.reader.poll(10).value()

    def test_seek_goes_to_any_offset(self) -> None:
        self.reader.assign([TopicPartition("py-offsets", 0, 0)])
        self.assertEqual(b"v0", self.reader.poll(10).value())
        for offset in [50, 3, 99, 13, 14]:
            self.assertEqual(f"v{offset}".encode(), self.value_at(offset))

    def test_watermarks_and_offsets_for_times(self) -> None:
        self.assertEqual((0, 100), self.reader.get_watermark_offsets(TopicPartition("py-offsets", 0), 10))
        for timestamp, offset in [(0, 0), (1_700_000_040_000, 40), (1_700_000_040_001, 41), (1_800_000_000_000, -1)]:
            found = self.reader.offsets_for_times([TopicPartition("py-offsets", 0, timestamp)], 10)
            self.assertEqual(offset, found[0].offset)

    def test_a_commit_comes_back_with_its_metadata(self) -> None:
        partition = TopicPartition("py-offsets", 0, 17, "half-way there")
        self.reader.commit(offsets=[partition], asynchronous=False)
        committed = self.reader.committed([TopicPartition("py-offsets", 0)], 10)[0]
        self.assertEqual((17, "half-way there"), (committed.offset, committed.metadata))


class Member:
    """A consumer in a process of its own (see member.py), and what it tells of itself."""

    def __init__(self, group: str, topic: str, strategy: str, seen: dict) -> None:
        self.assigned: list[int] = []
        self.seen = seen
        script = Path(__file__).with_name("member.py")
        command = [sys.executable, script, shared.bootstrap, group, topic, strategy]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        for line in self.process.stdout:
            match json.loads(line):
                case ["assigned", partitions]:
                    self.assigned = partitions
                case ["read", partition, offset, value]:
                    self.seen[partition].append((offset, value))

    def leave(self) -> None:
        self.process.terminate()
        self._ended(0)

    def die(self) -> None:
        self.process.kill()
        self._ended(-signal.SIGKILL)

    def _ended(self, expected: int) -> None:
        code = self.process.wait(30)
        self.listener.join(30)
        self.process.stdout.close()
        if code != expected:
            raise AssertionError(f"the member ended with {code}")


class GroupTest(unittest.TestCase):
    def wait(self, what: str, condition, limit_s: float = 40) -> None:
        deadline = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"waited in vain until {what}")
            time.sleep(0.02)

    def wait_shared(self, *members: Member) -> None:
        def shared_out() -> bool:
            owned = [partition for member in members for partition in member.assigned]
            share = PARTITIONS // len(members)
            return sorted(owned) == list(range(PARTITIONS)) and all(len(m.assigned) == share for m in members)

        self.wait(f"{len(members)} members share the partitions", shared_out)

    def test_three_members_share_the_work_through_join_leave_and_death(self) -> None:
        for strategy in ["range", "roundrobin", "cooperative-sticky", "consumer"]:
            with self.subTest(strategy=strategy):
                self.share_the_work(strategy)

    def share_the_work(self, strategy: str) -> None:
        topic = f"py-group-{strategy}"
        create_topic(shared, topic, PARTITIONS)
        producer = Producer({"bootstrap.servers": shared.bootstrap})
        seen: dict[int, list[tuple[int, int]]] = defaultdict(list)
        total = 0

        def join() -> Member:
            member = Member("of-" + topic, topic, strategy, seen)
            self.addCleanup(lambda: member.process.poll() is None and member.process.kill())
            return member

        def produce_and_read() -> None:
            nonlocal total
            for n in range(total, total + 300):
                producer.produce(topic, str(n), partition=n % PARTITIONS)
            self.assertEqual(0, producer.flush(30))
            total += 300
            self.wait("all is read", lambda: len({v for p in list(seen) for _, v in list(seen[p])}) == total)

        first = join()
        self.wait_shared(first)
        produce_and_read()
        second = join()
        self.wait_shared(first, second)
        produce_and_read()
        third = join()
        self.wait_shared(first, second, third)
        produce_and_read()
        third.leave()
        self.wait_shared(first, second)
        produce_and_read()
        # The session timeout is what tells the coordinator.
        second.die()
        self.wait_shared(first)
        produce_and_read()
        first.leave()
        for partition, records in seen.items():
            highest = -1
            for offset, value in records:
                self.assertEqual(offset * PARTITIONS + partition, value)
                self.assertLessEqual(offset, highest + 1, "no record is skipped")
                highest = max(highest, offset)


class RestartTest(unittest.TestCase):
    def test_clients_go_on_after_a_stop_and_after_a_kill(self) -> None:
        broker = Broker("python-restart")
        create_topic(broker, "kept")
        reports = Reports()
        config = {
            "bootstrap.servers": broker.bootstrap,
            "enable.idempotence": True,
            "reconnect.backoff.max.ms": 200,
            "log_level": QUIET,
        }
        producer = Producer(config)
        reader = consumer(broker, "resumes", reconnect_backoff_max_ms=200)
        reader.subscribe(["kept"])
        sent = 0
        read = 0

        def produce(count: int) -> None:
            nonlocal sent
            for n in range(sent, sent + count):
                producer.produce("kept", str(n), on_delivery=reports.of(n))
            sent += count

        def read_on(reader: Consumer, until: int) -> None:
            nonlocal read
            deadline = time.monotonic() + 60
            while read < until:
                self.assertLess(time.monotonic(), deadline, f"{read} of {until} records came")
                for message in reader.consume(100, 0.2):
                    if message.error():
                        raise KafkaException(message.error())
                    self.assertEqual((read, str(read).encode()), (message.offset(), message.value()))
                    read += 1

        for end in [broker.stop, broker.kill, broker.stop, broker.kill]:
            produce(500)
            self.assertEqual(0, producer.flush(60))
            read_on(reader, sent)
            reader.commit(asynchronous=False)
            end()
            produce(500)
            broker.start()
            self.assertEqual(0, producer.flush(60))
            read_on(reader, sent)
        self.assertEqual([], reports.errors)
        self.assertEqual({n: (0, n) for n in range(sent)}, reports.offsets)
        reader.commit(asynchronous=False)
        reader.close()

        # Another client of the group starts where the first one committed.
        produce(10)
        self.assertEqual(0, producer.flush(60))
        broker.kill()
        broker.start()
        again = consumer(broker, "resumes")
        again.subscribe(["kept"])
        read_on(again, sent)
        again.close()
        broker.stop()


def content(n: int) -> str:
    """The value of record n: the same in ../cross/kafkajs-codecs.js."""
    if n % 50 == 49:
        return "x" * 300_000
    return f"{zlib.crc32(f'record {n}'.encode()):08x}" * (1 + n % 40)


def kafkajs(*args: str) -> str:
    node = os.environ.get("COMPAT_NODE") or COMPAT_TESTS.parent / "node_modules" / "node" / "bin" / "node"
    command = [node, COMPAT_TESTS / "cross" / "kafkajs-codecs.js", *args]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise AssertionError(f"kafkajs ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


class CrossTest(unittest.TestCase):
    """Each codec between two implementations that share no code."""

    COUNT = 200

    def test_librdkafka_writes_and_kafkajs_reads(self) -> None:
        for codec in CODECS:
            with self.subTest(codec=codec):
                topic = f"py-to-js-{codec}"
                create_topic(shared, topic)
                config = {"bootstrap.servers": shared.bootstrap, "compression.codec": codec, "linger.ms": 20}
                producer = Producer(config)
                for n in range(self.COUNT):
                    producer.produce(topic, content(n), f"k{n}", headers=[("n", str(n).encode())])
                self.assertEqual(0, producer.flush(30))
                self.assertEqual(str(self.COUNT), kafkajs("consume", shared.bootstrap, topic, str(self.COUNT)))

    def test_kafkajs_writes_and_librdkafka_reads(self) -> None:
        for codec in CODECS:
            with self.subTest(codec=codec):
                topic = f"js-to-py-{codec}"
                create_topic(shared, topic)
                kafkajs("produce", shared.bootstrap, topic, codec, str(self.COUNT))
                for n, message in enumerate(read_all(shared, topic, self.COUNT)):
                    self.assertEqual((n, f"k{n}".encode()), (message.offset(), message.key()))
                    self.assertEqual(content(n).encode(), message.value())
                    self.assertEqual([("n", str(n).encode())], message.headers())


class AdminTest(unittest.TestCase):
    def test_partitions_are_added_and_topics_deleted(self) -> None:
        admin = AdminClient({"bootstrap.servers": shared.bootstrap})
        create_topic(shared, "py-admin", 2)
        admin.create_partitions([NewPartitions("py-admin", 4)])["py-admin"].result()
        self.assertEqual(4, len(admin.list_topics("py-admin", 10).topics["py-admin"].partitions))
        admin.delete_topics(["py-admin"])["py-admin"].result()
        self.assertNotIn("py-admin", admin.list_topics(timeout=10).topics)


if __name__ == "__main__":
    unittest.main()
