"""One live session: its newest rows at full rate, its trail, and its predictions."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pitwall.errors import WireError
from pitwall.page.data.rows import Floats, Rows
from pitwall.page.data.trail import INDEX, TRAIL, TRAIL_HZ, TRAIL_KEPT

ROWS_KEPT = 6000
"""Rows at full rate that stay at least: two minutes at 50 Hz. Older rows are in the stores."""
RESTART_S = 1.0
"""A row whose session time lies so far before the newest one begins the session anew."""
MOST_S = 1e12
"""A session time beyond this, in seconds, is none; the time since the epoch is less."""
MOST_MODELS = 50
"""So many models, challengers included, have predictions in a session."""
RUNNING_S = 5.0
"""A session runs while its newest row is younger than this."""


@dataclass
class LivePrediction:
    """One prediction of a model."""

    time_s: float
    """Session time that it is made for."""
    value: float
    low: float
    """Lower end of its interval, in the unit of the value."""
    high: float
    """Upper end of its interval, in the unit of the value."""
    version: int
    """Version of the model."""


@dataclass
class LiveSession:
    """A session that runs, or ran since the page was started. One thread fills it."""

    vehicle: str
    session: str
    view: str
    """Name of its feature view."""
    names: tuple[str, ...]
    """Names of the features in each row."""
    rows: Rows = field(init=False)
    """The newest rows, each of the width of `names`."""
    trail: Rows = field(default_factory=lambda: Rows(len(TRAIL), TRAIL_KEPT))
    epoch_us: int = 0
    """Event time at session time 0, microseconds since the epoch; 0 before the first row."""
    received_s: float = 0.0
    """When the newest row came to the page, seconds since the epoch; 0 before the first row."""
    delays_ms: deque[float] = field(default_factory=lambda: deque(maxlen=1000))
    """Time from the tick's record in Kafka to the page, of each of the newest rows."""
    predictions: dict[str, deque[LivePrediction]] = field(default_factory=dict)
    """Predictions in the order of session time, by the model's name (see `feed.CHALLENGER`)."""
    reference: Any = None
    """The fastest stored lap of the same road, a `reference.Reference`; None while unknown."""
    moments: dict[str | None, Any] = field(default_factory=dict)
    """What viewers see now, by the name of the reference lap that they chose: see `moment`."""
    restarts: int = 0
    """How often the session began anew."""
    _trail_slot: int = -(2**62)
    """The tenth of a second of the trail's newest row."""
    _newest_s: float = -np.inf
    """Session time of the newest row."""

    def __post_init__(self) -> None:
        self.rows = Rows(len(self.names), ROWS_KEPT)
        names = self.names
        self._trail_indices = [names.index(name) if name in names else -1 for name in TRAIL]
        shares = [index for index, name in enumerate(names) if "_out_of_range_share_" in name]
        self._share_indices = np.array(shares, dtype=int)
        self._time_index = names.index("session_time") if "session_time" in names else -1

    @property
    def running(self) -> bool:
        """Whether a row came within the last five seconds."""
        return time.time() - self.received_s < RUNNING_S

    def time_of(self, values: Floats, event_us: int) -> float:
        """Session time of a row, seconds; seconds since the epoch where no feature holds it."""
        return float(values[self._time_index]) if self._time_index >= 0 else event_us / 1e6

    def add(self, values: Floats, event_us: int, created_us: int, received_s: float) -> bool:
        """Take one row, shape (names,), and say whether it went into the trail, too.

        A row that is not newer than the newest one is left out, unless it begins the session anew.
        Raises `WireError` for a row whose session time is no time.
        """
        time_s = self.time_of(values, event_us)
        if not abs(time_s) < MOST_S:
            raise WireError(f"session_time is {time_s!r}, which is no time of a session")
        if time_s <= self._newest_s:
            if time_s > self._newest_s - RESTART_S:
                return False
            self.restart()
        self._newest_s = time_s
        self.epoch_us = event_us - round(time_s * 1e6)
        self.rows.append(values)
        self.received_s = received_s
        self.delays_ms.append(received_s * 1000 - created_us / 1000)
        slot = int(time_s * TRAIL_HZ + 1e-6)
        if slot == self._trail_slot:
            return False
        self._trail_slot = slot
        self.trail.append(self.trail_row(values))
        return True

    def restart(self) -> None:
        """Forget rows, trail and predictions, because the session begins anew."""
        self.restarts += 1
        self.rows = Rows(len(self.names), ROWS_KEPT)
        self.trail = Rows(len(TRAIL), TRAIL_KEPT)
        self.predictions = {}
        self.moments = {}
        self._trail_slot, self._newest_s = -(2**62), -np.inf

    def trail_row(self, values: Floats) -> Floats:
        """The row of the trail, shape (TRAIL,), that belongs to a row of features."""
        row = np.append(values, np.nan)[self._trail_indices]
        if len(self._share_indices):
            row[INDEX["out_of_range"]] = values[self._share_indices].max()
        return row

    def value(self, name: str) -> float:
        """The newest value of a feature; NaN where there is none."""
        newest = self.rows.newest
        if newest is None or name not in self.names:
            return float("nan")
        return float(newest[self.names.index(name)])


def entity_key(vehicle: str, session: str) -> str:
    """Vehicle and session as one text, for a select's value or a link."""
    return f"{vehicle}\x1f{session}"


def entity_of(key: str) -> tuple[str, str]:
    """Vehicle and session of an `entity_key`."""
    vehicle, _, session = key.partition("\x1f")
    return vehicle, session
