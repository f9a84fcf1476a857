"""What each feature means, written for reading, not for speed: the tests' oracle for the Flink operator.

Independent of the operator: plain lists, every window looked at afresh. Sums may differ from the operator's in the last
bits; counts, extremes, lags, shares and laps are equal.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pitwall.channels.table import CHANNELS
from pitwall.features.definitions import Feature, FeatureSet

Tick = tuple[int, Mapping[str, float]]
"""Session time in microseconds, and the finite or NaN value of each channel that was sent, by wire id."""

GRID_M = 10.0


@dataclass
class _Lap:
    """One lap, from its start to now."""

    number: int
    start_s: float
    whole: bool
    length_m: float
    """Length of the last whole lap before it; NaN where there was none."""
    points: list[tuple[float, float]] = field(default_factory=list)
    """(time in s, distance in m) of each tick."""
    farthest: float = -math.inf

    def add(self, time: float, distance: float) -> None:
        """One more tick."""
        self.points.append((time, distance))
        self.farthest = max(self.farthest, distance)

    def crossing(self, line: float) -> float:
        """Time since lap start at which the lap passed `line` metres, interpolated."""
        before = (self.start_s, 0.0)
        for time, distance in self.points:
            if distance >= line:
                share = (
                    max(0.0, (line - before[1]) / (distance - before[1]))
                    if distance > before[1]
                    else 1.0
                )
                return before[0] + share * (time - before[0]) - self.start_s
            before = (time, distance)
        return math.nan

    def sectors(self, count: int) -> dict[int, float]:
        """When each sector was entered, by number; NaN for one the lap was first seen inside of. Empty without a length.

        Sectors are entered in rising order; one that lies wholly between two ticks is not among them.
        """
        entered: dict[int, float] = {}
        if math.isnan(self.length_m):
            return entered
        before = (math.nan, math.nan)
        for time, distance in self.points:
            now = min(count, 1 + int(distance / self.length_m * count))
            if not entered:
                entered[now] = self.start_s if self.whole and now == 1 else math.nan
            elif now > max(entered):
                line = self.length_m * (now - 1) / count
                rise = distance - before[1]
                entered[now] = (
                    before[0] + (line - before[1]) / rise * (time - before[0]) if rise > 0 else time
                )
            before = (time, distance)
        return entered

    def sector_times(self, count: int, end_s: float) -> list[float]:
        """Time of each sector driven whole, of a lap that ended at `end_s`; NaN for the others."""
        entered = {**self.sectors(count), count + 1: end_s}
        return [
            entered.get(n + 1, math.nan) - entered.get(n, math.nan) for n in range(1, count + 1)
        ]


def reference(
    features: FeatureSet, ticks: Sequence[Tick], at: Collection[int] | None = None
) -> list[dict[str, float | None]]:
    """The features of one session's ticks, given in order: a row a tick, None for null.

    `at`: only the rows of these indices, in rising order. A row costs time in proportion to the ticks before it.
    """
    rows = []
    lap: _Lap | None = None
    best: _Lap | None = None
    length = math.nan
    state = {"last_lap_time": math.nan, "best_lap_time": math.nan}
    for which in ("last", "best"):
        state |= {f"{which}_sector_time/{n}": math.nan for n in range(1, features.sectors + 1)}
    for i, (now, values) in enumerate(ticks):
        time = now * 1e-6
        d = values.get(features.distance, math.nan)
        if not math.isnan(d):
            if lap is None:
                lap = _Lap(1, time, d < 100, length)
            elif d < lap.points[-1][1] - 0.5 * lap.farthest and lap.farthest > 200:
                end = _finish_line(lap, time, d)
                if lap.whole:
                    length = lap.farthest
                    state["last_lap_time"] = end - lap.start_s
                    if not state["last_lap_time"] >= state["best_lap_time"]:
                        state["best_lap_time"], best = state["last_lap_time"], lap
                    for n, taken in enumerate(lap.sector_times(features.sectors, end), start=1):
                        state[f"last_sector_time/{n}"] = taken
                        state[f"best_sector_time/{n}"] = min(
                            state[f"best_sector_time/{n}"], taken, key=_or_infinite
                        )
                lap = _Lap(lap.number + 1, end, True, length)
            lap.add(time, d)
        if at is not None and i not in at:
            continue
        row: dict[str, float | None] = {}
        for feature in features.features:
            value = _value(features, feature, ticks, i, lap, best, state)
            row[feature.name] = value + 0.0 if math.isfinite(value) else None  # No -0.0
        rows.append(row)
    return rows


def _or_infinite(time: float) -> float:
    return math.inf if math.isnan(time) else time


def _finish_line(lap: _Lap, time: float, d: float) -> float:
    """When the car crossed the line, between its last tick before and the first one after."""
    last_time, last_distance = lap.points[-1]
    if len(lap.points) < 2:
        return time
    before_time, before_distance = lap.points[-2]
    speed = (last_distance - before_distance) / (last_time - before_time)
    return min(time, max(last_time, time - d / speed)) if speed > 0 else time


def _value(
    features: FeatureSet,
    feature: Feature,
    ticks: Sequence[Tick],
    i: int,
    lap: _Lap | None,
    best: _Lap | None,
    state: dict[str, float],
) -> float:
    now, values = ticks[i]
    kind, channel = feature.kind, feature.channel or ""
    if kind in state:
        return state[kind]
    if kind in ("last_sector_time", "best_sector_time"):
        return state[f"{kind}/{feature.argument:g}"]
    if kind == "session_time":
        return now * 1e-6
    if kind == "last":
        return values.get(channel, math.nan)
    if kind in ("lag", "diff"):
        old = [
            v[channel]
            for t, v in ticks[: i + 1]
            if t <= now - round(feature.window_s * 1e6) and _there(v, channel)
        ]
        lagged = old[-1] if old else math.nan
        return lagged if kind == "lag" else values.get(channel, math.nan) - lagged
    if kind in ("ticks", "gaps"):
        spacings = [
            (ticks[k][0] - ticks[k - 1][0]) * 1e-6 if k else 0.0 for k in _window(feature, ticks, i)
        ]
        return (
            float(len(spacings))
            if kind == "ticks"
            else float(sum(s > feature.argument for s in spacings))
        )
    if feature.window_s:
        return _rolling(feature, ticks, i)
    if kind in ("lap_mean", "lap_integral"):
        first_s = -math.inf if lap is None or lap.number == 1 else lap.points[0][0] - 1e-9
        since = [k for k in range(i + 1) if ticks[k][0] * 1e-6 >= first_s]
        part = [
            (ticks[k][1][channel], (ticks[k][0] - ticks[k - 1][0]) * 1e-6 if k else 0.0)
            for k in since
            if _there(ticks[k][1], channel)
        ]
        if not part:
            return math.nan
        return (
            sum(v for v, _ in part) / len(part)
            if kind == "lap_mean"
            else sum(v * dt for v, dt in part)
        )
    if lap is None:
        return math.nan
    if kind == "lap_number":
        return float(lap.number)
    if kind == "lap_time":
        return now * 1e-6 - lap.start_s
    if kind == "lap_from_start":
        return float(lap.whole)
    if kind == "lap_fraction":
        return min(lap.points[-1][1] / lap.length_m, 1.0)  # NaN stays NaN in this order
    if kind in ("sector", "sector_time"):
        entered = lap.sectors(features.sectors)
        if not entered:
            return math.nan
        return float(max(entered)) if kind == "sector" else now * 1e-6 - entered[max(entered)]
    if kind == "delta_to_best":
        return _delta(lap, best, now * 1e-6)
    if kind == "delta_to_reference":
        return _delta_to_reference(lap, features.references[feature.reference or ""], now * 1e-6)
    raise ValueError(f"no reference for features of kind {kind!r}")


def _delta(lap: _Lap, best: _Lap | None, time: float) -> float:
    distance = lap.points[-1][1]
    if best is None or not lap.whole or distance < 0:
        return math.nan
    line = math.floor(distance / GRID_M) * GRID_M
    if line + GRID_M > best.farthest:
        return math.nan
    a, b = best.crossing(line), best.crossing(line + GRID_M)
    return time - lap.start_s - (a + (distance - line) / GRID_M * (b - a))


def _delta_to_reference(lap: _Lap, times: Sequence[float], time: float) -> float:
    distance = lap.points[-1][1]
    line = math.floor(distance / GRID_M)
    if not lap.whole or distance < 0 or line + 1 >= len(times):
        return math.nan
    return (
        time
        - lap.start_s
        - (times[line] + (distance / GRID_M - line) * (times[line + 1] - times[line]))
    )


def _there(values: Mapping[str, float], channel: str) -> bool:
    return not math.isnan(values.get(channel, math.nan))


def _window(feature: Feature, ticks: Sequence[Tick], i: int) -> list[int]:
    """Indices of the ticks in (t − w, t]."""
    start = ticks[i][0] - round(feature.window_s * 1e6)
    first = i
    while first >= 0 and ticks[first][0] > start:
        first -= 1
    return list(range(first + 1, i + 1))


def _rolling(feature: Feature, ticks: Sequence[Tick], i: int) -> float:
    channel = feature.channel or ""
    sent = [
        (ticks[k][0], ticks[k][1][channel])
        for k in _window(feature, ticks, i)
        if channel in ticks[k][1]
    ]
    if feature.kind == "nan_share":
        return sum(math.isnan(v) for _, v in sent) / len(sent) if sent else math.nan
    samples = [(t, v) for t, v in sent if not math.isnan(v)]
    if feature.kind == "rolling_count":
        return float(len(samples))
    if not samples:
        return math.nan
    n, x = len(samples), [v for _, v in samples]
    mean = math.fsum(x) / n
    if feature.kind == "rolling_slope":
        seconds = [(t - samples[0][0]) * 1e-6 for t, _ in samples]
        middle = math.fsum(seconds) / n
        spread = math.fsum((s - middle) ** 2 for s in seconds)
        return (
            math.fsum((s - middle) * (v - mean) for s, v in zip(seconds, x, strict=True)) / spread
            if spread
            else math.nan
        )
    table = {
        "rolling_mean": mean,
        "rolling_min": min(x),
        "rolling_max": max(x),
        "rolling_range": max(x) - min(x),
        "rolling_std": math.sqrt(math.fsum((v - mean) ** 2 for v in x) / n),
        "rolling_rms": math.sqrt(math.fsum(v * v for v in x) / n),
        "share_above": sum(v > feature.argument for v in x) / n,
        "share_below": sum(v < feature.argument for v in x) / n,
    }
    if feature.kind == "out_of_range_share":
        low, high = (c := feature.own or CHANNELS[channel]).low, c.high
        return sum(not low <= v <= high for v in x) / n
    return table[feature.kind]
