"""MCAP files with JSON messages, by the library mcap.

Every number of a topic's messages is a column, named by its path in the message. The topic is its
source. The topic's JSON schema may tell units (`unit` of a property). Messages of other encodings
are named and left out.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from pitwall.errors import LapFileError, listed
from pitwall.recordings import isolated
from pitwall.recordings.readers.clock import EPOCH, FIRST_DATE_S, LAST_DATE_S
from pitwall.recordings.readers.parts import (
    beacons_of,
    check_content,
    lap_column,
    longest,
    name_and_unit,
)
from pitwall.recordings.recording import Column, Options, Recording

NAME = "mcap"
SUFFIXES: tuple[str, ...] = (".mcap",)

MARK = b"\x89MCAP0\r\n"
OWN = "pitwall"
"""Name of the metadata of an export of this product."""
OWN_LAPS, OWN_DERIVED = "/laps", ("/laps", "/gps")
"""Topics of such an export: its laps, and those that only repeat what another topic holds."""
STAMPS = ("timestamp", "header", "stamp")
"""Properties that hold a message's time or origin and no measurement."""
DEEPEST = 6
NUMBERS = frozenset({float, int, bool})


@dataclass
class Topic:
    """The messages of one topic."""

    name: str
    units: dict[str, str] = field(default_factory=dict)
    times_ns: array[int] = field(default_factory=lambda: array("q"))
    places: dict[str, array[int]] = field(default_factory=dict)
    """For each number, the places in `times_ns` of the messages that have it."""
    values: dict[str, array[float]] = field(default_factory=dict)
    flat: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    """The properties that are numbers, by those of a message that had no other ones."""

    def add(self, time_ns: int, message: object) -> None:
        """Take the numbers of one message."""
        place = len(self.times_ns)
        self.times_ns.append(time_ns)
        if type(message) is dict and (names := self.flat.get(tuple(message))):
            numbers = [message[name] for name in names]
            if NUMBERS.issuperset(map(type, numbers)):
                for name, number in zip(names, numbers, strict=True):
                    self.places[name].append(place)
                    self.values[name].append(number)
                return
        for path, value in _numbers(message, "", DEEPEST):
            self.places.setdefault(path, array("q")).append(place)
            self.values.setdefault(path, array("d")).append(value)
        if type(message) is dict:
            names = [name for name in message if name not in STAMPS]
            if NUMBERS.issuperset(type(message[name]) for name in names):
                self.flat[tuple(message)] = names


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file begins as MCAP."""
    return head.startswith(MARK)


def read(path: Path, options: Options) -> Sequence[Recording]:
    """The one recording of an MCAP file: all its topics of JSON messages.

    A message's time is its log time. Raises `LapFileError` when the file is cut off or damaged,
    when a message is no JSON, and when no message has a number.
    """
    check_content(path, recognises, "an MCAP file")
    return isolated.read(__name__, path, options)


def load() -> None:
    """Load the library."""
    import mcap.stream_reader  # noqa: F401


def read_here(path: Path, options: Options) -> list[Recording]:
    """As `read`, in this process."""
    topics, facts, encodings = _messages(path)
    own_laps = topics.get(OWN_LAPS) if facts else None
    if facts:
        topics = {name: topic for name, topic in topics.items() if name not in OWN_DERIVED}
    doubts = [
        f"{name}: its messages are {encoding or 'of no encoding'} and not JSON, left out."
        for name, encoding in encodings.items()
    ]
    first_ns = min((min(topic.times_ns) for topic in topics.values()), default=0)
    start = _start(facts, first_ns)
    zero_ns = first_ns if start is None else (start - EPOCH) // timedelta(microseconds=1) * 1000
    columns = tuple(c for topic in topics.values() for c in _columns(topic, zero_ns))
    if not columns:
        reason = f": {doubts[0]}" if doubts else f" in topics {listed(list(topics)) or 'none'}"
        raise LapFileError(f"{path}: no numbers in JSON messages{reason}")
    return [
        Recording(
            path,
            NAME,
            columns,
            longest(columns),
            encoding="utf-8",
            clock="log time",
            start=start,
            vehicle=facts.get("vehicle") or None,
            beacons_s=_beacons(own_laps),
            lap_column=lap_column(columns),
            doubts=tuple(doubts),
        )
    ]


def _messages(path: Path) -> tuple[dict[str, Topic], dict[str, str], dict[str, str]]:
    """Topics of JSON messages by name, facts of an own export, and the others' encodings."""
    from mcap.records import Channel, Footer, Message, Metadata, Schema
    from mcap.stream_reader import StreamReader

    schemas: dict[int, Any] = {}
    channels: dict[int, Topic | None] = {}
    topics: dict[str, Topic] = {}
    facts: dict[str, str] = {}
    encodings: dict[str, str] = {}
    size, ended = path.stat().st_size, False
    try:
        with path.open("rb") as file:
            for record in StreamReader(file, validate_crcs=True, record_size_limit=size).records:
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    channels[record.id] = None
                    if record.message_encoding == "json":
                        topic = topics.setdefault(record.topic, Topic(record.topic))
                        topic.units |= _units(schemas.get(record.schema_id))
                        channels[record.id] = topic
                    else:
                        encodings[record.topic] = record.message_encoding
                elif isinstance(record, Metadata) and record.name == OWN:
                    facts = dict(record.metadata)
                elif isinstance(record, Message):
                    target = channels[record.channel_id]
                    if target is not None:
                        target.add(record.log_time, _parsed(record.data))
                ended = ended or isinstance(record, Footer)
    except Exception as error:  # Of mcap, struct, json, zstandard, lz4, or a length without end.
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise LapFileError(
            f"{path}: damaged MCAP file ({reason}); repair it with `mcap recover`"
        ) from error
    if not ended:
        raise LapFileError(f"{path}: the MCAP file is cut off; repair it with `mcap recover`")
    return {name: topic for name, topic in topics.items() if topic.times_ns}, facts, encodings


