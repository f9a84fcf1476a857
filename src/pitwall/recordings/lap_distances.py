"""The lap distance that is sent where a file tells its laps in another way."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pitwall.recordings.lap_evidence import Evidence, TimedLap, odometer
from pitwall.recordings.lap_rule import circuit_length, parts
from pitwall.recordings.lap_search import lap_metres

Floats = NDArray[np.float64]
CREEP_M = 1e-3
"""A car that stands on the line moves so far between two ticks: the line needs a speed."""
SAME_S = 1e-6


def lap_distance(evidence: Evidence, laps: Sequence[TimedLap], times_s: Floats) -> Floats:
    """Metres since the start of the lap at these times, shape (times,); NaN where unknown.

    The job's rule finds the same lines in it, to the microsecond. Before the first line the
    distance is below zero. A lap distance of the file that tells these very laps is given as it
    is, at the times of its own samples. Where the distance is made of the speed or the positions,
    a whole lap is stretched to the circuit's length, so that laps can be compared by distance.
    """
    source = lap_metres(evidence)
    times_s = np.asarray(times_s, np.float64)
    if source is not None and _tells(source[0][0], source[0][1], laps):
        return _at(source[0][0], source[0][1], times_s)
    driven = odometer(evidence)
    if driven is None or not laps:
        return np.full(len(times_s), np.nan)
    # The job knows times as whole microseconds.
    times_s = np.round(times_s * 1e6) * 1e-6
    metres = np.full(len(times_s), np.nan)
    lengths = {
        lap.number: float(np.diff(np.interp([lap.start_s, lap.end_s], *driven))[0]) for lap in laps
    }
    circuit = evidence.lap_length_m or circuit_length(
        [lengths[lap.number] for lap in laps if lap.whole]
    )
    for lap in laps:
        first, end = np.searchsorted(times_s, [lap.start_s, lap.end_s])
        first = 0 if lap is laps[0] else first
        end = len(times_s) if lap is laps[-1] else end
        origin = lap.end_s if lap.kind == "out" else lap.start_s
        # A car that stood for a whole lap has no way to stretch.
        scale = circuit / lengths[lap.number] if lap.whole and lengths[lap.number] > 0 else 1.0
        way = np.interp(times_s[first:end], *driven) - np.interp(origin, *driven)
        metres[first:end] = scale * way
    for before, lap in pairwise(laps):
        _place_line(metres, times_s, lap.start_s, before)
    return metres


def _tells(times: Floats, metres: Floats, laps: Sequence[TimedLap]) -> bool:
    """Whether the job finds the lines between these laps in this distance, and no others."""
    if not len(times):
        return False
    lines = [part.start_s for part in parts(times, metres)[1:]]
    starts = [lap.start_s for lap in laps[1:]]
    return len(lines) == len(starts) and bool(np.allclose(lines, starts, rtol=0, atol=SAME_S))


def _at(times: Floats, metres: Floats, wanted_s: Floats) -> Floats:
    """The samples at these times, to the microsecond; NaN where there is none."""
    places = np.clip(np.searchsorted(times, wanted_s - SAME_S / 2), 0, len(times) - 1)
    return np.where(np.abs(times[places] - wanted_s) <= SAME_S, metres[places], np.nan)


def _place_line(metres: Floats, times_s: Floats, line_s: float, before: TimedLap) -> None:
    """Set the distances beside a line so that the speed that the job sees leads to its time."""
    after = int(np.searchsorted(times_s, line_s))
    if after >= len(times_s) or after < 1:
        return
    last = after - 1
    if before.kind == "out":
        speed = (metres[after] - metres[last]) / (times_s[after] - times_s[last])
        speed = max(speed, CREEP_M)
        metres[last] = -speed * (line_s - times_s[last])
    elif last < 1 or times_s[last - 1] < before.start_s:
        return
    else:
        if metres[last] <= metres[last - 1]:
            metres[last] = metres[last - 1] + CREEP_M
        speed = (metres[last] - metres[last - 1]) / (times_s[last] - times_s[last - 1])
    metres[after] = speed * (times_s[after] - line_s)
