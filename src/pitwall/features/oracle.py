"""What each feature means, written for reading, not for speed: the oracle that the tests believe.

The oracle is independent of the operator: it keeps plain lists and looks at every window afresh.
Sums may differ from the operator's in their last bits; counts, extremes, lags, shares and laps are
equal.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from pitwall.channels.table import CHANNELS
from pitwall.features.definitions import FeatureSet
from pitwall.features.feature import Feature
from pitwall.features.kinds import Kind
from pitwall.features.maths.ticks import with_maths
from pitwall.features.oracle_laps import Lap, Line, delta_to_grid, delta_to_lap
from pitwall.features.oracle_sums import deviation, integral, mean, root_mean_square, slope
from pitwall.features.reference_laps import LONGEST_M

Tick = tuple[int, Mapping[str, float]]
"""Session time in microseconds, and the value of each channel that was sent, by wire id.

A value is finite, or NaN where NaN, an infinity or null was sent.
"""


def reference(
    features: FeatureSet, ticks: Sequence[Tick], at: Collection[int] | None = None
) -> list[dict[str, float | None]]:
    """The features of one session, whose ticks are given in order: a row a tick, None for null.

    With `at` only the rows of these indices. A row costs time in proportion to the ticks before it.
    """
    if features.maths:
        ticks = list(with_maths(features.maths, ticks, new_laps(features, ticks)))
    laps = _Laps(features)
    rows = []
    for i, (time_us, values) in enumerate(ticks):
        laps.add(time_us * 1e-6, values.get(features.distance, math.nan))
        if at is not None and i not in at:
            continue
        row: dict[str, float | None] = {}
        for feature in features.features:
            value = _value(feature, ticks, i, laps)
            row[feature.name] = value + 0.0 if math.isfinite(value) else None  # no -0.0
        rows.append(row)
    return rows


def new_laps(features: FeatureSet, ticks: Sequence[Tick]) -> list[bool]:
    """For each tick whether a lap other than the session's first begins with it."""
    laps = _Laps(features)
    begins = []
    for time_us, values in ticks:
        before = laps.lap
        laps.add(time_us * 1e-6, values.get(features.distance, math.nan))
        begins.append(before is not None and laps.lap is not before)
    return begins


