"""Transactions of librdkafka, through confluent-kafka."""

import time
import unittest

from broker import Broker
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

LIMIT_S = 60
# librdkafka tells on standard error what it is told in exceptions, too.
QUIET = 2

shared: Broker


def setUpModule() -> None:
    global shared
    shared = Broker("python-transactions", "transaction.abort.timed.out.transaction.cleanup.interval.ms=200")


def tearDownModule() -> None:
    shared.stop()


def create_topic(topic: str, partitions: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": shared.bootstrap})
    for done in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
        done.result()


def transactional(transactional_id: str, **config) -> Producer:
    """A producer that has its id."""
    producer = Producer(
        {
            "bootstrap.servers": shared.bootstrap,
            "transactional.id": transactional_id,
            "reconnect.backoff.max.ms": 200,
            "log_level": QUIET,
            **{key.replace("_", "."): value for key, value in config.items()},
        }
    )
    producer.init_transactions(LIMIT_S)
    return producer


def consumer(group: str, isolation: str = "read_committed") -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": shared.bootstrap,
            "group.id": group,
            "isolation.level": isolation,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
            "log_level": QUIET,
        }
    )


def read(topic: str, isolation: str = "read_committed") -> list[str]:
    """The values up to the end of each partition as this level sees it."""
    reader = consumer("reads-" + topic, isolation)
    partitions = reader.list_topics(topic, 10).topics[topic].partitions
    reader.assign([TopicPartition(topic, p, 0) for p in partitions])
    values, ended = [], set()
    deadline = time.monotonic() + LIMIT_S
    while len(ended) < len(partitions):
        if time.monotonic() > deadline:
            raise AssertionError(f"no end of {topic} after {len(values)} records")
        for message in reader.consume(1000, 0.2):
            if not message.error():
                values.append(message.value().decode())
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
            else:
                raise KafkaException(message.error())
    reader.close()
    return sorted(values)


