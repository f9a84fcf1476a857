"""Laps and sectors as the oracle sees them: when a lap began, and when it passed a distance.

Written for reading, not for speed, and independent of the operator's Java.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pitwall.features.reference_laps import GRID_M

Point = tuple[float, float]
"""Time (s of the session) and distance (m)."""


class Line(NamedTuple):
    """The line between two laps."""

    time_s: float
    end_m: float
    """Distance there in the lap that ends."""
    start_m: float
    """Distance there in the lap that begins."""


@dataclass
class Lap:
    """One lap, from its start to now. Times are seconds of session time, distances metres."""

    number: int
    """Laps begun in the session, from 1."""
    start_s: float
    start_m: float
    """Distance at which the lap began."""
    from_start: bool
    """Whether the lap was seen from its start."""
    length_m: float
    """Length of the last whole lap before this one; NaN where there was none."""
    ticks: list[Point] = field(default_factory=list)
    """Each tick that carries the distance, but for jitter over the line."""
    points: list[Point] = field(default_factory=list)
    """Those ticks that tell where on the lap the car is: not before the line, not after a jump."""
    continuous: bool = True
    """Whether there was no jump."""
    turned_m: float | None = None
    """Set while the line at 0 m is ahead: the circuit's length, or 0 where it is not known."""
    jump: tuple[int, float, bool] | None = None
    """Ticks before the open jump, the distance behind it, and whether there was none before."""

    @property
    def farthest_m(self) -> float:
        """The farthest distance of the lap."""
        return max((distance for _, distance in self.ticks), default=-math.inf)

    @property
    def placed(self) -> bool:
        """Whether the newest distance tells where on the lap the car is."""
        return self.turned_m is None and self.jump is None

    def add(self, time_s: float, distance_m: float) -> None:
        """Add one tick."""
        self.ticks.append((time_s, distance_m))
        if self.placed:
            self.points.append((time_s, distance_m))

    def speed(self) -> float:
        """Metres a second between the last two ticks; 0 without two, or backwards."""
        if len(self.ticks) < 2:
            return 0.0
        (before_s, before_m), (last_s, last_m) = self.ticks[-2:]
        return max(0.0, (last_m - before_m) / (last_s - before_s))

    def line(self, time_s: float, distance_m: float) -> Line | None:
        """The line that lies between the last tick and this one, which is not added yet."""
        last_s, last_m = self.ticks[-1]
        step, reach_m = distance_m - last_m, 10 + 400 * (time_s - last_s)
        falls_home = (
            self.farthest_m > 50
            and step < -0.5 * self.farthest_m
            and distance_m <= self.start_m + reach_m
        )
        if self.turned_m is not None:
            return self._zero(time_s, distance_m, reach_m)
        if step < -10 and self._taken_back(distance_m):
            return None
        if falls_home and distance_m < 0:
            self.turned_m = last_m + self.speed() * (time_s - last_s) - distance_m
        elif falls_home:
            speed = self.speed()
            line_s = finish_time(self, time_s, distance_m)
            end_m = last_m + speed * (line_s - last_s)
            return Line(line_s, end_m, distance_m - speed * (time_s - line_s))
        elif abs(step) > reach_m:
            self._broken(distance_m, step)
        return None

    def _zero(self, time_s: float, distance_m: float, reach_m: float) -> Line | None:
        """The line at 0 m, where the distance rises through it."""
        last_s, last_m = self.ticks[-1]
        step, turned_m = distance_m - last_m, self.turned_m or 0.0
        if abs(step) > reach_m:
            self.continuous = False
        if distance_m < 0:
            return None
        self.turned_m = None
        if step <= reach_m:
            crossing_s = last_s - last_m / step * (time_s - last_s)
            return Line(min(time_s, crossing_s), turned_m, 0.0)
        self._broken(distance_m, step)
        return None

    def _broken(self, distance_m: float, step_m: float) -> None:
        if step_m > 0:
            ticks, _, continuous = self.jump or (len(self.ticks), 0.0, self.continuous)
            self.jump = ticks, distance_m, continuous
        self.continuous = False

    def _taken_back(self, distance_m: float) -> bool:
        """Whether the open jump is taken back; then its ticks are dropped."""
        if self.jump is None:
            return False
        ticks, target_m, continuous = self.jump
        near = abs(distance_m - self.ticks[ticks - 1][1]) <= 25
        if not near or abs(self.ticks[-1][1] - target_m) > 25:
            return False
        del self.ticks[ticks:]
        self.jump, self.continuous = None, continuous
        return True

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
                entered[sector] = self.start_s if self.from_start and place == 1 else math.nan
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
    speed = lap.speed()
    if speed <= 0:
        return time_s
    return min(time_s, max(lap.ticks[-1][0], time_s - distance_m / speed))


def comparable(lap: Lap) -> bool:
    """Whether the lap can be compared with another one at its newest distance."""
    return lap.from_start and lap.continuous and lap.placed and lap.points[-1][1] >= 0


def delta_to_lap(lap: Lap, best: Lap | None, time_s: float) -> float:
    """Seconds that `lap` is behind `best` at its newest distance; NaN where they cannot compare."""
    if best is None or not comparable(lap):
        return math.nan
    distance = lap.points[-1][1]
    line = math.floor(distance / GRID_M) * GRID_M
    if line + GRID_M > best.farthest_m:
        return math.nan
    a, b = best.crossing(line), best.crossing(line + GRID_M)
    return time_s - lap.start_s - (a + (distance - line) / GRID_M * (b - a))


def delta_to_grid(lap: Lap, times_s: Sequence[float], time_s: float) -> float:
    """The same against a reference lap: `times_s` since its start at each line of the grid."""
    if not comparable(lap):
        return math.nan
    distance = lap.points[-1][1]
    line = math.floor(distance / GRID_M)
    if line + 1 >= len(times_s):
        return math.nan
    return (
        time_s
        - lap.start_s
        - (times_s[line] + (distance / GRID_M - line) * (times_s[line + 1] - times_s[line]))
    )
