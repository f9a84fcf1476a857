"""The features topic: its records, packed by the job, and the columns that they hold.

A record's value is little-endian: the first 8 bytes of the view's schema digest reversed (a 64-bit
number), event time and Kafka time (µs since the epoch, 64-bit integers), a 64-bit float for each
feature (NaN for null), and the vehicle in UTF-8. Its key is the session. The compacted topic
`p424-feature-schemas` says which view and columns a schema names (`docs/adr/0006`).
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from numpy.typing import NDArray

from pitwall.errors import StackError
from pitwall.features.definitions import FeatureSet
from pitwall.features.loading import load
from pitwall.kafka.clients import client_config
from pitwall.kafka.wire import iso
from pitwall.settings import Settings

SCHEMA_BYTES = 8
TIMES = struct.Struct("<qq")
"""Event time and Kafka time."""
VALUES_AT = SCHEMA_BYTES + TIMES.size


@dataclass(slots=True)
class FeatureRow:
    """One tick's features. Do not change it; frozen, it would take four times as long to make."""

    view: str
    vehicle: str
    session: str
    event_us: int
    """Event time, microseconds since the epoch."""
    created_us: int
    """Kafka time of the tick, microseconds since the epoch."""
    names: tuple[str, ...]
    values: NDArray[np.float64]
    """The features in the order of `names`, shape (features,), NaN for null."""

    def __getitem__(self, name: str) -> float | None:
        """The value of one feature; None for null. Raises `ValueError` for an unknown name."""
        value = float(self.values[self.names.index(name)])
        return None if math.isnan(value) else value

    @property
    def event_time(self) -> str:
        """Event time in ISO 8601, milliseconds, UTC."""
        return iso(self.event_us)


def publish_schema(settings: Settings, features: FeatureSet) -> None:
    """Publish the columns that the records of this view hold, so that any reader can look them up.

    Raises `StackError` when Kafka does not take the message within 15 s.
    """
    producer = Producer(client_config(settings))
    value = {"view": features.name, "definitions": features.digest, "features": features.names}
    producer.produce(settings.schemas_topic, json.dumps(value), features.schema)
    if producer.flush(15):
        raise StackError(
            f"Kafka at {settings.bootstrap_servers} did not take the schema of {features.name}; "
            "see `./pitwall status`"
        )


class FeatureRows:
    """Reads records of the features topic: of all views, or of one `view`.

    It knows the columns of the feature repository, and looks up all others on the schemas topic.
    """

    def __init__(self, settings: Settings, view: str | None = None) -> None:
        self._settings = settings
        self._view = view
        self._columns = {
            _schema_bytes(features.schema): (features.name, tuple(features.names))
            for features in load(settings.feature_repo)
        }

    def read(self, messages: Iterable[Message]) -> list[FeatureRow]:
        """The rows of these messages, in their order, without those for which `one` gives None."""
        return [row for row in map(self.one, messages) if row is not None]

    def one(self, message: Message) -> FeatureRow | None:
        """The row of one message.

        None for an error of Kafka's, for a row of another view, and when nobody published the
        row's columns.
        """
        value, key = message.value(), message.key()
        if value is None or key is None or message.error() is not None:
            return None
        schema = value[:SCHEMA_BYTES]
        columns = self._columns.get(schema)
        if columns is None:
            self._look_up_columns()
            columns = self._columns.setdefault(schema, ("", ()))
        view, names = columns
        if not names or self._view not in (None, view):
            return None
        event_us, created_us = TIMES.unpack_from(value, SCHEMA_BYTES)
        values = np.frombuffer(value, "<f8", len(names), VALUES_AT)
        vehicle = value[VALUES_AT + values.nbytes :].decode()
        return FeatureRow(view, vehicle, key.decode(), event_us, created_us, names, values)

    def _look_up_columns(self) -> None:
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
                    published = json.loads(value)
                    columns = (published["view"], tuple(published["features"]))
                    self._columns[_schema_bytes(key.decode())] = columns
        finally:
            consumer.close()


def _schema_bytes(schema: str) -> bytes:
    """A schema's 16 hexadecimal digits as a record holds them: a little-endian number."""
    return bytes.fromhex(schema)[::-1]
