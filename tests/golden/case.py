"""A golden case as its file tells it, and the ways its ticks may reach the operator."""

from __future__ import annotations

import itertools
import json
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from arrival import watermark
from dryrun import MAX, Advance, Message, Restart, Step
from judge import Judge

import pitwall.features
from pitwall.channels.channel import channel_id
from pitwall.features import FeatureSet, reference_laps
from pitwall.features.plan import plan_json

FOLDER = Path(__file__).parent
START = "20260101-000000"
START_MS = 1_000_000
PACE_MS = 300
"""Kafka time between two ticks over several partitions: none of them falls silent."""
SILENCE_MS = 3000
"""Kafka time between two ticks of which the first has left before the second comes."""
KEYS = {"features", "distance", "sectors", "references", "units", "ticks", "expected"}
MARKS = {"t", "topic", "partition", "clock", "late", "duplicate"}
WORDS = {math.inf: "Infinity", -math.inf: "-Infinity"}


@dataclass(frozen=True)
class Arrival:
    """One message of the car: the channels of one tick, or a part of them."""

    time_s: float
    values: Mapping[str, float | None]
    """By display name, as sent: null, NaN and infinite values too."""
    topic: str
    partition: int | None
    clock_s: float | None
    """Wall clock and Kafka time of its arrival, in seconds after the first one's."""
    late: bool
    duplicate: bool

    @property
    def time_us(self) -> int:
        return round(self.time_s * 1e6)


class Case:
    """One file of `tests/golden/<kind>/`.

    Raises `ValueError`, which names the file, where the file is no case.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kind = path.parent.name
        self.name = f"{self.kind}/{path.stem}"
        text = path.read_text()
        content = yaml.safe_load(text)
        try:
            if not text.startswith("# "):
                raise ValueError("begin with a comment: one sentence and a drawing of time")
            if unknown := content.keys() - KEYS:
                raise ValueError(f"unknown keys {unknown}; known: {KEYS}")
            self.units: dict[str, str] = content.get("units", {})
            self.features = _features(content)
            self.arrivals = [_arrival(tick) for tick in content["ticks"]]
            self.expected = [self._expected(row) for row in content["expected"]]
        except (TypeError, LookupError, ValueError, SyntaxError, NameError) as error:
            raise ValueError(f"{path}: {error!r}") from error

    def __str__(self) -> str:
        return self.name

    def _expected(self, row: dict[str, Any]) -> tuple[int, list[float]]:
        """Time in microseconds and a value a feature in the set's order, NaN for null."""
        if row.keys() != {"t", *self.features.names}:
            raise ValueError(f"the row {row} must have t and {self.features.names}")
        values = [row[name] for name in self.features.names]
        return round(row["t"] * 1e6), [math.nan if v is None else float(v) for v in values]

    def message(self, arrival: Arrival, session: str) -> bytes:
        """The arrival in the car's wire format."""
        return json.dumps(
            [
                {
                    "VehicleId": self.name,
                    "SessionId": session,
                    "Timestamp": arrival.time_s,
                    "ChannelId": channel_id(name),
                    "ChannelValue": _on_the_wire(value),
                    "ChannelUnit": self.units.get(name, ""),
                }
                for name, value in arrival.values.items()
            ]
        ).encode()

    @cached_property
    def ticks(self) -> list[tuple[int, dict[str, float]]]:
        """What the oracle gets: ticks in order, values by wire id in the channels' own units."""
        judge = Judge(json.loads(plan_json(self.features, 2.0)))
        samples: dict[int, list[tuple[str, float]]] = {}
        for arrival in self.arrivals:
            if not arrival.late and not arrival.duplicate:
                (tick,) = judge.ticks(self.message(arrival, START))
                samples.setdefault(tick.time_us, []).extend(
                    (name, math.nan if bits == b"NaN" else struct.unpack("<d", bits)[0])
                    for name, bits in tick.samples
                )
        return [(time_us, _merged(samples[time_us])) for time_us in sorted(samples)]

    def sessions(self) -> Iterator[tuple[str, list[Step]]]:
        """Each way in which the ticks may reach the operator: session id and the operator's steps.

        Ticks come one by one over one partition, and dealt to two and three partitions, in turn and
        with neighbours swapped. A case that names partitions or wall clocks has this one way only.
        In the first way, the state is also written and read again: at each single place between
        two steps, and at all places.

        """
        given = any(a.partition is not None or a.clock_s is not None for a in self.arrivals)
        first = f"{START}-{'as-written' if given else 'one-by-one'}"
        yield first, self._steps(first)
        count = len(self._steps(first))
        for place in range(1, count):
            session = f"{first}-restored-before-step-{place}"
            steps = self._steps(session)
            yield session, [*steps[:place], Restart(), *steps[place:]]
        session = f"{first}-restored-before-each-step"
        yield session, [part for step in self._steps(session) for part in (Restart(), step)]
        if not given:
            for partitions in (2, 3):
                session = f"{START}-over-{partitions}-partitions"
                yield session, self._steps(session, partitions)
                session = f"{START}-swapped-over-{partitions}-partitions"
                yield session, self._steps(session, partitions, swap=True)

    def _steps(self, session: str, partitions: int = 1, swap: bool = False) -> list[Step]:
        """The messages, with the watermarks of a source of so many partitions, and
        timers between.
        """
        partitions = max([partitions, *(1 + (a.partition or 0) for a in self.arrivals)])
        pace_ms = SILENCE_MS if partitions == 1 else PACE_MS
        record_ms, sent = START_MS, []
        for number, arrival in enumerate(self.arrivals):
            if arrival.clock_s is not None:
                record_ms = START_MS + round(arrival.clock_s * 1000)
            elif number:
                same = arrival.time_us == self.arrivals[number - 1].time_us
                record_ms += SILENCE_MS if arrival.late else 1 if same else pace_ms
            partition = number % partitions if arrival.partition is None else arrival.partition
            sent.append((arrival, partition, record_ms))
        order = _swapped(self.arrivals) if swap else range(len(sent))
        steps: list[Step] = []
        newest = dict.fromkeys(range(partitions), -(2**63))
        heard = dict.fromkeys(range(partitions), START_MS)
        for slot, number in enumerate(order):
            arrival, partition, record_ms = sent[number]
            now_ms = max(sent[slot][2], record_ms) + 3
            steps.append(Advance(now_ms, watermark(newest, heard, now_ms)))
            newest[partition], heard[partition] = record_ms, now_ms
            mark = watermark(newest, heard, now_ms)
            value = self.message(arrival, session)
            steps.append(Message(value, record_ms, now_ms, partition, arrival.topic, mark))
        return [*steps[1:], Advance(now_ms + SILENCE_MS, MAX)]


