"""Finds the laps of a recording, by the best evidence that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pitwall.recordings.lap_evidence import (
    Evidence,
    Series,
    Source,
    TimedLap,
    clean,
    distance_parts,
    jumps,
    odometer,
)
from pitwall.recordings.lap_rule import WHOLE_SHARE, Part, circuit_length
from pitwall.recordings.lines import Track, passings
from pitwall.recordings.recording import Line

Floats = NDArray[np.float64]
LATE_STEPS = 3
"""A lap number that comes or ends so many of its own samples late or early tells a line, too."""
UNKNOWN_CIRCUIT_M = 1000.0
"""Stands for the circuit's length where only shares of a lap are known."""


def find_laps(evidence: Evidence) -> list[TimedLap]:
    """The laps, in order; empty where nothing tells that the line was passed.

    The source's own markers and changes of its lap number come first, then a line crossed by
    position, then a distance that falls back. Between two samples the time is interpolated.
    """
    return (
        _by_markers(evidence)
        or _by_lap_number(evidence)
        or _by_line(evidence)
        or _by_distance(evidence)
    )


def _by_markers(evidence: Evidence) -> list[TimedLap]:
    beacons = np.unique([b for b in evidence.beacons_s if np.isfinite(b)])
    if not len(beacons):
        return []
    span = evidence.span()
    if span is None:
        return _between(evidence, beacons, "marker") if len(beacons) > 1 else []
    inside = beacons[(beacons >= span[0] - 1e-6) & (beacons <= span[1] + _spacing(evidence))]
    laps = _between(evidence, inside, "marker")
    # Some loggers mark the end of the recording as they mark a line.
    if laps and laps[-1].kind == "timed" and not laps[-1].whole:
        last = laps[-1]
        if abs(last.end_s - span[1]) <= _spacing(evidence):
            ending = TimedLap(last.number, last.start_s, last.end_s, False, "marker", "in")
            laps = [*laps[:-1], ending]
    return laps


def _spacing(evidence: Evidence) -> float:
    """One and a half usual steps between two samples, in seconds; 0 with fewer than two."""
    times = evidence.sample_times()
    return 1.5 * float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def _by_lap_number(evidence: Evidence) -> list[TimedLap]:
    if evidence.lap_number is None:
        return []
    intervals = _changes(evidence, *clean(evidence.lap_number))
    if not intervals:
        return []
    if evidence.distance_m is not None:
        laps = _by_distance(evidence)
        starts = np.array([lap.start_s for lap in laps[1:]])
        if all(_inside(starts, *interval) is not None for interval in intervals):
            return laps
    lines = [after for _, after in intervals]
    path = evidence.track()
    if path is not None and (evidence.line or _is_coarse(intervals, path)):
        line = evidence.line or _common_place(intervals, path)
        crossings = passings(path, line) if line else np.empty(0)
        near = [_inside(crossings, *interval) for interval in intervals]
        lines = [line if at is None else at for line, at in zip(lines, near, strict=True)]
    return _between(evidence, np.unique(lines), "lap number")


def _changes(evidence: Evidence, times: Floats, numbers: Floats) -> list[tuple[float, float]]:
    """For each change of the number, the times of the samples before and behind the line.

    A number that begins late or ends early was told for the time between two lines only.
    """
    if not len(times):
        return []
    changed = np.flatnonzero(np.diff(numbers) != 0)
    intervals = list(zip(times[changed].tolist(), times[changed + 1].tolist(), strict=True))
    samples = evidence.sample_times()
    late = LATE_STEPS * (float(np.median(np.diff(times))) if len(times) > 1 else np.inf)
    first, last = float(times[0]), float(times[-1])
    if first - samples[0] > late:
        intervals.insert(0, (float(samples[np.searchsorted(samples, first) - 1]), first))
    if samples[-1] - last > late:
        intervals.append((last, float(samples[np.searchsorted(samples, last, "right")])))
    return intervals


def _inside(times: Floats, before_s: float, after_s: float) -> float | None:
    """The time that lies nearest to the end of the interval, at most its own length outside."""
    if not len(times):
        return None
    nearest = float(times[np.argmin(np.abs(times - after_s))])
    reach = after_s - before_s
    return nearest if before_s - reach <= nearest <= after_s + reach else None


def _is_coarse(intervals: Sequence[tuple[float, float]], path: Track) -> bool:
    """Whether the lap number comes more rarely than the position."""
    length = float(np.median([after - before for before, after in intervals]))
    return len(intervals) > 1 and length > 1.5 * float(np.median(np.diff(path.times_s)))


def _common_place(intervals: Sequence[tuple[float, float]], path: Track) -> Line | None:
    """The place on the first interval's way that the ways of all others come nearest to."""
    ways = [
        np.flatnonzero((path.times_s >= before) & (path.times_s <= after))
        for before, after in intervals
    ]
    ways = [way for way in ways if len(way) > 1]
    if len(ways) < 2:
        return None
    x, y = path.x_m, path.y_m
    apart = sum(
        np.hypot(x[ways[0]][:, None] - x[way], y[ways[0]][:, None] - y[way]).min(axis=1)
        for way in ways[1:]
    )
    place = int(ways[0][int(np.argmin(apart))])
    return path.line(float(x[place]), float(y[place]), path.heading_deg(place))