def _parsed(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)  # It takes NaN and Infinity, too.


def _numbers(message: object, path: str, depth: int) -> Iterator[tuple[str, float]]:
    """Path and value of each number in a message. Lists are no channels and have none."""
    if isinstance(message, bool | int | float):
        yield path, float(message)
    elif isinstance(message, dict) and depth:
        for key, value in message.items():
            if key not in STAMPS:
                yield from _numbers(value, f"{path}.{key}" if path else key, depth - 1)


def _units(schema: Any) -> dict[str, str]:
    """The units that a JSON schema tells, by path."""
    if schema is None or schema.encoding != "jsonschema":
        return {}
    units: dict[str, str] = {}
    waiting: list[tuple[str, Any]] = [("", json.loads(schema.data or b"{}"))]
    while waiting:
        path, node = waiting.pop()
        if not isinstance(node, dict):
            continue
        unit = node.get("unit", node.get("units"))
        if isinstance(unit, str):
            units[path] = unit
        properties = node.get("properties")
        if isinstance(properties, dict) and path.count(".") < DEEPEST:
            waiting += [(f"{path}.{k}" if path else k, v) for k, v in properties.items()]
    return units


def _columns(topic: Topic, zero_ns: int) -> Iterator[Column]:
    """The topic's columns in the order of their times; columns of all messages share them."""
    ticks = np.frombuffer(topic.times_ns, dtype=np.int64)
    order = np.argsort(ticks, kind="stable")
    all_times = (ticks[order] - zero_ns) / 1e9
    for path, numbers in topic.values.items():
        name, unit = name_and_unit(path or "value")
        values = np.frombuffer(numbers, dtype=np.float64)
        if len(values) == len(ticks):
            times, values = all_times, values[order]
        else:
            own = ticks[np.frombuffer(topic.places[path], dtype=np.int64)]
            own_order = np.argsort(own, kind="stable")
            times, values = (own[own_order] - zero_ns) / 1e9, values[own_order]
        values[~np.isfinite(values)] = np.nan
        yield Column(name, topic.units.get(path, unit), times, values, topic.name)


def _start(facts: dict[str, str], first_ns: int) -> datetime | None:
    """The start that an own export tells, else the first log time if it is a date."""
    try:
        start = datetime.fromisoformat(facts.get("start", ""))
        if start.tzinfo is not None:
            return start.astimezone(UTC)
    except ValueError:
        pass
    if FIRST_DATE_S <= first_ns / 1e9 <= LAST_DATE_S:
        return EPOCH + timedelta(microseconds=first_ns // 1000)
    return None


def _beacons(laps: Topic | None) -> tuple[float, ...]:
    """The beacons of an own export, whose laps tell start and, if whole, duration."""
    if laps is None or "start_s" not in laps.values:
        return ()
    starts = laps.values["start_s"]
    durations = dict(
        zip(laps.places.get("duration_s", ()), laps.values.get("duration_s", ()), strict=True)
    )
    return beacons_of(
        (
            start,
            round(start + durations[place], 9) if place in durations else None,
            place in durations,
        )
        for place, start in zip(laps.places["start_s"], starts, strict=True)
    )
