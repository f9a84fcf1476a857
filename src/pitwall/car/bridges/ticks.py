"""Ticks as bridges make them: which channels a tick carries changes from tick to tick."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import NamedTuple

from pitwall.car.bridges.counts import Counts
from pitwall.kafka.wire import TickEncoder

MOST_ENCODERS = 512
"""So many layouts have an encoder at a time."""


class Layout(NamedTuple):
    """What all ticks of one kind have in common."""

    vehicle: str
    session: str
    names: tuple[str, ...]
    """Display name of each channel."""
    units: tuple[str, ...]
    rate_hz: float
    """Ticks of this kind a second, as far as it is known; else 0."""


class Tick(NamedTuple):
    """The values of one time."""

    layout: Layout
    time_s: float
    """Seconds since the session's start, to the microsecond."""
    values: tuple[float, ...]
    """One for each channel of the layout."""


class Encoders:
    """Encodes ticks of any layout. The encoder of a layout is kept while it is used."""

    def __init__(self) -> None:
        self._encoders: OrderedDict[Layout, TickEncoder] = OrderedDict()

    def encode(self, tick: Tick) -> bytes:
        """The message of a tick."""
        encoder = self._encoders.get(tick.layout)
        if encoder is None:
            if len(self._encoders) >= MOST_ENCODERS:
                self._encoders.popitem(last=False)
            encoder = self._encoders[tick.layout] = TickEncoder(*tick.layout)
        else:
            self._encoders.move_to_end(tick.layout)
        return encoder.encode(tick.time_s, tick.values)


class Gather:
    """Makes one tick of the parts of one time.

    With a `width_s` above 0, the parts of each stretch of so many seconds are one tick, at the time
    of the last of them.
    """

    def __init__(self, counts: Counts, width_s: float = 0.0) -> None:
        self._counts = counts
        self._width_s = width_s
        self._open: Tick | None = None

    def add(self, part: Tick) -> Tick | None:
        """Take a part. Gives the tick before it, where that one is complete now."""
        before = self._open
        if before is None or not self._is_same(before, part):
            self._open = part
            return before
        self._open = self._merged(before, part)
        return None

    def flush(self) -> Tick | None:
        """The tick that waits for more parts, which is now complete."""
        tick, self._open = self._open, None
        return tick

    def _is_same(self, one: Tick, other: Tick) -> bool:
        if one.layout[:2] != other.layout[:2]:
            return False
        if self._width_s <= 0:
            return one.time_s == other.time_s
        return math.floor(one.time_s / self._width_s) == math.floor(other.time_s / self._width_s)

    def _merged(self, before: Tick, part: Tick) -> Tick:
        columns = dict(
            zip(
                before.layout.names,
                zip(before.layout.units, before.values, strict=True),
                strict=True,
            )
        )
        size = len(columns) + len(part.values)
        for name, unit, value in zip(
            part.layout.names, part.layout.units, part.values, strict=True
        ):
            columns[name] = (unit, value)
        self._counts.replaced += size - len(columns)
        layout = part.layout._replace(
            names=tuple(columns),
            units=tuple(unit for unit, _ in columns.values()),
            rate_hz=max(before.layout.rate_hz, part.layout.rate_hz),
        )
        values = tuple(value for _, value in columns.values())
        return Tick(layout, max(before.time_s, part.time_s), values)
