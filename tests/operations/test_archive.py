"""Raw topics to S3 and back, on a real Kafka and a real S3 server."""

from __future__ import annotations

import random
from typing import Any

import pytest
from shared_stack import SharedStack
from waiting import wait

from pitwall.errors import UsageError
from pitwall.kafka.clients import admin, client_config
from pitwall.kafka.topics import create_topic, end_offsets
from pitwall.operations.archive import Archive, Record
from pitwall.operations.archive_replay import replay
from pitwall.operations.archive_topics import store
from pitwall.settings import Settings

pytestmark = pytest.mark.integration
TOPIC = "archived-20260101-120000"
"""Not of the pattern that the features job reads."""


@pytest.fixture(scope="module")
def servers(shared_stack: SharedStack) -> Settings:
    return shared_stack.start("kafka", "s3")


def send(settings: Settings, topic: str, seed: int, count: int) -> None:
    """Whatever a producer may send: any bytes, no key, no value, headers, any partition."""
    from confluent_kafka import Producer

    dice = random.Random(seed)
    producer = Producer(client_config(settings))
    for number in range(count):
        value = None if dice.random() < 0.01 else dice.randbytes(dice.randrange(3000))
        key = dice.randbytes(8) if dice.random() < 0.2 else None
        headers: list[Any] = (
            [("trace", dice.randbytes(4)), ("trace", None)] if number % 7 == 0 else []
        )
        producer.produce(topic, value, key, partition=dice.randrange(3), headers=headers)
    assert producer.flush(30) == 0


def held(settings: Settings, topic: str) -> dict[int, list[tuple[Any, ...]]]:
    """(key, value, headers) of each record by partition, in order."""
    from confluent_kafka import Consumer, TopicPartition

    ends = end_offsets(settings, topic)
    consumer = Consumer(
        {**client_config(settings), "group.id": "test", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(topic, p, 0) for p in ends])
    found: dict[int, list[tuple[Any, ...]]] = {p: [] for p in ends}
    while sum(map(len, found.values())) < sum(ends.values()):
        for message in consumer.consume(1000, timeout=10):
            found[message.partition() or 0].append(
                (message.key(), message.value(), message.headers() or [])
            )
    consumer.close()
    return found


def test_a_topic_comes_back_byte_for_byte_also_when_archived_in_several_runs(
    servers: Settings,
) -> None:
    create_topic(servers, TOPIC, 3)
    send(servers, TOPIC, 1, 2000)
    assert store(servers, TOPIC, once=True) == 2000
    send(servers, TOPIC, 2, 500)
    assert store(servers, TOPIC, once=True) == 500
    assert store(servers, TOPIC, once=True) == 0
    archive = Archive(servers)
    assert len(archive.parts(TOPIC)) == 6
    # What a second archiver would have written at the same time counts once.
    first = [r for r in archive.records(TOPIC) if r.partition == 0][100:300]
    archive.write(TOPIC, 0, first)
    assert sum(1 for _ in archive.records(TOPIC)) == 2500
    assert replay(servers, TOPIC, "again") == 2500
    assert held(servers, "again") == held(servers, TOPIC)


def test_what_cannot_be_replayed_or_archived_says_why(servers: Settings) -> None:
    with pytest.raises(UsageError, match="'nothing' is not archived"):
        replay(servers, "nothing", "nothing")
    archive = Archive(servers)
    archive.write("made-anew", 0, [Record(0, 0, 41, None, b"old", ())])
    archive.write("made-anew", 2, [Record(0, 2, 0, None, b"old", ())])
    create_topic(servers, "narrow", 2)
    with pytest.raises(UsageError, match="'narrow' has 2 partitions, the archived one 3"):
        replay(servers, "made-anew", "narrow")
    create_topic(servers, "made-anew", 3)
    with pytest.raises(
        UsageError, match="'made-anew' ends at offset 0, but the archive holds it to offset 41"
    ):
        store(servers, "made-anew", once=True)


def test_a_topic_made_anew_is_not_mixed_with_the_archived_one(servers: Settings) -> None:
    create_topic(servers, "renewed", 3)
    send(servers, "renewed", 1, 30)
    assert store(servers, "renewed", once=True) == 30
    before = list(Archive(servers).records("renewed"))
    client = admin(servers)
    for future in client.delete_topics(["renewed"]).values():
        future.result(30)
    wait(lambda: "renewed" not in client.list_topics(timeout=10).topics, 30)
    create_topic(servers, "renewed", 3)
    # The new topic's offsets pass those of the archived one.
    send(servers, "renewed", 2, 300)
    with pytest.raises(UsageError, match=r"'renewed' has the id .*created anew"):
        store(servers, "renewed", once=True)
    assert list(Archive(servers).records("renewed")) == before
