"""The log of served features: each vector a model was asked with, on the topic `p424-served`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from pitwall.errors import StackError, WireError
from pitwall.features.topic import FIRST_US, LAST_US
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import end_offsets
from pitwall.kafka.unreadable import Unreadable
from pitwall.serving.prediction import first_fault
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


Text = Annotated[str, Field(max_length=300)]


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    service: Text
    view: Text
    vehicle: Text
    session: Text
    event_us: Annotated[int, Field(ge=FIRST_US, lt=LAST_US)]
    names: Annotated[list[Text], Field(max_length=10_000)]
    values: Annotated[list[FiniteFloat | None], Field(max_length=10_000)]
    source: Text


def read_served(value: bytes | None) -> Served:
    """The vector of one message of the topic. Raises `WireError`, with key and value, for others.

    Fields that this reader does not know are left out.
    """
    try:
        fields = _Message.model_validate_json(value or b"")
    except ValidationError as error:
        raise WireError(first_fault(error)) from None
    if len(fields.names) != len(fields.values):
        raise WireError(f"there are {len(fields.names)} names and {len(fields.values)} values")
    return Served(
        fields.service,
        fields.view,
        fields.vehicle,
        fields.session,
        fields.event_us,
        tuple(fields.names),
        fields.values,
        fields.source,
    )


def logged(
    settings: Settings, since_ms: int = 0, unreadable: Unreadable | None = None
) -> Iterator[Served]:
    """The vectors logged from `since_ms` (wall clock, ms since the epoch) until now.

    It begins where the topic begins now: retention may have deleted what came before. A message
    that cannot be read is left out, and counted in `unreadable`. Raises `StackError` when Kafka
    does not answer.
    """
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

    topic = settings.served_topic
    unreadable = Unreadable("parity") if unreadable is None else unreadable
    ends = {partition: end for partition, end in end_offsets(settings, topic).items() if end}
    consumer = Consumer(
        {
            **client_config(settings),
            "group.id": "pitwall-parity",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            # Retention may move the beginning on while it is read.
            "auto.offset.reset": "earliest",
        }
    )
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in ends])
    try:
        while ends:
            messages = consumer.consume(1000, timeout=10)
            if not messages:
                raise StackError(
                    f"Kafka at {settings.bootstrap_servers} gave nothing of {topic} for 10 s; "
                    "is it up? See `./pitwall status`"
                )
            for message in messages:
                partition, offset, error = message.partition(), message.offset(), message.error()
                if error is not None and error.name() != "_PARTITION_EOF":
                    raise StackError(f"Kafka at {settings.bootstrap_servers}: {error.str()}")
                if error is not None or (offset or 0) + 1 >= ends.get(partition or 0, 0):
                    ends.pop(partition or 0, None)
                if error is None and message.timestamp()[1] >= since_ms:
                    try:
                        vector = read_served(message.value())
                    except WireError as damage:
                        unreadable.add(message, damage)
                    else:
                        yield vector
    finally:
        consumer.close()
