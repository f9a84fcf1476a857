"""Errors of live predictions: each prediction waits until its lap ends, then it meets its truth.

Callers feed it with the feature rows and predictions of any number of sessions.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitwall.monitoring.silence import RELEASED_S, SILENT_S

PARTS = 10
"""A lap is divided into so many parts of equal length."""
START_M = 100.0
"""A lap whose first row lies within this distance was seen from its start."""
MOST_WAITING = 20_000
"""Predictions of one lap that wait for its end; of more, the oldest are dropped."""
MOST_SCORES = 200
"""Models' versions that are scored; beyond that, predictions of further ones are left out."""
KEPT_ROWS = 3000
"""Rows of a session that are kept for truths that are features."""
Array = NDArray[np.float64]


@dataclass
class _OpenLap:
    """The lap that a session is in: its trace, and the predictions that wait for their truth."""

    number: float
    heard_s: float
    """When the last row came, by the clock of `Truths`."""
    at_us: list[int] = field(default_factory=list)
    """Event time of each row, µs since the epoch."""
    times_s: list[float] = field(default_factory=list)
    """Time in the lap of each row."""
    distances_m: list[float] = field(default_factory=list)
    """Distance in the lap of each row, rising."""
    waiting: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    """Predictions as on their topic, with `at` (m) and `time` (s) in the lap; and `truth`, where
    it is known already."""

    @property
    def from_start(self) -> bool:
        """Whether the lap was seen from its start."""
        return bool(self.distances_m) and self.distances_m[0] < START_M


@dataclass
class Score:
    """Absolute errors of one model version, by tenth of the lap, and what its intervals held."""

    unit: str
    """Unit of the errors."""
    count: Array = field(default_factory=lambda: np.zeros(PARTS))
    """Predictions scored, shape (PARTS,)."""
    total: Array = field(default_factory=lambda: np.zeros(PARTS))
    """Sum of their absolute errors, shape (PARTS,)."""
    promised: int = 0
    """Predictions that came with an interval."""
    held: int = 0
    """Truths that lay in that interval."""

    @property
    def mae(self) -> float:
        """Mean absolute error over the whole lap; NaN where nothing was scored."""
        return float(self.total.sum() / self.count.sum()) if self.count.sum() else float("nan")

    def by_part(self) -> list[float | None]:
        """Mean absolute error by tenth of the lap; None where nothing was scored."""
        return [float(t / n) if n else None for t, n in zip(self.total, self.count, strict=True)]