def cases() -> list[Case]:
    """All cases, in the order of their names."""
    return [Case(path) for path in sorted(FOLDER.glob("*/*.yaml"))]


def _features(content: Mapping[str, Any]) -> FeatureSet:
    names = dict(vars(pitwall.features))
    options = {key: content[key] for key in ("distance", "sectors") if key in content}
    groups = [eval(definition, names) for definition in content["features"]]
    features = FeatureSet("golden", *groups, **options)
    if references := content.get("references"):
        features.references = {
            name: reference_laps.grid(*zip(*points, strict=True))
            for name, points in references.items()
        }
    return features


def _arrival(tick: Mapping[str, Any]) -> Arrival:
    return Arrival(
        float(tick["t"]),
        {k: None if v is None else float(v) for k, v in tick.items() if k not in MARKS},
        tick.get("topic", "golden"),
        tick.get("partition"),
        tick.get("clock"),
        tick.get("late", False),
        tick.get("duplicate", False),
    )


def _on_the_wire(value: float | None) -> float | str | None:
    if value is None:
        return None
    return "NaN" if math.isnan(value) else WORDS.get(value, value)


def _merged(samples: Sequence[tuple[str, float]]) -> dict[str, float]:
    """One tick's channels by wire id; a stand-in (`~`) fills what the channel itself left open."""
    values = {name: value for name, value in samples if not name.startswith("~")}
    for name, value in samples:
        channel = name.removeprefix("~")
        if channel != name and math.isnan(values.get(channel, math.nan)):
            values[channel] = value
    return values


def _swapped(arrivals: Sequence[Arrival]) -> list[int]:
    """Indices of the arrivals, with neighbours swapped where the operator promises to sort them.

    It makes no such promise where the later tick follows the tick before both by at most one and a
    half of the session's spacing (the smallest of the last 16): such a tick leaves at once.
    """
    order = list(range(len(arrivals)))
    if any(arrival.late for arrival in arrivals):
        return order
    times_us = [arrival.time_us for arrival in arrivals]
    first = 0
    while first + 1 < len(order):
        spacings = [b - a for a, b in itertools.pairwise(times_us[:first]) if b > a]
        waits = first == 0 or (
            times_us[first + 1] - times_us[first - 1] > 1.5 * min(spacings[-16:], default=0)
        )
        if waits and times_us[first] < times_us[first + 1]:
            order[first : first + 2] = [first + 1, first]
            first += 1
        first += 1
    return order
