"""One session as the page holds it: the newest rows whole, and a trail of the columns that laps and
maps are made of.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TRAIL = (
    "session_time",
    "lap_number",
    "lap_time",
    "lap_from_start",
    "lap_distance",
    "lap_last_time",
    "lap_best_time",
    "lap_delta_to_best",
    "last_sector_1",
    "last_sector_2",
    "last_sector_3",
    "position_x",
    "position_z",
    "speed",
    "throttle",
    "brake",
    "acceleration_long",
    "acceleration_lat",
    "out_of_range",
)
"""Columns of the trail; one that the vehicle's view does not have is NaN."""
TRAIL_HZ = 10.0
TRAIL_ROWS = 10 * 3600 * 2
RING_ROWS = 6000
"""Rows at full rate a session is remembered with: two minutes at 50 Hz.

Older ones come from the stores.
"""
AT = {name: number for number, name in enumerate(TRAIL)}


class Rows:
    """Rows of equal width, appended by one thread and read by others without a lock.

    The oldest go: `keep` to twice that stay.
    """

    def __init__(self, width: int, keep: int) -> None:
        self._keep = keep
        self._state: tuple[int, Floats, int] = (0, np.empty((2 * keep, width)), 0)

    def append(self, row: Floats) -> None:
        """Add one row."""
        first, block, used = self._state
        if used == len(block):
            fresh = np.empty_like(block)
            fresh[: self._keep] = block[-self._keep :]
            first, block, used = first + used - self._keep, fresh, self._keep
        block[used] = row
        self._state = (first, block, used + 1)

    def since(self, number: int) -> tuple[int, Floats]:
        """The rows from the `number`th ever appended on: where they really begin (later if some are
        gone), and they.
        """
        first, block, used = self._state
        begin = min(max(number - first, 0), used)
        return first + begin, block[begin:used]

    @property
    def newest(self) -> Floats | None:
        """The last row."""
        _, block, used = self._state
        return block[used - 1] if used else None


@dataclass
class Predicted:
    """One prediction: session time (s), value, its interval, the model's version."""

    time_s: float
    value: float
    low: float
    high: float
    version: int


@dataclass
class LiveSession:
    """What is known of a session that runs, or ran since the page was started."""

    vehicle: str
    session: str
    view: str
    names: tuple[str, ...]
    rows: Rows = field(init=False)
    trail: Rows = field(default_factory=lambda: Rows(len(TRAIL), TRAIL_ROWS // 2))
    epoch_us: int = 0
    """The session's time zero."""
    heard: float = 0.0
    """Wall clock of the newest row."""
    delays_ms: deque[float] = field(default_factory=lambda: deque(maxlen=1000))
    """From the Kafka record to the page, one a row."""
    predictions: dict[str, deque[Predicted]] = field(default_factory=dict)
    reference: Any = None
    """The fastest stored lap of the same road, a `laps.Reference`; None before one is known."""
    drawn: dict[str | None, Any] = field(default_factory=dict)
    """What viewers see of it now, by the reference they chose, made once for all of them: see
    `moment`.
    """
    generation: int = 0
    """Counts how often the session began anew."""
    _slot: int = -(2**62)
    _last: float = -np.inf

    def __post_init__(self) -> None:
        self.rows = Rows(len(self.names), RING_ROWS)
        self._pick = [self.names.index(name) if name in self.names else -1 for name in TRAIL]
        shares = [
            number for number, name in enumerate(self.names) if "_out_of_range_share_" in name
        ]
        self._shares = np.array(shares, dtype=int)
        self._time = self.names.index("session_time") if "session_time" in self.names else -1

    @property
    def running(self) -> bool:
        """Whether a row came within the last five seconds."""
        return time.time() - self.heard < 5

    def time_of(self, values: Floats, event_us: int) -> float:
        """Session time of a row, seconds."""
        return float(values[self._time]) if self._time >= 0 else event_us / 1e6

    def add(
        self, values: Floats, event_us: int, created_us: int, now: float, seeding: bool = False
    ) -> bool:
        """Take one row in order of session time; gives whether it went into the trail too.

        A row already known does nothing.
        """
        at = self.time_of(values, event_us)
        if at <= self._last:
            if at > self._last - 1 or seeding:
                return False
            self.restart()
        self._last = at
        self.epoch_us = event_us - round(at * 1e6)
        if not seeding:
            self.rows.append(values)
            self.heard = now
            self.delays_ms.append(now * 1000 - created_us / 1000)
        slot = int(at * TRAIL_HZ + 1e-6)
        if slot == self._slot:
            return False
        self._slot = slot
        self.trail.append(self.trailed(values))
        return True

    def restart(self) -> None:
        """The session began anew: what was seen before is another drive."""
        self.generation += 1
        self.rows = Rows(len(self.names), RING_ROWS)
        self.trail = Rows(len(TRAIL), TRAIL_ROWS // 2)
        self.predictions = {}
        self.drawn = {}
        self._slot, self._last = -(2**62), -np.inf

    def trailed(self, values: Floats) -> Floats:
        """The trail's columns of one row."""
        row = np.append(values, np.nan)[self._pick]
        if len(self._shares):
            row[AT["out_of_range"]] = values[self._shares].max()
        return row

    def value(self, name: str) -> float:
        """The newest value of a feature; NaN for none."""
        newest = self.rows.newest
        return (
            float(newest[self.names.index(name)])
            if newest is not None and name in self.names
            else float("nan")
        )


def column(trail: Floats, name: str) -> Floats:
    """One column of a trail."""
    return trail[:, AT[name]]


def key_of(vehicle: str, session: str) -> str:
    """One text for both ids, for a select's value or a link."""
    return f"{vehicle}\x1f{session}"


def parse_key(key: str) -> tuple[str, str]:
    """Both ids of `key_of`; empty for a text that is none."""
    vehicle, _, session = key.partition("\x1f")
    return vehicle, session


def columns_of(names: Sequence[str], block: Floats, wanted: Sequence[str]) -> Floats:
    """The wanted columns of a block; NaN for one that is not there."""
    at = [names.index(name) if name in names else -1 for name in wanted]
    return (
        np.column_stack([block, np.full(len(block), np.nan)])[:, at]
        if len(block)
        else np.empty((0, len(wanted)))
    )