class Truths:
    """Holds predictions until their lap ends, then scores them by model and version.

    `labels` says for each model how its truth is obtained, as the model's task does:
    `("lap", None)` is the lap's time, `("ahead", metres)` the time for the next metres, and
    `("feature", name)` the feature's value in the same row. A lap ends when the next one begins,
    or when the session falls silent (`SILENT_S`) where the lap's length is known (`length_m`).
    Laps not seen from their start are not scored. Beyond `keep` sessions the oldest are dropped.
    `clock` gives seconds.
    """

    def __init__(
        self,
        labels: dict[str, tuple[str, Any]],
        keep: int = 1000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._labels = labels
        self._clock = clock
        self.length_m: float | None = None
        """A lap's length, or None where it is not known."""
        self._laps: dict[tuple[str, str], _OpenLap] = {}
        self._recent: dict[tuple[str, str], deque[tuple[int, dict[str, float]]]] = defaultdict(
            lambda: deque(maxlen=KEPT_ROWS)
        )
        """Event time (µs) and the features that are truths, of the newest rows."""
        self._keep = keep
        self._truth_features = [name for kind, name in labels.values() if kind == "feature"]
        self.needs = (
            "lap_number",
            "lap_time",
            "lap_distance",
            "lap_last_time",
            *self._truth_features,
        )
        """The features that `row` reads."""
        self.scores: dict[tuple[str, int], Score] = {}
        """By model and version."""

    def row(
        self, vehicle: str, session: str, event_us: int, values: dict[str, float | None]
    ) -> None:
        """Take one feature row. Rows of a session come in their order; None stands for null."""
        key = (vehicle, session)
        if self._truth_features:
            present = ((name, values.get(name)) for name in self._truth_features)
            truths = {name: value for name, value in present if value is not None}
            self._recent[key].append((event_us, truths))
            while len(self._recent) > self._keep:
                del self._recent[next(iter(self._recent))]
        number, time_s, distance_m = (
            values.get(name) for name in ("lap_number", "lap_time", "lap_distance")
        )
        if number is None or time_s is None or distance_m is None:
            return
        lap = self._laps.get(key)
        if lap is None or number != lap.number:
            last_s = values.get("lap_last_time")
            followed = lap is not None and number == lap.number + 1
            if lap is not None and followed and last_s is not None and lap.from_start:
                self._score(lap, last_s)
            lap = self._laps[key] = _OpenLap(number, self._clock())
            while len(self._laps) > self._keep:
                oldest = next(iter(self._laps))
                del self._laps[oldest]
                self._recent.pop(oldest, None)
        lap.heard_s = self._clock()
        if not lap.distances_m or distance_m > lap.distances_m[-1]:
            lap.at_us.append(event_us)
            lap.times_s.append(time_s)
            lap.distances_m.append(distance_m)

    def prediction(self, message: dict[str, Any]) -> None:
        """Take one prediction as it is on its topic, after its row.

        It has the fields of `serving.prediction.read_prediction`. A prediction of a lap that is
        over already, or of a model without label, is left out.
        """
        kind, feature = self._labels.get(message["model"], (None, None))
        key = (message["vehicle"], message["session"])
        lap = self._laps.get(key)
        event_us = round(datetime.fromisoformat(message["event_time"]).timestamp() * 1e6)
        if kind is None or lap is None or not lap.at_us or event_us < lap.at_us[0]:
            return
        # Event times in messages have milliseconds only.
        row = max(0, bisect_right(lap.at_us, event_us + 999) - 1)
        waiting = {**message, "at": lap.distances_m[row], "time": lap.times_s[row]}
        if kind == "feature":
            truth = self._feature(key, str(feature), event_us)
            if truth is None:
                return
            waiting["truth"] = truth
        lap.waiting.append(waiting)

    def _feature(self, key: tuple[str, str], name: str, event_us: int) -> float | None:
        """A feature's value in the session's row of that millisecond; None where it had none."""
        for at_us, values in reversed(self._recent[key]):
            if abs(at_us - event_us) < 1000:
                return values.get(name)
        return None

    def close_silent(self) -> None:
        """Score the last lap of sessions that fell silent, and forget those that are released.

        Such a lap is scored where it was seen from its start to within 0.5 % of `length_m`.
        """
        now = self._clock()
        for key, lap in list(self._laps.items()):
            silent_s = now - lap.heard_s
            if lap.waiting and silent_s > SILENT_S and self._is_whole(lap):
                self._score(lap, lap.times_s[-1])
                lap.waiting.clear()
            if silent_s > RELEASED_S:
                del self._laps[key]
                self._recent.pop(key, None)

    def _is_whole(self, lap: _OpenLap) -> bool:
        return (
            self.length_m is not None
            and lap.from_start
            and abs(lap.distances_m[-1] / self.length_m - 1) < 0.005
        )

    def _score(self, lap: _OpenLap, lap_time_s: float) -> None:
        """Add the errors of the waiting predictions to the scores of their models."""
        times, distances = np.array(lap.times_s), np.array(lap.distances_m)
        if distances[-1] <= 0:
            return
        for message in lap.waiting:
            kind, ahead_m = self._labels[message["model"]]
            truth = message.get("truth")
            if kind == "lap":
                truth = lap_time_s
            elif kind == "ahead" and message["at"] + ahead_m <= distances[-1]:
                end_s = float(np.interp(message["at"] + ahead_m, distances, times))
                truth = end_s - message["time"]
            if truth is None:
                continue
            version = (message["model"], int(message["version"]))
            if version not in self.scores and len(self.scores) >= MOST_SCORES:
                continue
            score = self.scores.setdefault(version, Score(message["unit"]))
            part = min(PARTS - 1, max(0, int(message["at"] / distances[-1] * PARTS)))
            score.count[part] += 1
            score.total[part] += abs(message["value"] - truth)
            if message.get("low") is not None and message.get("high") is not None:
                score.promised += 1
                score.held += message["low"] <= truth <= message["high"]
