"""Start/finish lines: when a car passed one, and where one may lie on a closed path."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pitwall.recordings.geometry import METRES_PER_DEGREE
from pitwall.recordings.lap_rule import FASTEST_MPS, SLACK_M
from pitwall.recordings.recording import Line

AWAY_M = 15.0
"""A car that was no farther from the line since it passed it only stands or turns there."""
HELD_S = 0.5
"""A position that stands for longer is that of a car that stands, and no repeated sample."""
CANDIDATES = 60
"""Places of a path at which a line is tried."""

Floats = NDArray[np.float64]


class Track(NamedTuple):
    """Positions of a car in metres east (`x_m`) and north (`y_m`) of the first one."""

    times_s: Floats
    x_m: Floats
    y_m: Floats
    latitude: float
    """Of the first position, in degrees; so is the longitude."""
    longitude: float

    def metres(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Metres east and north of the first position."""
        scale = math.cos(math.radians(self.latitude))
        east = (longitude - self.longitude + 180) % 360 - 180
        return (
            east * METRES_PER_DEGREE * scale,
            (latitude - self.latitude) * METRES_PER_DEGREE,
        )

    def line(self, x_m: float, y_m: float, heading_deg: float, width_m: float = 50.0) -> Line:
        """The line with its middle at this place."""
        scale = math.cos(math.radians(self.latitude))
        return Line(
            self.latitude + y_m / METRES_PER_DEGREE,
            (self.longitude + x_m / METRES_PER_DEGREE / scale + 180) % 360 - 180,
            heading_deg % 360,
            width_m,
        )

    def heading_deg(self, i: int) -> float:
        """Heading from the sample before to the one behind sample `i`, clockwise from north."""
        a, b = max(i - 1, 0), min(i + 1, len(self.x_m) - 1)
        east, north = self.x_m[b] - self.x_m[a], self.y_m[b] - self.y_m[a]
        return math.degrees(math.atan2(east, north)) % 360

    def path_m(self) -> Floats:
        """Metres driven up to each position, shape (samples,); jumps count for nothing."""
        steps = np.hypot(np.diff(self.x_m), np.diff(self.y_m))
        steps[steps > SLACK_M + FASTEST_MPS * np.diff(self.times_s)] = 0
        path: Floats = np.r_[0.0, np.cumsum(steps)]
        return path


def track(times_s: Floats, latitude: Floats, longitude: Floats) -> Track:
    """Positions in metres; samples that only repeat the one before are left out.

    All three have shape (samples,) and are finite; there is at least one sample.
    """
    moves = np.r_[True, (np.diff(latitude) != 0) | (np.diff(longitude) != 0)]
    last = np.maximum.accumulate(np.where(moves, np.arange(len(moves)), 0))
    stands = times_s - times_s[last] > HELD_S
    ends = np.r_[moves[1:], True]
    kept = moves | (ends & stands)
    times_s, latitude, longitude = times_s[kept], latitude[kept], longitude[kept]
    scale = math.cos(math.radians(float(latitude[0])))
    east = longitude - longitude[0] + 180
    if east.min() < 0 or east.max() >= 360:  # A remainder takes long, and is rarely due.
        east %= 360
    east -= 180
    return Track(
        times_s,
        east * METRES_PER_DEGREE * scale,
        (latitude - latitude[0]) * METRES_PER_DEGREE,
        float(latitude[0]),
        float(longitude[0]),
    )


def passings(path: Track, line: Line) -> Floats:
    """Times (s) at which the car passed the line in its heading, shape (passings,).

    They are interpolated between two positions. A car that stands on the line passes it once.
    """
    x0, y0 = path.metres(line.latitude, line.longitude)
    heading = math.radians(line.heading_deg)
    x, y = path.x_m - x0, path.y_m - y0
    along = x * math.sin(heading) + y * math.cos(heading)
    across = x * math.cos(heading) - y * math.sin(heading)
    behind = np.flatnonzero((along[:-1] < 0) & (along[1:] >= 0)) + 1
    share = along[behind - 1] / (along[behind - 1] - along[behind])
    side = across[behind - 1] + share * (across[behind] - across[behind - 1])
    seconds = path.times_s[behind] - path.times_s[behind - 1]
    reach = SLACK_M + FASTEST_MPS * seconds
    step = np.hypot(x[behind] - x[behind - 1], y[behind] - y[behind - 1])
    fits = (np.abs(side) <= line.width_m / 2) & (step <= reach)
    times = path.times_s[behind - 1] + share * seconds
    away = np.hypot(x, y)
    kept: list[float] = []
    since = 0
    for i, time in zip(behind[fits].tolist(), times[fits].tolist(), strict=True):
        if not kept or away[since:i].max(initial=0.0) > AWAY_M:
            kept.append(time)
            since = i
    return np.array(kept)


def line_of_closed_path(path: Track) -> Line | None:
    """A line that the car passed as often as any, where its path closes; None where it does not.

    Nobody knows whether it is the track's own line. Times from it to itself are lap times all the
    same: they differ from the official ones by where a lap begins.
    """
    driven = path.path_m()
    places = np.searchsorted(driven, np.linspace(0, driven[-1], CANDIDATES, endpoint=False))
    best: tuple[int, Line] | None = None
    for i in np.unique(np.clip(places, 1, len(driven) - 2)).tolist() if len(driven) > 2 else []:
        line = path.line(float(path.x_m[i]), float(path.y_m[i]), path.heading_deg(i))
        laps = np.diff(np.interp(passings(path, line), path.times_s, driven))
        if len(laps) and np.median(laps) > AWAY_M:
            count = int((np.abs(laps / np.median(laps) - 1) < 0.05).sum())
            if best is None or count > best[0]:
                best = count, line
    return best[1] if best else None
