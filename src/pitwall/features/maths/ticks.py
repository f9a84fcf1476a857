"""Maths channels over the ticks of a session, one after the other, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pitwall.features.maths.channel import Maths, Step
from pitwall.features.maths.steps import KEEPING, PURE, Slots, finite

Values = dict[str, float]
"""Value by channel id, NaN where none was sent as a number."""


class Formula:
    """One maths channel over the ticks of one session."""

    def __init__(self, maths: Maths) -> None:
        self.maths = maths
        self._kept: list[Slots] = [
            [math.nan] * KEEPING[str(step[0])][1] if step[0] in KEEPING else []
            for step in maths.steps
        ]

    def next(
        self, time_us: float, before_us: float, new_lap: bool, values: Mapping[str, float]
    ) -> float:
        """The value at the next tick; NaN where it is missing.

        `before_us` is the time of the tick before, its own for the first one. `new_lap` holds at
        the first tick of every lap but the session's first.
        """
        results: list[float] = []
        for step, kept in zip(self.maths.steps, self._kept, strict=True):
            results.append(
                finite(_result(step, kept, results, time_us, before_us, new_lap, values))
            )
        return results[-1]


def _result(
    step: Step,
    kept: Slots,
    results: Sequence[float],
    time_us: float,
    before_us: float,
    new_lap: bool,
    values: Mapping[str, float],
) -> float:
    name, *places = step
    if name == "channel":
        return values.get(str(places[0]), math.nan)
    if name == "number":
        return float(places[0])
    if name == "new_lap":
        return float(new_lap)
    arguments = [results[int(place)] for place in places]
    if name in KEEPING:
        return KEEPING[str(name)][0](kept, time_us, before_us, *arguments)
    return PURE[str(name)](*arguments)


def with_maths(
    maths: Sequence[Maths],
    ticks: Sequence[tuple[int, Mapping[str, float]]],
    new_laps: Sequence[bool],
) -> Iterator[tuple[int, Values]]:
    """The ticks of a session in order, each with the maths channels that count as sent in it.

    `new_laps` says for each tick whether a lap begins with it. `maths` is in an order in which the
    channels can be computed.
    """
    formulas = [Formula(channel) for channel in maths]
    ids = {channel.id for channel in maths}
    before_us: float | None = None
    for (time_us, sent), new_lap in zip(ticks, new_laps, strict=True):
        # A channel of the car that has the name of a maths channel is another one.
        values = {name: value for name, value in sent.items() if name not in ids}
        for formula in formulas:
            earlier_us = time_us if before_us is None else before_us
            value = formula.next(time_us, earlier_us, new_lap, values)
            if value == value or all(read.id in values for read in formula.maths.reads):
                values[formula.maths.id] = value
        before_us = time_us
        yield time_us, values
