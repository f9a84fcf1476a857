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
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pitwall.errors import StackError, WireError
from pitwall.features.definitions import FeatureSet
from pitwall.features.loading import load
from pitwall.kafka.clients import client_config
from pitwall.kafka.unreadable import Unreadable
from pitwall.kafka.wire import iso
from pitwall.machine.lasting import Lasting
from pitwall.settings import Settings

T = TypeVar("T")
SCHEMA_BYTES = 8
TIMES = struct.Struct("<qq")
"""Event time and Kafka time."""
VALUES_AT = SCHEMA_BYTES + TIMES.size
FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_300_800_000_000
"""The first µs of the year 1 and of the year 10000, since the epoch: what a `datetime` holds."""
MOST_CHARACTERS = 200
"""The longest VehicleId or SessionId that the job accepts."""
MOST_TEXTS = 20_000
"""So many vehicles and sessions are remembered as text."""
LOOK_UP_S = 1.0
"""Shortest time between two looks at the schemas topic."""


class Columns(NamedTuple):
    """What a schema stands for: a view, its columns, and what the job computes in each of them.

    `definitions` is the digest of the set and `meanings` that of each feature in the order of
    `names`; both are empty where the job did not publish them.
    """

    view: str
    names: tuple[str, ...]
    definitions: str = ""
    meanings: tuple[str, ...] = ()


class Head(NamedTuple):
    """A record without its features: what they are, vehicle, session, and both times in µs."""

    columns: Columns
    vehicle: str
    session: str
    event_us: int
    created_us: int


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
    meanings: tuple[str, ...] = ()
    """What the job computes in each feature: `FeatureSet.meanings`; empty where it is not known."""

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
    value = {
        "view": features.name,
        "definitions": features.digest,
        "features": features.names,
        "meanings": list(features.meanings.values()),
    }
    producer.produce(settings.schemas_topic, json.dumps(value), features.schema)
    if producer.flush(15):
        raise StackError(
            f"Kafka at {settings.bootstrap_servers} did not take the schema of {features.name}; "
            "see `./pitwall status`"
        )


