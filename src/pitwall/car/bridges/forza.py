"""Forza's "Data Out": packets of Forza Motorsport 7 and 2023, and of Forza Horizon 4 and 5.

A packet has 232 bytes (sled), or more with the dash: 311 (Motorsport 7), 324 (Horizon, which has 12
bytes between the two) or 331 (Motorsport 2023). Numbers are little-endian, axes are right, up and
forward, so a right turn is positive as in the channel table. Layout from the makers' public page.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pitwall.car.bridges.counts import Counts
from pitwall.car.bridges.forza_channels import DASH_CHANNELS, SLED_CHANNELS, Dash, Sled
from pitwall.car.bridges.intake import Arrival
from pitwall.car.bridges.ticks import Layout, Tick
from pitwall.errors import WireError

SLED = struct.Struct("<iI15f12f4i20f5i")
DASH = struct.Struct("<17fH6B3b")
DASH_AT = {232: None, 311: 232, 324: 244, 331: 232}
"""Where the dash begins in a packet, by its length; None for a packet without it."""
RATE_HZ = 60.0
CLOCK_MS = 2**32
"""The game's clock returns to 0 after so many milliseconds."""
LATE_MS = 1000
"""A packet that is older than the newest one by no more than this came late."""
FRESH_S = 1.0
DRIVEN_S = 5.0
"""A race whose time falls below `FRESH_S` from above `DRIVEN_S` has been started again."""
LINE_S = 5.0
"""A lap whose time is below this began so recently that the place of its line can be told."""


class ForzaDecoder:
    """Makes ticks of packets. Each race is a session.

    A new session begins with another car, when the game's clock or the lap's number falls back, and
    when a race is started again. Its ticks follow the game's clock. Packets from outside of a race,
    and late ones, are left out and counted.
    """

    def __init__(self, vehicle: str | None, counts: Counts) -> None:
        self._vehicle = vehicle
        self._counts = counts
        self._race: _Race | None = None

    @property
    def session(self) -> str:
        """Id of the newest session; empty before the first packet."""
        return self._race.session if self._race else ""

    def ticks(self, arrival: Arrival) -> Iterator[Tick]:
        """The tick of a packet; see `run.Decoder`."""
        packet: bytes = arrival.item
        sled, dash = parse(packet)
        if not sled.is_race_on:
            self._counts.leave_out("not in a race")
            return
        if self._race is None or self._race.has_ended(sled, dash):
            vehicle = self._vehicle or f"Forza car {sled.car}"
            earliest_s = self._race.start_s + 1 if self._race else 0.0
            self._race = _Race(vehicle, max(math.floor(arrival.received_s), earliest_s), arrival)
        tick = self._race.tick(sled, dash)
        if tick is None:
            self._counts.leave_out("late packet")
        else:
            yield tick


def parse(packet: bytes) -> tuple[Sled, Dash | None]:
    """The two parts of a packet. Raises `WireError` for one of another length or without sense."""
    if len(packet) not in DASH_AT:
        lengths = ", ".join(map(str, DASH_AT))
        raise WireError("packet of a wrong length", f"{len(packet)} bytes, Forza's have {lengths}")
    sled = Sled.of(SLED.unpack_from(packet))
    at = DASH_AT[len(packet)]
    dash = None if at is None else Dash.of(DASH.unpack_from(packet, at))
    if sled.is_race_on not in (0, 1):
        raise WireError("packet without sense", f"IsRaceOn is {sled.is_race_on}, not 0 or 1")
    if not all(map(math.isfinite, (*sled.motion, *(dash.position if dash else ())))):
        raise WireError("packet without sense", "a speed or place is no finite number")
    return sled, dash


class _Race:
    """One session: its clock and the place of its line."""

    def __init__(self, vehicle: str, start_s: float, arrival: Arrival) -> None:
        self.start_s = start_s
        """Start of the session, seconds since the epoch, a whole number."""
        start = datetime.fromtimestamp(0, UTC) + timedelta(seconds=start_s)
        self.session = f"{start:%Y%m%d-%H%M%S}-forza"
        self._vehicle = vehicle
        self._first_us = round(max(arrival.received_s - start_s, 0.0) * 1e6)
        self._newest_ms: int | None = None
        self._elapsed_ms = 0
        self._car = 0
        self._race_s = 0.0
        self._lap = 0
        self._line_m: float | None = None
        """The game's distance at the newest passing of the line; None while it is not known."""

    def has_ended(self, sled: Sled, dash: Dash | None) -> bool:
        """Whether this packet is of another race."""
        if self._newest_ms is None:
            return False
        step_ms = _step_ms(self._newest_ms, sled.clock_ms)
        if sled.car != self._car or step_ms < -LATE_MS:
            return True
        if dash is None or step_ms <= 0:
            return False
        is_again = dash.race_s < FRESH_S and self._race_s > DRIVEN_S
        return is_again or dash.lap < self._lap

    def tick(self, sled: Sled, dash: Dash | None) -> Tick | None:
        """The tick of a packet, None for one that is not newer than the newest one."""
        is_first = self._newest_ms is None
        if self._newest_ms is not None:
            step_ms = _step_ms(self._newest_ms, sled.clock_ms)
            if step_ms <= 0:
                return None
            self._elapsed_ms += step_ms
        self._newest_ms, self._car = sled.clock_ms, sled.car
        names, units = zip(*SLED_CHANNELS, strict=True)
        values = sled.values
        if dash is not None:
            if is_first:
                # The game counts from the start, which is near the line.
                self._line_m = 0.0 if dash.lap == 0 else None
            elif dash.lap != self._lap:
                is_known = 0 <= dash.lap_s < LINE_S
                self._line_m = dash.distance_m - dash.speed_mps * dash.lap_s if is_known else None
            self._lap, self._race_s = dash.lap, dash.race_s
            lap_m = math.nan if self._line_m is None else dash.distance_m - self._line_m
            dash_names, dash_units = zip(*DASH_CHANNELS, strict=True)
            names, units = (*names, *dash_names), (*units, *dash_units)
            values = (*values, lap_m, *dash.values)
        layout = Layout(self._vehicle, self.session, names, units, RATE_HZ)
        return Tick(layout, (self._first_us + self._elapsed_ms * 1000) / 1e6, values)


def _step_ms(before_ms: int, now_ms: int) -> int:
    """Milliseconds from one time of the game's clock to another, across its return to 0."""
    step = (now_ms - before_ms) % CLOCK_MS
    return step - CLOCK_MS if step >= CLOCK_MS // 2 else step