class _Laps:
    """The laps of one session: the present one, the best one, and the times of those that ended."""

    def __init__(self, features: FeatureSet) -> None:
        self.references = features.references
        self.sectors = features.sectors
        self.lap: Lap | None = None
        self.best: Lap | None = None
        self.length_m = math.nan
        self.lengths_m: list[float] = []
        """Lengths of the circuit by the last 31 laps that can tell it."""
        self.last_whole_m = self.best_m = math.nan
        """The same by the last whole lap and by the best one."""
        self.last_time = self.best_time = math.nan
        self.last_sectors = [math.nan] * features.sectors
        self.best_sectors = [math.nan] * features.sectors

    def add(self, time_s: float, distance_m: float) -> None:
        """Add one tick. A distance that no lap is long enough for is none."""
        if not abs(distance_m) <= LONGEST_M:
            return
        lap = self.lap
        if lap is None:
            begins = 0 <= distance_m < 100
            lap = Lap(1, time_s, distance_m, begins, self.length_m)
            lap.turned_m = 0.0 if distance_m < 0 else None
        elif line := lap.line(time_s, distance_m):
            self._end(lap, line)
            lap = Lap(lap.number + 1, line.time_s, line.start_m, True, self.length_m)
        lap.add(time_s, distance_m)
        self.lap = lap

    def _end(self, lap: Lap, line: Line) -> None:
        """A lap is whole that was seen from its start, has no jump and the circuit's length."""
        self.last_time, self.last_sectors = math.nan, [math.nan] * self.sectors
        if not (lap.from_start and lap.continuous):
            return
        # A session may begin a little behind the line.
        circuit_m = line.end_m - (0 if lap.number == 1 else lap.start_m)
        self.lengths_m = [*self.lengths_m, circuit_m][-31:]
        if not math.isnan(self.best_m) and not self._is_circuit(self.best_m):
            self.best_m, self.best_time, self.best = math.nan, math.nan, None
            self.best_sectors = [math.nan] * self.sectors
        if not math.isnan(self.last_whole_m) and not self._is_circuit(self.last_whole_m):
            self.last_whole_m = self.length_m = math.nan
        if not self._is_circuit(line.end_m - lap.start_m):
            return
        self.length_m, self.last_whole_m = lap.farthest_m, circuit_m
        self.last_time = line.time_s - lap.start_s
        if not self.last_time >= self.best_time:  # true also while the best time is NaN
            self.best_time, self.best, self.best_m = self.last_time, lap, circuit_m
        self.last_sectors = lap.sector_times(self.sectors, line.time_s)
        self.best_sectors = [
            min(best, time, key=_or_infinite)
            for best, time in zip(self.best_sectors, self.last_sectors, strict=True)
        ]

    def _is_circuit(self, metres: float) -> bool:
        """Whether the length is the circuit's, which is the median of the laps' lengths."""
        circuit = sorted(self.lengths_m)[len(self.lengths_m) // 2]
        return abs(metres - circuit) <= 0.02 * circuit


def _or_infinite(time: float) -> float:
    return math.inf if math.isnan(time) else time


def _value(feature: Feature, ticks: Sequence[Tick], i: int, laps: _Laps) -> float:
    """One feature at tick `i`; NaN for null."""
    time_us, values = ticks[i]
    channel = feature.channel or ""
    match feature.kind:
        case Kind.SESSION_TIME:
            return time_us * 1e-6
        case Kind.LAST:
            return values.get(channel, math.nan)
        case Kind.LAG:
            return _lagged(feature, ticks, i)
        case Kind.DIFF:
            return values.get(channel, math.nan) - _lagged(feature, ticks, i)
        case Kind.TICKS:
            return float(len(_window(feature, ticks, i)))
        case Kind.GAPS:
            spacings = [_spacing(ticks, k) for k in _window(feature, ticks, i)]
            return float(sum(spacing > feature.argument for spacing in spacings))
        case _ if feature.window_s:
            return _rolling(feature, ticks, i)
        case Kind.LAST_LAP_TIME:
            return laps.last_time
        case Kind.BEST_LAP_TIME:
            return laps.best_time
        case Kind.LAST_SECTOR_TIME:
            return laps.last_sectors[int(feature.argument) - 1]
        case Kind.BEST_SECTOR_TIME:
            return laps.best_sectors[int(feature.argument) - 1]
        case Kind.LAP_MEAN | Kind.LAP_INTEGRAL:
            return _since_lap_start(feature, ticks, i, laps.lap)
        case _ if laps.lap is None:
            return math.nan
        case _:
            return _lap_state(feature, time_us * 1e-6, laps, laps.lap)


def _lap_state(feature: Feature, time_s: float, laps: _Laps, lap: Lap) -> float:
    match feature.kind:
        case Kind.LAP_NUMBER:
            return float(lap.number)
        case Kind.LAP_TIME:
            return time_s - lap.start_s
        case Kind.LAP_FROM_START:
            return float(lap.from_start)
        case Kind.LAP_FRACTION | Kind.SECTOR | Kind.SECTOR_TIME if not lap.placed:
            return math.nan
        case Kind.LAP_FRACTION:
            return min(lap.points[-1][1] / lap.length_m, 1.0)  # NaN stays NaN in this order
        case Kind.SECTOR:
            return float(max(lap.sectors(laps.sectors), default=math.nan))
        case Kind.SECTOR_TIME:
            entered = lap.sectors(laps.sectors)
            return time_s - entered[max(entered)] if entered else math.nan
        case Kind.DELTA_TO_BEST:
            return delta_to_lap(lap, laps.best, time_s)
        case Kind.DELTA_TO_REFERENCE:
            return delta_to_grid(lap, laps.references[feature.reference or ""], time_s)
        case _:
            raise ValueError(f"the oracle does not know features of kind {feature.kind.value!r}")


def _sent(values: Mapping[str, float], channel: str) -> bool:
    return not math.isnan(values.get(channel, math.nan))


def _spacing(ticks: Sequence[Tick], k: int) -> float:
    """Seconds from the tick before to tick `k`; 0 for the first one."""
    return (ticks[k][0] - ticks[k - 1][0]) * 1e-6 if k else 0.0


def _lagged(feature: Feature, ticks: Sequence[Tick], i: int) -> float:
    channel = feature.channel or ""
    newest_us = ticks[i][0] - round(feature.window_s * 1e6)
    old = [
        values[channel]
        for time_us, values in ticks[: i + 1]
        if time_us <= newest_us and _sent(values, channel)
    ]
    return old[-1] if old else math.nan


def _since_lap_start(feature: Feature, ticks: Sequence[Tick], i: int, lap: Lap | None) -> float:
    channel = feature.channel or ""
    # Samples before the first distance count in the first lap.
    first_s = -math.inf if lap is None or lap.number == 1 else lap.ticks[0][0] - 1e-9
    since = [k for k in range(i + 1) if ticks[k][0] * 1e-6 >= first_s]
    if feature.kind is Kind.LAP_MEAN:
        samples = [ticks[k][1][channel] for k in since if _sent(ticks[k][1], channel)]
        return mean(samples) if samples else math.nan
    steps = _steps(channel, ticks, i, ticks[since[0] - 1][0] if since[0] else None)
    counted = [(value, seconds) for k, value, seconds in steps if k >= since[0]]
    return integral(*zip(*counted, strict=True)) if counted else math.nan


def _steps(
    channel: str, ticks: Sequence[Tick], i: int, begin_us: int | None
) -> list[tuple[int, float, float]]:
    """The channel as a step function up to tick `i`: tick, value and length in seconds.

    A step is the time since the channel was sent before, or since the tick before where it never
    was, and in any case since `begin_us`, the last tick of the lap before.
    """
    steps = []
    sent_us: int | None = None
    for k in range(i + 1):
        time_us, values = ticks[k]
        if channel not in values:
            continue
        from_us = ticks[max(k - 1, 0)][0] if sent_us is None else sent_us
        from_us = from_us if begin_us is None or sent_us is None else max(from_us, begin_us)
        sent_us = time_us
        if _sent(values, channel):
            steps.append((k, values[channel], (time_us - from_us) * 1e-6))
    return steps


def _window(feature: Feature, ticks: Sequence[Tick], i: int) -> list[int]:
    """Indices of the ticks in (t − w, t]."""
    start = ticks[i][0] - round(feature.window_s * 1e6)
    first = i
    while first >= 0 and ticks[first][0] > start:
        first -= 1
    return list(range(first + 1, i + 1))


def _rolling(feature: Feature, ticks: Sequence[Tick], i: int) -> float:
    """A statistic of the channel's samples in the window; NaN where it has none."""
    channel = feature.channel or ""
    sent = [
        (ticks[k][0], ticks[k][1][channel])
        for k in _window(feature, ticks, i)
        if channel in ticks[k][1]
    ]
    if feature.kind is Kind.NAN_SHARE:
        return sum(math.isnan(value) for _, value in sent) / len(sent) if sent else math.nan
    samples = [(time_us, value) for time_us, value in sent if not math.isnan(value)]
    if feature.kind is Kind.ROLLING_COUNT:
        return float(len(samples))
    if not samples:
        return math.nan
    x = [value for _, value in samples]
    match feature.kind:
        case Kind.ROLLING_MEAN:
            return mean(x)
        case Kind.ROLLING_MIN:
            return min(x)
        case Kind.ROLLING_MAX:
            return max(x)
        case Kind.ROLLING_RANGE:
            return max(x) - min(x)
        case Kind.ROLLING_STD:
            return deviation(x)
        case Kind.ROLLING_RMS:
            return root_mean_square(x)
        case Kind.ROLLING_SLOPE:
            return slope([(time_us - samples[0][0]) * 1e-6 for time_us, _ in samples], x)
        case Kind.SHARE_ABOVE:
            return sum(value > feature.argument for value in x) / len(x)
        case Kind.SHARE_BELOW:
            return sum(value < feature.argument for value in x) / len(x)
        case Kind.OUT_OF_RANGE_SHARE:
            definition = feature.own or CHANNELS[channel]
            return sum(not definition.low <= value <= definition.high for value in x) / len(x)
        case _:
            raise ValueError(f"the oracle does not know features of kind {feature.kind.value!r}")
