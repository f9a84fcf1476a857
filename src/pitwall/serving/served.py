"""The log of served features: each vector a model was asked with, on the topic `p424-served`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from pitwall.errors import StackError
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import end_offsets
from pitwall.settings import Settings


@dataclass(frozen=True)
class Served:
    """One feature vector that a model was asked with.

    `event_us` is the event time of the row in µs since the epoch; `values` are in the order of
    `names`, with NaN or None for null.
    """

    service: str
    """The feature service that names the model's inputs."""
    view: str
    vehicle: str
    session: str
    event_us: int
    names: tuple[str, ...]
    values: Sequence[float | None]
    source: str
    """Who read it: `endpoint` (online store), `stream` (features topic) or `online` (parity)."""

    def message(self) -> bytes:
        """The JSON message, schema 1: doubles read back as the same bits, NaN is null."""
        return orjson.dumps(
            {
                "schema": 1,
                **vars(self),
                "values": [None if value is None else float(value) for value in self.values],
            }
        )


def logged(settings: Settings, since_ms: int = 0) -> Iterator[Served]:
    """The vectors logged from `since_ms` (wall clock, ms since the epoch) until now.

    Raises `StackError` when Kafka does not answer.
    """
    from confluent_kafka import Consumer, TopicPartition

    topic = settings.served_topic
    ends = {partition: end for partition, end in end_offsets(settings, topic).items() if end}
    consumer = Consumer(
        {
            **client_config(settings),
            "group.id": "pitwall-parity",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])
    try:
        while ends:
            messages = consumer.consume(1000, timeout=10)
            if not messages:
                raise StackError(
                    f"Kafka at {settings.bootstrap_servers} gave nothing of {topic} for 10 s; "
                    "is it up? See `./pitwall status`"
                )
            for message in messages:
                partition, value = message.partition(), message.value()
                if message.error() is not None or message.offset() + 1 >= ends.get(partition, 0):
                    ends.pop(partition, None)
                if (
                    message.error() is None
                    and value is not None
                    and message.timestamp()[1] >= since_ms
                ):
                    fields = orjson.loads(value)
                    del fields["schema"]
                    yield Served(**{**fields, "names": tuple(fields["names"])})
    finally:
        consumer.close()