class FeatureRows:
    """Reads records of the features topic: of all views, or of one `view`.

    It knows the columns of the feature repository, and looks up all others on the schemas topic. A
    record that cannot be read is left out and counted in `unreadable`, which names the `reader`.
    """

    def __init__(self, settings: Settings, view: str | None = None, reader: str = "reader") -> None:
        self.unreadable = Unreadable(reader)
        self._settings = settings
        self._view = view
        self._columns = {
            _schema_bytes(features.schema): Columns(features.name, tuple(features.names))
            for features in load(settings.feature_repo)
        }
        self.newest: dict[str, Columns] = {}
        """The columns of each view that were published last: what the job computes now."""
        self._texts: dict[bytes, str] = {}
        """Vehicles and sessions that came, as text."""
        self._next_schema = 0
        """Offset on the schemas topic up to which it was read."""
        self._look_up_again_s = 0.0
        """When the schemas topic may be read again, by the monotonic clock."""

    def read(self, messages: Iterable[Message]) -> list[FeatureRow]:
        """The rows of these messages, in their order, without those for which `one` gives None."""
        return [row for row in map(self.one, messages) if row is not None]

    def one(self, message: Message) -> FeatureRow | None:
        """The row of one message.

        None for an error of Kafka's, for a row of another view, and for a record that cannot be
        read, which is counted.
        """
        return self._try(message, self._row)

    def head(self, message: Message) -> Head | None:
        """What `one` gives beside the features, at a third of its cost; None as for `one`.

        An infinite feature is not noticed.
        """
        return self._try(message, self._head)

    def _try(self, message: Message, read: Callable[[bytes, bytes], T | None]) -> T | None:
        if message.error() is not None:
            return None
        try:
            return read(message.value() or b"", message.key() or b"")
        except Exception as error:
            self.unreadable.add(message, error)
            return None

    def _head(self, value: bytes, key: bytes) -> Head | None:
        """The head of a record; None for one of another view. Raises `WireError` as `_row`."""
        schema = value[:SCHEMA_BYTES]
        columns = self._columns.get(schema) or self._look_up(schema)
        if self._view not in (None, columns.view):
            return None
        vehicle_at = VALUES_AT + 8 * len(columns.names)
        if len(value) <= vehicle_at or not key:
            raise WireError(
                f"the record has {len(value)} bytes and a key of {len(key)}; one of {columns.view} "
                f"has more than {vehicle_at} bytes, and its session as the key"
            )
        event_us, created_us = TIMES.unpack_from(value, SCHEMA_BYTES)
        if not (FIRST_US <= event_us < LAST_US and FIRST_US <= created_us < LAST_US):
            raise WireError(f"event time {event_us} or Kafka time {created_us} is no µs of a year")
        vehicle = value[vehicle_at:]
        texts = self._texts
        return Head(
            columns,
            texts.get(vehicle) or self._text(vehicle),
            texts.get(key) or self._text(key),
            event_us,
            created_us,
        )

    def _text(self, raw: bytes) -> str:
        """A vehicle or session as text. Raises `WireError` where it is none, or too long."""
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise WireError(f"vehicle or session is no UTF-8: {error}") from None
        if len(text) > MOST_CHARACTERS:
            raise WireError(f"vehicle or session has more than {MOST_CHARACTERS} characters")
        if len(self._texts) >= MOST_TEXTS:
            self._texts.clear()
        self._texts[raw] = text
        return text

    def _row(self, value: bytes, key: bytes) -> FeatureRow | None:
        """The row of a record; None for one of another view. Raises `WireError` for a damaged one.

        A value that is cut within the vehicle's name, or changed within a number, is not noticed.
        """
        head = self._head(value, key)
        if head is None:
            return None
        columns, vehicle, session, event_us, created_us = head
        values = np.frombuffer(value, "<f8", len(columns.names), VALUES_AT)
        if np.isinf(values).any():
            name = columns.names[int(np.isinf(values).argmax())]
            raise WireError(f"feature {name} is infinite; a feature is a number or null (NaN)")
        return FeatureRow(
            columns.view,
            vehicle,
            session,
            event_us,
            created_us,
            columns.names,
            values,
            columns.meanings,
        )

    def _look_up(self, schema: bytes) -> Columns:
        """The columns of a schema that the repository does not have, from the schemas topic.

        Damaged records name schemas that nobody has: the topic is read once a second at most, and
        takes at most a tenth of the reader's time. Raises `WireError` for an unknown schema.
        """
        began_s = time.monotonic()
        if len(schema) == SCHEMA_BYTES and began_s >= self._look_up_again_s:
            self._read_schemas()
            took_s = time.monotonic() - began_s
            self._look_up_again_s = began_s + max(LOOK_UP_S, 10 * took_s)
        if schema not in self._columns:
            raise WireError(
                f"schema {schema[::-1].hex()!r} is neither in the feature repository nor on "
                f"{self._settings.schemas_topic}"
            )
        return self._columns[schema]

    def follow(self) -> Lasting:
        """Keep up with the schemas topic in a thread: what the job computes may change."""
        thread = Lasting(f"the {self.unreadable.reader}'s view of the schemas", lambda: None)

        def work() -> None:
            for message in self._schemas(1):
                thread.pulse.beat()
                if message is not None:
                    self.take_schema(message)
                if thread.stop.is_set():
                    return

        thread.work = work
        thread.start()
        return thread

    def _read_schemas(self) -> None:
        """Take in what is on the schemas topic; nothing where Kafka does not answer."""
        for message in self._schemas(5):
            if message is None:
                return
            self.take_schema(message)

    def _schemas(self, patience_s: float) -> Iterator[Message | None]:
        """The messages of the schemas topic that were not taken, and None at its present end.

        Also None where Kafka gives nothing for `patience_s`. It never ends.
        """
        consumer = Consumer(
            {
                **client_config(self._settings),
                "group.id": "pitwall-schemas",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
            }
        )
        try:
            consumer.assign([TopicPartition(self._settings.schemas_topic, 0, self._next_schema)])
            while True:
                message = consumer.poll(patience_s)
                yield None if message is None or message.error() is not None else message
        finally:
            consumer.close()

    def take_schema(self, message: Message) -> None:
        """Take in one message of the schemas topic; a damaged one is counted and left out."""
        self._next_schema = max(self._next_schema, (message.offset() or 0) + 1)
        try:
            schema, columns = _published(message.key() or b"", message.value() or b"")
        except WireError as error:
            self.unreadable.add(message, error)
            return
        self._columns[schema] = self.newest[columns.view] = columns


def _published(key: bytes, value: bytes) -> tuple[bytes, Columns]:
    """The schema and the columns of one message that `publish_schema` sends.

    Raises `WireError` for any other message.
    """
    try:
        schema, fields = _schema_bytes(key.decode()), _Schema.model_validate_json(value)
    except ValidationError as error:
        raise WireError(f"it is no schema: {error.errors()[0]['msg']}") from None
    except ValueError as error:
        raise WireError(f"its key is no schema: {error}") from None
    if len(schema) != SCHEMA_BYTES or len(fields.meanings) not in (0, len(fields.features)):
        raise WireError(f"schema {key[:32]!r} with {len(fields.meanings)} meanings is none")
    return schema, Columns(
        fields.view, tuple(fields.features), fields.definitions, tuple(fields.meanings)
    )


class _Schema(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    view: str = Field(min_length=1)
    features: list[str] = Field(min_length=1)
    definitions: str = ""
    meanings: list[str] = []


def _schema_bytes(schema: str) -> bytes:
    """A schema's 16 hexadecimal digits as a record holds them: a little-endian number."""
    return bytes.fromhex(schema)[::-1]
