"""What a recording holds that tells its laps, and a lap as it was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pitwall.recordings.lap_rule import FASTEST_MPS, SLACK_M, Part, parts
from pitwall.recordings.lines import Track, track
from pitwall.recordings.recording import Line

Floats = NDArray[np.float64]
Series = tuple[Floats, Floats]
"""Times (s) and values, both of shape (samples,)."""
Source = Literal["marker", "lap number", "line", "distance"]
LONGEST_M = 100_000.0
"""A distance beyond it, or as far before the line, is none of a lap; the job says so, too."""


@dataclass(frozen=True)
class Evidence:
    """Everything that may tell the laps of a recording, in canonical units; None for nothing.

    Samples that are no finite number, and those whose time does not rise, count as not there.
    """

    beacons_s: tuple[float, ...] = ()
    """Times at which the source itself says that the line was passed."""
    lap_number: Series | None = None
    line: Line | None = None
    position: tuple[Floats, Floats, Floats] | None = None
    """Times (s), latitudes and longitudes (degrees), each of shape (samples,)."""
    distance_m: Series | None = None
    """Distance since lap start, or since the start of the drive, as the file gives it."""
    speed_kph: Series | None = None
    lap_length_m: float | None = None
    """Length of the circuit, where the user tells it."""
    lap_fraction: Series | None = None
    """Share of the lap since the line, 0 to 1, where the file gives it in place of a distance."""

    def span(self) -> tuple[float, float] | None:
        """Times of the first and the last sample of all series; None without any."""
        times = [each[0] for each in self._series() if len(each[0])]
        if not times:
            return None
        return min(float(t[0]) for t in times), max(float(t[-1]) for t in times)

    def sample_times(self) -> Floats:
        """Times at which any series has a sample, rising, shape (times,)."""
        different: list[Floats] = []
        for times, _ in self._series():
            if not any(np.array_equal(times, other) for other in different):
                different.append(times)
        if len(different) == 1:
            return different[0]
        return np.unique(np.concatenate(different)) if different else np.empty(0)

    def _series(self) -> list[Series]:
        position = self.position and (self.position[0], self.position[1])
        every = (self.lap_number, position, self.distance_m, self.speed_kph, self.lap_fraction)
        return [clean(each) for each in every if each is not None]

    def track(self) -> Track | None:
        """The positions in metres; None with fewer than two of them."""
        if self.position is None:
            return None
        times, latitude, longitude = (np.asarray(each, np.float64) for each in self.position)
        known = np.isfinite(times) & np.isfinite(latitude) & np.isfinite(longitude)
        times, latitude, longitude = times[known], latitude[known], longitude[known]
        later = _rising(times)
        if later.sum() < 2:
            return None
        return track(times[later], latitude[later], longitude[later])


@dataclass(frozen=True)
class TimedLap:
    """One lap of a recording, or a part of one at its beginning or end."""

    number: int
    """From 1; the out-lap counts. The job counts the same way."""
    start_s: float
    end_s: float
    whole: bool
    """Whether the whole circuit was driven from line to line, without a jump."""
    told_by: Source
    kind: Literal["out", "timed", "in"]
    """`out` before the first line, `in` behind the last one."""

    @property
    def duration_s(self) -> float:
        """Seconds from its start to its end."""
        return self.end_s - self.start_s


def clean(series: Series) -> Series:
    """The samples that are finite and whose time rises. Where all are so, they are no copies."""
    times, values = (np.asarray(each, np.float64) for each in series)
    if rises_throughout(times) and np.isfinite(values).all():
        return times, values
    known = np.isfinite(times) & np.isfinite(values)
    times, values = times[known], values[known]
    later = _rising(times)
    return times[later], values[later]


def rises_throughout(times_s: Floats) -> bool:
    """Whether all times are finite and each is later than the one before."""
    return bool(
        len(times_s)
        and np.isfinite(times_s[0])
        and np.isfinite(times_s[-1])
        and (times_s[1:] > times_s[:-1]).all()
    )


def _rising(times_s: Floats) -> NDArray[np.bool_]:
    if not len(times_s):
        return np.zeros(0, bool)
    before = np.r_[-np.inf, np.maximum.accumulate(times_s)[:-1]]
    rising: NDArray[np.bool_] = times_s > before
    return rising


def distance_parts(series: Series) -> tuple[Floats, Floats, list[Part]]:
    """Times, lap distances, and the parts that the rule of distance finds in them."""
    times, metres = clean(series)
    near = np.abs(metres) <= LONGEST_M
    times, metres = times[near], metres[near]
    return times, metres, parts(times, metres)


def odometer(evidence: Evidence) -> Series | None:
    """Metres driven since the first sample: by the distance, else the speed, else the positions.

    A jump of the distance or of the position counts for nothing. None where nothing tells it.
    """
    for source in (_by_distance, _by_speed, _by_position):
        series = source(evidence)
        if series is not None and len(series[0]) > 1 and series[1][-1] > 0:
            return series
    return None


def _by_distance(evidence: Evidence) -> Series | None:
    if evidence.distance_m is None:
        return None
    times, metres = clean(evidence.distance_m)
    if len(times) < 2:
        return None
    seconds, steps = np.diff(times), np.diff(metres)
    odd = np.abs(steps) > SLACK_M + FASTEST_MPS * seconds
    odd[[part.first - 1 for part in parts(times, metres) if part.first]] = True
    speeds = np.where(odd, np.nan, steps / seconds)
    last = np.maximum.accumulate(np.where(odd, 0, np.arange(len(odd))))
    driven = np.where(odd, np.nan_to_num(speeds[last]) * seconds, steps)
    return times, np.r_[0.0, np.cumsum(driven)]


def _by_speed(evidence: Evidence) -> Series | None:
    if evidence.speed_kph is None:
        return None
    times, kph = clean(evidence.speed_kph)
    metres = (kph[1:] + kph[:-1]) / 2 / 3.6 * np.diff(times)
    return times, np.r_[0.0, np.cumsum(np.abs(metres))]


def _by_position(evidence: Evidence) -> Series | None:
    path = evidence.track()
    return (path.times_s, path.path_m()) if path else None


def jumps(evidence: Evidence) -> Floats:
    """Times (s) at which distance or position jumped farther than a car can move, rising.

    A jump over the line back and forth, and the fall of the distance at the line, are none.
    """
    times: list[Floats] = []
    if evidence.distance_m is not None:
        t, metres, laps = distance_parts(evidence.distance_m)
        odd = np.abs(np.diff(metres)) > SLACK_M + FASTEST_MPS * np.diff(t)
        for part in laps:
            odd[max(part.first - 1, 0) : part.first] = False
            for first, end in part.jitter:
                odd[first - 1 : end] = False
        times.append(t[1:][odd])
    path = evidence.track()
    if path is not None:
        steps = np.hypot(np.diff(path.x_m), np.diff(path.y_m))
        odd = steps > SLACK_M + FASTEST_MPS * np.diff(path.times_s)
        times.append(path.times_s[1:][odd])
    return np.sort(np.concatenate(times)) if times else np.empty(0)
