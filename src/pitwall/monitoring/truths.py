"""Live quality: what was predicted meets what came true, and the features are watched for drift.

Plain state machines, fed with rows and predictions of any number of sessions; who reads topics or draws is elsewhere.
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

PARTS = 10
SILENT_S = 30.0
"""A session that says nothing for so long is over."""
RELEASED_S = 600.0
"""A session that says nothing for so long is forgotten: the job too begins it anew then."""
Array = NDArray[np.float64]


@dataclass
class _Open:
    """The lap a session is in: its trace, and predictions that wait for their truth."""

    number: float
    heard: float
    """By the clock of who feeds it, s."""
    at_us: list[int] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    distances_m: list[float] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Score:
    """Absolute errors of one model version by tenth of the lap, counts and sums, and how many truths lay in their interval."""

    unit: str
    count: Array = field(default_factory=lambda: np.zeros(PARTS))
    total: Array = field(default_factory=lambda: np.zeros(PARTS))
    promised: int = 0
    """Predictions that came with an interval."""
    held: int = 0
    """Truths that lay in it."""

    @property
    def mae(self) -> float:
        """Mean absolute error over all."""
        return float(self.total.sum() / self.count.sum()) if self.count.sum() else float("nan")

    def by_part(self) -> list[float | None]:
        """Mean absolute error by tenth of the lap; None where nothing has met its truth."""
        return [float(t / n) if n else None for t, n in zip(self.total, self.count, strict=True)]


class Truths:
    """Holds predictions until a lap ends, then scores them: by model and version, and by part of the lap.

    `labels` says how each model's truth is obtained: `("lap", None)`, `("ahead", metres)` or `("feature", name)`, as its task
    does. Laps not seen from their start are not scored. Of more than `keep` sessions the oldest are given up. A lap ends
    when the next one begins, or when the session falls silent (`SILENT_S`) where a lap is known to end (`length_m`).
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
        """A lap's length, where it is known."""
        self._laps: dict[tuple[str, str], _Open] = {}
        self._recent: dict[tuple[str, str], deque[tuple[int, dict[str, float]]]] = defaultdict(
            lambda: deque(maxlen=3000)
        )
        self._keep = keep
        self.needs = (
            "lap_number",
            "lap_time",
            "lap_distance",
            "lap_last_time",
            *(what for kind, what in labels.values() if kind == "feature"),
        )
        """The features `row` looks at."""
        self.scores: dict[tuple[str, int], Score] = {}

    def row(
        self, vehicle: str, session: str, event_us: int, values: dict[str, float | None]
    ) -> None:
        """One feature row, in the session's order."""
        key = (vehicle, session)
        number, time, distance = (
            values.get(name) for name in ("lap_number", "lap_time", "lap_distance")
        )
        wanted = [name for kind, name in self._labels.values() if kind == "feature"]
        if wanted:
            self._recent[key].append(
                (event_us, {name: values[name] for name in wanted if values.get(name) is not None})  # type: ignore[misc]
            )
        if number is None or time is None or distance is None:
            return
        lap = self._laps.get(key)
        if lap is None or number != lap.number:
            last = values.get("lap_last_time")
            if (
                lap is not None
                and number == lap.number + 1
                and last is not None
                and lap.distances_m
                and lap.distances_m[0] < 100
            ):
                self._settle(lap, last)
            lap = self._laps[key] = _Open(number, self._clock())
            while len(self._laps) > self._keep:
                oldest = next(iter(self._laps))
                del self._laps[oldest]
                self._recent.pop(oldest, None)
        lap.heard = self._clock()
        if not lap.distances_m or distance > lap.distances_m[-1]:
            lap.at_us.append(event_us)
            lap.times_s.append(time)
            lap.distances_m.append(distance)

    def prediction(self, message: dict[str, Any]) -> None:
        """One prediction as it stands on its topic, after its row. One of a lap that is over already does not count."""
        kind, what = self._labels.get(message["model"], (None, None))
        key = (message["vehicle"], message["session"])
        lap = self._laps.get(key)
        event_us = round(datetime.fromisoformat(message["event_time"]).timestamp() * 1e6)
        if kind is None or lap is None or not lap.at_us or event_us < lap.at_us[0]:
            return
        # Event times in messages have milliseconds.
        place = max(0, bisect_right(lap.at_us, event_us + 999) - 1)
        where = {"at": lap.distances_m[place], "time": lap.times_s[place]}
        if kind == "feature":
            truth = next(
                (
                    values.get(str(what))
                    for at, values in reversed(self._recent[key])
                    if abs(at - event_us) < 1000
                ),
                None,
            )
            if truth is not None:
                lap.waiting.append({**message, **where, "truth": truth})
            return
        lap.waiting.append({**message, **where})

    def close_silent(self) -> None:
        """Score the laps of sessions that ended with them, seen from the start to within 0.5 % of the length; forget the released."""
        now = self._clock()
        for key, lap in list(self._laps.items()):
            silent = now - lap.heard
            if lap.waiting and silent > SILENT_S and self._whole(lap):
                self._settle(lap, lap.times_s[-1])
                lap.waiting.clear()
            if silent > RELEASED_S:
                del self._laps[key]
                self._recent.pop(key, None)

    def _whole(self, lap: _Open) -> bool:
        return (
            self.length_m is not None
            and lap.distances_m[0] < 100
            and abs(lap.distances_m[-1] / self.length_m - 1) < 0.005
        )

    def _settle(self, lap: _Open, final_s: float) -> None:
        times, distances = np.array(lap.times_s), np.array(lap.distances_m)
        for message in lap.waiting:
            kind, what = self._labels[message["model"]]
            truth = message.get("truth")
            if kind == "lap":
                truth = final_s
            elif kind == "ahead" and message["at"] + what <= distances[-1]:
                truth = float(np.interp(message["at"] + what, distances, times)) - message["time"]
            if truth is None:
                continue
            score = self.scores.setdefault(
                (message["model"], int(message["version"])), Score(message["unit"])
            )
            part = min(PARTS - 1, int(message["at"] / distances[-1] * PARTS))
            score.count[part] += 1
            score.total[part] += abs(message["value"] - truth)
            if message.get("low") is not None and message.get("high") is not None:
                score.promised += 1
                score.held += message["low"] <= truth <= message["high"]

    def metrics(self) -> str:
        """The scores in Prometheus' text format."""
        lines = [
            "# TYPE pitwall_prediction_error gauge",
            "# TYPE pitwall_predictions_scored counter",
            "# TYPE pitwall_prediction_coverage gauge",
        ]
        for (model, version), score in sorted(self.scores.items()):
            labels = f'model="{model}",version="{version}",unit="{score.unit}"'
            for part, mean in enumerate(score.by_part()):
                if mean is not None:
                    lines.append(f'pitwall_prediction_error{{{labels},part="{part}"}} {mean:.6g}')
            lines.append(f"pitwall_predictions_scored{{{labels}}} {score.count.sum():.0f}")
            if score.promised:
                lines.append(
                    f"pitwall_prediction_coverage{{{labels}}} {score.held / score.promised:.4g}"
                )
        return "\n".join(lines) + "\n"
