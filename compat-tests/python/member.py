"""A member of a consumer group in a process of its own, so that a test can kill it.

    member.py BOOTSTRAP GROUP TOPIC STRATEGY

A STRATEGY of `consumer` is the new protocol, in which the broker assigns.

It reads, prints what it read and what it is assigned, one JSON list a line, and commits; SIGTERM lets it leave.
"""

import json
import signal
import sys

from confluent_kafka import Consumer, KafkaError, KafkaException

# The group moved on meanwhile: another member reads these records again.
MOVED_ON = {
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.STALE_MEMBER_EPOCH,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError._NO_OFFSET,
}

bootstrap, group, topic, strategy = sys.argv[1:]
leaving = False


def leave(_signal, _frame) -> None:
    global leaving
    leaving = True


signal.signal(signal.SIGTERM, leave)
protocol = (
    {"group.protocol": "consumer"}
    if strategy == "consumer"
    else {"session.timeout.ms": 6000, "heartbeat.interval.ms": 200, "partition.assignment.strategy": strategy}
)
reader = Consumer(
    {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        **protocol,
    }
)
reader.subscribe([topic])
assigned = None
while not leaving:
    messages = reader.consume(500, 0.1)
    for message in messages:
        if message.error():
            raise KafkaException(message.error())
        print(json.dumps(["read", message.partition(), message.offset(), int(message.value())]))
    now = sorted(partition.partition for partition in reader.assignment())
    if now != assigned:
        assigned = now
        print(json.dumps(["assigned", assigned]))
    sys.stdout.flush()
    if messages:
        try:
            reader.commit(asynchronous=False)
        except KafkaException as e:
            if e.args[0].code() not in MOVED_ON:
                raise
reader.close()
