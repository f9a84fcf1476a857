"""Laps and sectors as the oracle sees them: when a lap began, and when it passed a distance.

Written for reading, not for speed, and independent of the operator's Java.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from pitwall.features.reference_laps import GRID_M


@dataclass
class Lap:
    """One lap, from its start to now. Times are seconds of session time, distances metres."""

    number: int
    """Laps begun in the session, from 1."""
    start_s: float
    whole: bool
    """Whether the lap was seen from its start."""
    length_m: float
    """Length of the last whole lap before this one; NaN where there was none."""
    points: list[tuple[float, float]] = field(default_factory=list)
    """(time, distance) of each tick that carries the distance."""
    farthest_m: float = -math.inf

    def add(self, time_s: float, distance_m: float) -> None:
        """Add one tick."""
        self.points.append((time_s, distance_m))
        self.farthest_m = max(self.farthest_m, distance_m)

    def crossing(self, line_m: float) -> float:
        """Seconds from lap start until the lap passed `line_m`, interpolated between two ticks.

        NaN when the lap has not passed it.
        """
        before = (self.start_s, 0.0)
        for time, distance in self.points:
            if distance >= line_m:
                share = (
                    max(0.0, (line_m - before[1]) / (distance - before[1]))
                    if distance > before[1]
                    else 1.0
                )
                return before[0] + share * (time - before[0]) - self.start_s
            before = (time, distance)
        return math.nan

    def sectors(self, count: int) -> dict[int, float]:
        """Session time at which each of `count` sectors was entered, by the sector's number.

        NaN for a sector that the lap was first seen inside of. Sectors are entered in rising order;
        one that lies wholly between two ticks is left out. Empty as long as no length is known.
        """
        entered: dict[int, float] = {}
        if math.isnan(self.length_m):
            return entered
        before = (math.nan, math.nan)
        for time, distance in self.points:
            place = 1 + int(distance / self.length_m * count)
            sector = max(1, min(count, place))
            if not entered:
                # A car that is a whole sector before the line has yet to enter the first one.
                entered[sector] = self.start_s if self.whole and place == 1 else math.nan
            elif sector > max(entered):
                line = self.length_m * (sector - 1) / count
                rise = distance - before[1]
                entered[sector] = (
                    before[0] + (line - before[1]) / rise * (time - before[0]) if rise > 0 else time
                )
            before = (time, distance)
        return entered

    def sector_times(self, count: int, end_s: float) -> list[float]:
        """Seconds in each sector of a lap that ended at `end_s`; NaN for one not driven whole."""
        entered = {**self.sectors(count), count + 1: end_s}
        return [
            entered.get(number + 1, math.nan) - entered.get(number, math.nan)
            for number in range(1, count + 1)
        ]


def finish_time(lap: Lap, time_s: float, distance_m: float) -> float:
    """Session time at which the car crossed the line that ends `lap`.

    `time_s` and `distance_m` are of the first tick after the line. The speed between the lap's last
    two ticks is taken back from there, and the result lies between the ticks on both sides.
    """
    last_time, last_distance = lap.points[-1]
    if len(lap.points) < 2:
        return time_s
    before_time, before_distance = lap.points[-2]
    speed = (last_distance - before_distance) / (last_time - before_time)
    if speed <= 0:
        return time_s
    return min(time_s, max(last_time, time_s - distance_m / speed))


def delta_to_lap(lap: Lap, best: Lap | None, time_s: float) -> float:
    """Seconds that `lap` is behind `best` at its newest distance; NaN where they cannot compare."""
    distance = lap.points[-1][1]
    if best is None or not lap.whole or distance < 0:
        return math.nan
    line = math.floor(distance / GRID_M) * GRID_M
    if line + GRID_M > best.farthest_m:
        return math.nan
    a, b = best.crossing(line), best.crossing(line + GRID_M)
    return time_s - lap.start_s - (a + (distance - line) / GRID_M * (b - a))


def delta_to_grid(lap: Lap, times_s: Sequence[float], time_s: float) -> float:
    """The same against a reference lap: `times_s` since its start at each line of the grid."""
    distance = lap.points[-1][1]
    line = math.floor(distance / GRID_M)
    if not lap.whole or distance < 0 or line + 1 >= len(times_s):
        return math.nan
    return (
        time_s
        - lap.start_s
        - (times_s[line] + (distance / GRID_M - line) * (times_s[line + 1] - times_s[line]))
    )
