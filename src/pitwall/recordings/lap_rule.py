"""The rule of distance: how the metres since lap start tell where one lap ends and the next begins.

The job has the same rule (`Lap.java`), tick by tick. In words:

- A lap ends where the distance falls in one step by more than half of the farthest one, back to
  where the lap began. The line was passed between the two samples, at the speed of the last two
  before it.
- A distance below zero is before the line: the lap begins where it rises through zero.
- A car moves at most `SLACK_M` and `FASTEST_MPS` from one sample to the next. Where it moved
  farther (a teleport, a flashback), the lap was not driven as a whole.
- A jump that is taken back, to within `JITTER_M` of where it began, was jitter over the line. It
  counts as not sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

START_M = 100.0
"""A session whose first distance is from 0 to this began at the line."""
SHORTEST_M = 50.0
"""Only a car that was farther than this can end a lap."""
SLACK_M = 10.0
FASTEST_MPS = 400.0
"""No car on wheels has been as fast as this (1,440 km/h)."""
JITTER_M = 25.0
WHOLE_SHARE = 0.02
"""A whole lap is as long as the circuit, within this share of it."""


@dataclass
class Part:
    """The samples from one line to the next, or to an end of the recording."""

    first: int
    """Index of its first sample."""
    start_s: float
    start_m: float
    """Distance at its start."""
    line_m: float
    """Distance at the line where it began: `start_m`, or 0 for a session that began behind it."""
    from_start: bool
    end: int = 0
    """Index behind its last sample."""
    end_s: float = 0.0
    end_m: float = 0.0
    """Distance at the line where it ended, or the last one."""
    ended: bool = False
    continuous: bool = True
    jitter: list[tuple[int, int]] = field(default_factory=list)
    """Samples, first and behind the last, that count as not sent."""

    @property
    def length_m(self) -> float:
        """Length of the circuit, seen from this lap."""
        return self.end_m - self.line_m

    @property
    def measures(self) -> bool:
        """Whether its length can be that of the circuit."""
        return self.from_start and self.ended and self.continuous

    def whole(self, circuit_m: float) -> bool:
        """Whether the whole circuit was driven, without a jump."""
        driven_m = self.end_m - self.start_m
        return self.measures and abs(driven_m - circuit_m) <= WHOLE_SHARE * circuit_m


def circuit_length(lengths_m: Sequence[float]) -> float:
    """Median of the laps' lengths, the upper one of two in the middle; NaN without a lap."""
    return sorted(lengths_m)[len(lengths_m) // 2] if lengths_m else np.nan


@dataclass
class _Jump:
    """A jump ahead that may yet be taken back."""

    origin: int
    """The last sample before it."""
    target: int
    """The first one behind it."""
    farthest_m: float
    continuous: bool


def parts(times_s: NDArray[np.float64], distance_m: NDArray[np.float64]) -> list[Part]:
    """The parts of a drive, in order; the last one has not ended.

    Both arrays have shape (samples,), are finite, and times rise strictly.
    """
    if not len(times_s):
        return []
    times_s, distance_m = np.asarray(times_s, np.float64), np.asarray(distance_m, np.float64)
    steps = np.diff(distance_m)
    rises = (distance_m[:-1] < 0) & (distance_m[1:] >= 0)
    events = np.flatnonzero((np.abs(steps) > SLACK_M) | rises) + 1
    rule = _Rule(times_s, distance_m)
    for i in events.tolist():
        rule.event(i)
    return rule.close()


class _Rule:
    """Goes through the remarkable samples; between them only the farthest distance rises."""

    def __init__(self, times_s: NDArray[np.float64], distance_m: NDArray[np.float64]) -> None:
        self.t, self.d = times_s, distance_m
        first_m = float(distance_m[0])
        begins = 0 <= first_m < START_M
        line_m = 0.0 if begins else first_m
        self.part = Part(0, float(times_s[0]), first_m, line_m, begins)
        self.done: list[Part] = []
        self.before_line = first_m < 0
        self.jump: _Jump | None = None
        self.farthest_m, self.seen = first_m, 1
        self.taken_back = (-1, -1)
        """A sample that took a jump back, and the one before the jump."""
        self.turn_m: float | None = None
        """Length of the circuit where the distance fell below zero."""

    def event(self, i: int) -> None:
        """Sample `i` moved far, or through zero."""
        t, d = self.t, self.d
        self.farthest_m = float(d[self.seen : i].max(initial=self.farthest_m))
        self.seen = i
        step, reach = d[i] - d[i - 1], SLACK_M + FASTEST_MPS * (t[i] - t[i - 1])
        falls_home = (
            step < -0.5 * self.farthest_m
            and self.farthest_m > SHORTEST_M
            and d[i] <= self.part.start_m + reach
        )
        if self.before_line:
            self._before_line(i, step, reach)
        elif step < 0 and self._takes_back(i):
            pass
        elif falls_home and d[i] < 0:
            self.before_line = True
            self.turn_m = float(d[i - 1] + self._speed(i) * (t[i] - t[i - 1]) - d[i])
        elif falls_home:
            self._pass(i)
        elif abs(step) > reach:
            self._broken(i, step)

    def _before_line(self, i: int, step: float, reach: float) -> None:
        leaps = abs(step) > reach
        self.part.continuous &= not leaps
        if self.d[i] < 0:
            return
        self.before_line = False
        if leaps:
            self._broken(i, step)
        else:
            before_s, before_m = self.t[i - 1], self.d[i - 1]
            interpolated = before_s - before_m / step * (self.t[i] - before_s)
            crossing = float(min(self.t[i], interpolated))
            self._end(i, crossing, self.turn_m if self.turn_m is not None else 0.0, 0.0)
        self.turn_m = None

    def _takes_back(self, i: int) -> bool:
        jump = self.jump
        if (
            jump is None
            or abs(self.d[i] - self.d[jump.origin]) > JITTER_M
            or abs(self.d[i - 1] - self.d[jump.target]) > JITTER_M
        ):
            return False
        self.part.jitter.append((jump.origin + 1, i))
        self.part.continuous, self.farthest_m = jump.continuous, jump.farthest_m
        self.taken_back, self.jump = (i, jump.origin), None
        return True

    def _broken(self, i: int, step: float) -> None:
        if step > 0:
            jump = self.jump or _Jump(i - 1, i, self.farthest_m, self.part.continuous)
            jump.target = i
            self.jump = jump
        self.part.continuous = False

    def _speed(self, i: int) -> float:
        """Metres a second between the two samples of the lap before sample `i`; 0 for none."""
        last = i - 1
        before = self.taken_back[1] if last == self.taken_back[0] else last - 1
        if before < self.part.first:
            return 0.0
        return max(0.0, float((self.d[last] - self.d[before]) / (self.t[last] - self.t[before])))

    def _pass(self, i: int) -> None:
        """The line was passed before sample `i`, by the distance falling back."""
        time_s, distance_m, last_s = float(self.t[i]), float(self.d[i]), float(self.t[i - 1])
        speed = self._speed(i)
        crossing = min(time_s, max(last_s, time_s - distance_m / speed)) if speed > 0 else time_s
        end_m = float(self.d[i - 1]) + speed * (crossing - last_s)
        self._end(i, crossing, end_m, distance_m - speed * (time_s - crossing))

    def _end(self, i: int, crossing_s: float, end_m: float, start_m: float) -> None:
        part = self.part
        part.end, part.end_s, part.end_m, part.ended = i, crossing_s, end_m, True
        self.done.append(part)
        self.part = Part(i, crossing_s, start_m, start_m, True)
        self.farthest_m, self.seen, self.jump = float(self.d[i]), i + 1, None

    def close(self) -> list[Part]:
        """All parts, the last one up to the last sample."""
        self.part.end = len(self.t)
        self.part.end_s, self.part.end_m = float(self.t[-1]), float(self.d[-1])
        return [*self.done, self.part]