def _by_line(evidence: Evidence) -> list[TimedLap]:
    if evidence.line is None:
        return []
    path = evidence.track()
    return _between(evidence, passings(path, evidence.line), "line") if path is not None else []


def _between(evidence: Evidence, lines_s: Floats, told_by: Source) -> list[TimedLap]:
    """The laps between these times, and what lies before the first one and behind the last."""
    if not len(lines_s):
        return []
    start_s, end_s = evidence.span() or (float(lines_s[0]), float(lines_s[-1]))
    out = [start_s] if lines_s[0] - start_s > 1e-6 else []
    tail = [end_s] if end_s - lines_s[-1] > 1e-6 else []
    edges = [*out, *lines_s.tolist(), *tail]
    whole = _driven_whole(evidence, lines_s)
    laps = []
    for k, (a, b) in enumerate(pairwise(edges)):
        is_out, is_in = bool(out) and k == 0, bool(tail) and k == len(edges) - 2
        timed = not is_out and not is_in
        laps.append(
            TimedLap(
                k + 1,
                a,
                b,
                timed and whole[k - len(out)],
                told_by,
                "out" if is_out else "in" if is_in else "timed",
            )
        )
    return laps


def _driven_whole(evidence: Evidence, lines_s: Floats) -> list[bool]:
    """For each lap between two lines whether the circuit was driven, as far as it can be told."""
    driven = odometer(evidence)
    count = len(lines_s) - 1
    if driven is None or count < 1:
        return [True] * max(count, 0)
    lengths = np.diff(np.interp(lines_s, *driven))
    broken = np.searchsorted(lines_s, jumps(evidence)) - 1
    sound = np.ones(count, bool)
    sound[broken[(broken >= 0) & (broken < count)]] = False
    circuit = evidence.lap_length_m or circuit_length(lengths[sound].tolist())
    fits: list[bool] = (sound & (np.abs(lengths - circuit) <= WHOLE_SHARE * circuit)).tolist()
    return fits


def _by_distance(evidence: Evidence) -> list[TimedLap]:
    source = lap_metres(evidence)
    if source is None:
        return []
    times, metres, laps = distance_parts(source[0])
    told_m = source[1]
    if not laps:
        return []
    if told_m is not None:
        _complete(laps, times, metres, told_m)
    if len(laps) == 1 and not laps[0].ended:
        return []
    circuit = told_m or circuit_length([part.length_m for part in laps if part.measures])
    return [
        TimedLap(
            k + 1,
            part.start_s,
            part.end_s,
            part.whole(circuit),
            "distance",
            "in" if not part.ended else "timed" if part.from_start else "out",
        )
        for k, part in enumerate(laps)
    ]


def _complete(laps: list[Part], times: Floats, metres: Floats, circuit_m: float) -> None:
    """Begin the first lap and end the last one at lines that lie one sample outside."""
    first, last = laps[0], laps[-1]
    if len(times) < 2:
        return
    speed = (metres[1] - metres[0]) / (times[1] - times[0])
    if first.from_start and 0 < first.start_m <= 1.5 * speed * (times[1] - times[0]):
        first.start_s, first.start_m = first.start_s - first.start_m / speed, 0.0
    seconds, step = float(times[-1] - times[-2]), float(metres[-1] - metres[-2])
    missing = circuit_m - float(metres[-1])
    if step > 0 and -1e-6 * circuit_m <= missing <= 1.5 * step:
        last.end_s += missing / step * seconds
        last.end_m, last.ended = circuit_m, True


def lap_metres(evidence: Evidence) -> tuple[Series, float | None] | None:
    """Metres since lap start as the file tells them, and the circuit's length where it is told.

    A distance that runs on is folded by the length that the user tells. None without a distance.
    """
    told_m = evidence.lap_length_m
    if evidence.distance_m is not None:
        times, metres = clean(evidence.distance_m)
        runs_on = len(metres) and bool((np.diff(metres) > -0.5 * (told_m or 0)).all())
        if told_m is not None and runs_on and np.ptp(metres) > (1 + WHOLE_SHARE) * told_m:
            metres = np.mod(metres, told_m)
        return (times, metres), told_m
    if evidence.lap_fraction is not None:
        times, share = clean(evidence.lap_fraction)
        length_m = told_m or _length_by_shares(evidence, times, share)
        return (times, share * length_m), length_m
    return None


def _length_by_shares(evidence: Evidence, times: Floats, share: Floats) -> float:
    driven = odometer(evidence)
    if driven is None or len(times) < 2:
        return UNKNOWN_CIRCUIT_M
    steps, metres = np.diff(share), np.diff(np.interp(times, *driven))
    ahead = (steps > 0) & (steps < 0.5)
    length = float(metres[ahead].sum() / steps[ahead].sum()) if ahead.any() else 0.0
    return length if length > 0 else UNKNOWN_CIRCUIT_M