class TransactionTest(unittest.TestCase):
    def assert_fatal(self, act) -> KafkaError:
        with self.assertRaises(KafkaException) as raised:
            act()
        error = raised.exception.args[0]
        self.assertTrue(error.fatal(), f"{error} is fatal")
        return error

    def test_what_is_committed_is_read_and_what_is_aborted_is_not(self) -> None:
        create_topic("py-txn-ends", 3)
        create_topic("py-txn-ends-2", 1)
        producer = transactional("py-ends")
        for prefix, commits in [("a", True), ("b", False), ("c", True), ("d", False), ("e", True)]:
            producer.begin_transaction()
            for n in range(3):
                producer.produce("py-txn-ends", f"{prefix}{n}", partition=n)
            producer.produce("py-txn-ends-2", prefix)
            if commits:
                producer.commit_transaction(LIMIT_S)
            else:
                # Else librdkafka would not send them at all.
                self.assertEqual(0, producer.flush(LIMIT_S))
                producer.abort_transaction(LIMIT_S)
        everything = [f"{prefix}{n}" for prefix in "abcde" for n in range(3)]
        self.assertEqual([value for value in everything if value[0] in "ace"], read("py-txn-ends"))
        self.assertEqual(everything, read("py-txn-ends", "read_uncommitted"))
        self.assertEqual(["a", "c", "e"], read("py-txn-ends-2"))

    def test_an_open_transaction_holds_back_what_is_behind_it(self) -> None:
        create_topic("py-txn-open")
        producer = transactional("py-open")
        producer.begin_transaction()
        producer.produce("py-txn-open", "open")
        producer.flush(LIMIT_S)
        plain = Producer({"bootstrap.servers": shared.bootstrap})
        plain.produce("py-txn-open", "plain")
        plain.flush(LIMIT_S)
        self.assertEqual([], read("py-txn-open"))
        self.assertEqual(["open", "plain"], read("py-txn-open", "read_uncommitted"))
        producer.commit_transaction(LIMIT_S)
        self.assertEqual(["open", "plain"], read("py-txn-open"))

    def test_a_second_producer_of_the_same_id_fences_the_first(self) -> None:
        create_topic("py-txn-fenced")
        first = transactional("py-fenced")
        first.begin_transaction()
        first.produce("py-txn-fenced", "lost")
        first.flush(LIMIT_S)
        second = transactional("py-fenced")
        error = self.assert_fatal(lambda: first.commit_transaction(LIMIT_S))
        self.assertEqual(KafkaError._FENCED, error.code())
        second.begin_transaction()
        second.produce("py-txn-fenced", "kept")
        second.commit_transaction(LIMIT_S)
        self.assertEqual(["kept"], read("py-txn-fenced"))

    def test_a_transaction_longer_than_its_timeout_is_aborted(self) -> None:
        create_topic("py-txn-late")
        producer = transactional("py-late", transaction_timeout_ms=1000)
        producer.begin_transaction()
        producer.produce("py-txn-late", "late")
        producer.flush(LIMIT_S)
        # The end at read_committed is the last stable offset: behind the marker once it is aborted.
        watched = consumer("py-late")
        deadline = time.monotonic() + LIMIT_S
        while watched.get_watermark_offsets(TopicPartition("py-txn-late", 0), 10)[1] < 2:
            self.assertLess(time.monotonic(), deadline, "it is not aborted")
            time.sleep(0.05)
        watched.close()
        with self.assertRaises(KafkaException):
            producer.commit_transaction(LIMIT_S)
        self.assertEqual([], read("py-txn-late"))
        following = transactional("py-late")
        following.begin_transaction()
        following.produce("py-txn-late", "in time")
        following.commit_transaction(LIMIT_S)
        self.assertEqual(["in time"], read("py-txn-late"))

    def test_a_timeout_above_the_maximum_is_refused(self) -> None:
        with self.assertRaises(KafkaException) as raised:
            transactional("py-forever", transaction_timeout_ms=900_001)
        self.assertEqual(KafkaError.INVALID_TRANSACTION_TIMEOUT, raised.exception.args[0].code())

    def test_every_record_is_transformed_once(self) -> None:
        create_topic("py-txn-source", 3)
        create_topic("py-txn-target", 3)
        values = [f"{n:03}" for n in range(300)]
        plain = Producer({"bootstrap.servers": shared.bootstrap})
        for n, value in enumerate(values):
            plain.produce("py-txn-source", value, partition=n % 3)
        plain.flush(LIMIT_S)
        done = transactions = 0
        deadline = time.monotonic() + LIMIT_S
        while done < len(values):
            # Another member and another producer of the same id every few transactions.
            producer = transactional("py-transform")
            member = consumer("py-transformers")
            member.subscribe(["py-txn-source"])
            for _ in range(5):
                self.assertLess(time.monotonic(), deadline, f"{done} of {len(values)}")
                messages = [m for m in member.consume(20, 1.0) if not m.error()]
                if not messages:
                    continue
                producer.begin_transaction()
                for message in messages:
                    producer.produce("py-txn-target", message.value(), partition=message.partition())
                positions = [p for p in member.position(member.assignment()) if p.offset >= 0]
                producer.send_offsets_to_transaction(positions, member.consumer_group_metadata(), LIMIT_S)
                transactions += 1
                if transactions % 3 == 0:
                    producer.flush(LIMIT_S)
                    producer.abort_transaction(LIMIT_S)
                    for partition in member.committed(member.assignment(), LIMIT_S):
                        partition.offset = max(partition.offset, 0)
                        member.seek(partition)
                else:
                    producer.commit_transaction(LIMIT_S)
                    done += len(messages)
            member.close()
        self.assertEqual(values, read("py-txn-target"))
        reader = consumer("py-transformers")
        committed = reader.committed([TopicPartition("py-txn-source", p) for p in range(3)], LIMIT_S)
        self.assertEqual([100, 100, 100], [partition.offset for partition in committed])
        reader.close()

    def test_an_open_transaction_outlives_the_broker(self) -> None:
        create_topic("py-txn-killed", 2)
        producer = transactional("py-killed")
        producer.begin_transaction()
        producer.produce("py-txn-killed", "before", partition=0)
        producer.flush(LIMIT_S)
        shared.kill()
        shared.start()
        producer.produce("py-txn-killed", "after", partition=1)
        producer.commit_transaction(LIMIT_S)
        self.assertEqual(["after", "before"], read("py-txn-killed"))


if __name__ == "__main__":
    unittest.main()
