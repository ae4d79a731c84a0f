"""The usual round of a Python client, written once: a client takes part by the few calls that Round leaves open."""

import threading
import time
from collections import Counter
from typing import Callable, NamedTuple

BASE_TIME_MS = 1_700_000_000_000
LIMIT_S = 60


class Record(NamedTuple):
    """What a round writes and expects to read; `header` is the value of the record's header `n`."""

    partition: int
    offset: int
    key: bytes
    value: bytes | None
    timestamp_ms: int
    header: bytes | None


def truth(count: int, has_headers: bool) -> list[Record]:
    """Records with keys, headers and a millisecond between them; every seventh has a null value."""
    return [
        Record(
            partition=0,
            offset=n,
            key=f"k{n}".encode(),
            value=None if n % 7 == 3 else f"value {n} ".encode() * (1 + n % 13),
            timestamp_ms=BASE_TIME_MS + n,
            header=str(n).encode() if has_headers else None,
        )
        for n in range(count)
    ]


def eventually(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {LIMIT_S} s: {what}")
        time.sleep(0.02)


class Round:
    """
    Mixed into a TestCase. `prefix` keeps the topics and groups of one class from those of another on the same broker.
    A client gives: create_topic(topic, partitions), produce(topic, codec, acks, records),
    read(topic, partition, offset, count), offset_for_time(topic, partition, timestamp_ms),
    join(group, topic, on_record) to a member with assigned() and leave(), committed(group, topic, partitions),
    partitions(topic), delete_topic(topic).
    """

    prefix: str
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    has_headers = True

    def test_every_record_reads_back_as_it_was_sent(self) -> None:
        for codec in self.codecs:
            for acks in [0, 1, "all"]:
                with self.subTest(codec=codec, acks=acks):
                    topic = f"{self.prefix}-{codec}-{acks}"
                    self.create_topic(topic, 1)
                    records = truth(300, self.has_headers)
                    self.produce(topic, codec, acks, records)
                    self.assertEqual(records, self.read(topic, 0, 0, len(records)))

    def test_a_time_leads_to_the_first_record_at_or_after_it(self) -> None:
        topic = f"{self.prefix}-times"
        self.create_topic(topic, 1)
        records = truth(100, self.has_headers)
        self.produce(topic, "none", "all", records)
        self.assertEqual(57, self.offset_for_time(topic, 0, BASE_TIME_MS + 57))
        self.assertEqual(records[57:], self.read(topic, 0, 57, 43))

    def test_three_members_share_the_partitions_and_lose_no_record_when_one_leaves(self) -> None:
        topic, group = f"{self.prefix}-work", f"{self.prefix}-workers"
        partitions, per_round, sent = 6, 120, 0
        self.create_topic(topic, partitions)
        lock = threading.Lock()
        seen = Counter()

        def on_record(record: Record) -> None:
            with lock:
                seen[record.key] += 1

        def produce() -> None:
            nonlocal sent
            records = truth(per_round, self.has_headers)
            jobs = range(sent, sent + per_round)
            self.produce(
                topic,
                "none",
                "all",
                [r._replace(key=f"job {n}".encode(), partition=n % partitions) for n, r in zip(jobs, records)],
            )
            sent += per_round

        def all_read() -> bool:
            with lock:
                return len(seen) == sent

        produce()
        first = self.join(group, topic, on_record)
        eventually("the only member has every partition", lambda: len(first.assigned()) == partitions)
        eventually("the only member reads everything", all_read)
        second, third = self.join(group, topic, on_record), self.join(group, topic, on_record)

        def evenly() -> bool:
            shares = [member.assigned() for member in (first, second, third)]
            return all(len(share) == 2 for share in shares) and len(set().union(*shares)) == partitions

        eventually("three members have two partitions each", evenly)
        produce()
        eventually("three members read everything", all_read)
        second.leave()
        produce()
        eventually("two members share what the third gave up", lambda: len(first.assigned()) == len(third.assigned()) == 3)
        eventually("two members read everything", all_read)
        first.leave()
        third.leave()
        self.assertEqual({p: sent // partitions for p in range(partitions)}, self.committed(group, topic, partitions))

    def test_topics_come_and_go(self) -> None:
        topic = f"{self.prefix}-brief"
        self.create_topic(topic, 5)
        eventually("the topic has its partitions", lambda: self.partitions(topic) == 5)
        self.delete_topic(topic)
        eventually("the topic is gone", lambda: self.partitions(topic) == 0)
