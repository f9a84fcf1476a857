"""The features topic: its rows, and the columns that they hold."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Message
from numpy.typing import NDArray

from pitwall.errors import StackError
from pitwall.features.definitions import FeatureSet, load
from pitwall.kafka.clients import client_config
from pitwall.kafka.wire import iso
from pitwall.settings import Settings


@dataclass(slots=True)
class FeatureRow:
    """One tick's features, not to be changed (frozen, it would cost four times as much to make). Times in microseconds since the epoch; `values` in the order of `names`, NaN for null."""

    view: str
    vehicle: str
    session: str
    event_us: int
    created_us: int
    names: tuple[str, ...]
    values: NDArray[np.float64]

    def __getitem__(self, name: str) -> float | None:
        """One feature; None for null."""
        value = float(self.values[self.names.index(name)])
        return None if math.isnan(value) else value

    @property
    def event_time(self) -> str:
        """Event time in ISO 8601, milliseconds, UTC."""
        return iso(self.event_us)


def publish_schema(settings: Settings, features: FeatureSet) -> None:
    """Tell readers of the features topic which columns the records of this view hold."""
    from confluent_kafka import Producer

    producer = Producer(client_config(settings))
    value = {"view": features.name, "definitions": features.digest, "features": features.names}
    producer.produce(settings.schemas_topic, json.dumps(value), features.schema)
    if producer.flush(15):
        raise StackError(
            f"Kafka at {settings.bootstrap_servers} did not take the schema of {features.name}"
        )


TIMES = struct.Struct("<qq")


class FeatureRows:
    """Reads records of the features topic: all, or those of one view.

    Knows the columns of the feature repository, and looks up any others.
    """

    def __init__(self, settings: Settings, view: str | None = None) -> None:
        self._settings = settings
        self._view = view
        self._columns = {
            bytes.fromhex(s.schema)[::-1]: (s.name, tuple(s.names))
            for s in load(settings.feature_repo)
        }

    def read(self, messages: Iterable[Message]) -> list[FeatureRow]:
        """The rows of these messages, in their order; one whose columns nobody published is left out."""
        return [row for row in map(self.one, messages) if row is not None]

    def one(self, message: Message) -> FeatureRow | None:
        """The row of one message; None for one of another view, or whose columns nobody published."""
        value, key = message.value(), message.key()
        if value is None or key is None or message.error() is not None:
            return None
        known = self._columns.get(value[:8])
        if known is None:
            self._look_up()
            known = self._columns.setdefault(value[:8], ("", ()))
        view, names = known
        if not names or self._view not in (None, view):
            return None
        event_us, created_us = TIMES.unpack_from(value, 8)
        values = np.frombuffer(value, "<f8", len(names), 24)
        return FeatureRow(
            view,
            value[24 + 8 * len(names) :].decode(),
            key.decode(),
            event_us,
            created_us,
            names,
            values,
        )

    def _look_up(self) -> None:
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer(
            {
                **client_config(self._settings),
                "group.id": "pitwall-schemas",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        try:
            consumer.assign([TopicPartition(self._settings.schemas_topic, 0, 0)])
            while (message := consumer.poll(5)) is not None and message.error() is None:
                key, value = message.key(), message.value()
                if key is not None and value is not None:
                    schema = json.loads(value)
                    self._columns[bytes.fromhex(key.decode())[::-1]] = (
                        schema["view"],
                        tuple(schema["features"]),
                    )
        finally:
            consumer.close()
