"""Drift of channels in live sessions, against the laps that a model learned from.

It finds a sensor that is stuck, shifted or dead. Another driver changes how a channel runs along
the lap only as far as drivers do; a broken sensor leaves that band and stays outside.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from pitwall.monitoring.bands import (
    LEAST_TICKS,
    STRETCH_M,
    Array,
    Bands,
    raise_level,
    statistics,
)
from pitwall.monitoring.silence import RELEASED_S

MOST_M = 1e6
"""A distance beyond this is of no lap."""
ENTERED_M = 20.0
"""A stretch that is first seen within so many metres was seen from its start."""
MOST_SESSIONS = 1000
"""Beyond so many sessions, the one that came first is forgotten."""
MOST_TICKS = 10_000
"""Ticks of one stretch that are kept: a car that stands for 200 s at 50 Hz."""


@dataclass
class _OpenLap:
    """The lap that a session is in."""

    number: float
    stretch: int
    level: Array
    """The CUSUM's level of each channel, shape (channels,)."""
    ticks: deque[list[float]] = field(default_factory=lambda: deque(maxlen=MOST_TICKS))
    """Values of the channels in the open stretch, then the two coordinates of the place."""
    entered: bool = False
    """Whether the open stretch was seen from its start."""
    begin: tuple[int, Array] | None = None
    """The first stretch whose place is known, and the place."""
    bands: Bands | None = None
    """Those of the circuit on which the lap was last known to be."""
    heard_s: float = 0.0
    """When the last tick came, by the clock of `Drift`."""


class Drift:
    """Watches sessions tick by tick for channels that leave their bands.

    `circuits` are the bands of each known circuit, of the same channels; that with the most laps
    comes first. A stretch is compared with the circuit that leads to it from where the lap was
    first seen, with none where no circuit does, and with the first one where there are no
    positions. A channel's alarm ends with the lap in which it was raised, or with its session.
    `clock` gives seconds.
    """

    def __init__(self, *circuits: Bands, clock: Callable[[], float] = time.monotonic) -> None:
        self.circuits = circuits
        self._clock = clock
        self._laps: dict[tuple[str, str], _OpenLap] = {}
        self.raised: dict[tuple[str, str], tuple[str, ...]] = {}
        """The channels in alarm, by vehicle and session."""

    def row(
        self,
        vehicle: str,
        session: str,
        lap_number: float | None,
        distance_m: float | None,
        values: list[float | None],
        place_m: tuple[float | None, float | None] = (None, None),
    ) -> None:
        """Take one tick: the lap's number, the distance driven in it, the values of the channels.

        `place_m` are the two coordinates of the place on the ground, where the car has them. A tick
        without lap or distance, or before the line of its lap, is left out; a value that is None is
        missing.
        """
        if lap_number is None or distance_m is None or not 0 <= distance_m < MOST_M:
            return
        key, stretch = (vehicle, session), int(distance_m / STRETCH_M)
        lap = self._laps.get(key)
        if lap is None or lap.number != lap_number:
            lap = self._laps[key] = _OpenLap(lap_number, stretch, np.zeros(len(values)))
            lap.entered = distance_m % STRETCH_M < ENTERED_M
            self.raised.pop(key, None)
            while len(self._laps) > MOST_SESSIONS:
                oldest = next(iter(self._laps))
                del self._laps[oldest]
                self.raised.pop(oldest, None)
        elif lap.stretch != stretch:
            self._close_stretch(key, lap)
            lap.stretch, lap.entered = stretch, True
            lap.ticks.clear()
        lap.ticks.append([np.nan if value is None else value for value in (*values, *place_m)])
        lap.heard_s = self._clock()

    def close_silent(self) -> None:
        """Forget sessions without ticks for `RELEASED_S`, and their alarms."""
        now_s = self._clock()
        for key, lap in list(self._laps.items()):
            if now_s - lap.heard_s > RELEASED_S:
                del self._laps[key]
                self.raised.pop(key, None)

    def _close_stretch(self, key: tuple[str, str], lap: _OpenLap) -> None:
        """Raise the levels by the stretch that ends, and the alarms of channels above theirs."""
        if len(lap.ticks) < LEAST_TICKS:
            return
        with np.errstate(over="ignore", invalid="ignore"):  # numbers that no car drives
            stretch = statistics(np.array(lap.ticks))[:, :, None]
            bands = self._bands_of(lap, stretch[-2:, 0, 0])
            if bands is None or lap.stretch >= bands.low.shape[2]:
                return
            excess = bands.at(lap.stretch).excess(stretch[:-2])[:, 0]
            lap.level = raise_level(lap.level, excess)
        over = lap.level > bands.level
        raised = [name for name, high in zip(bands.channels, over, strict=True) if high]
        self.raised[key] = tuple(dict.fromkeys([*self.raised.get(key, ()), *raised]))

    def _bands_of(self, lap: _OpenLap, place_m: Array) -> Bands | None:
        """The bands of the circuit on which the lap goes on; None where it is on none of them.

        The lap's level begins anew where the circuit turns out to be another one.
        """
        if not (lap.entered and np.isfinite(place_m).all()):
            return lap.bands or self.circuits[0]
        if lap.begin is None:
            lap.begin = lap.stretch, place_m
        leads = (
            each for each in self.circuits if not each.elsewhere(lap.stretch, place_m, *lap.begin)
        )
        bands = next(leads, None)
        if bands is not None and lap.bands is not None and bands is not lap.bands:
            lap.level = np.zeros_like(lap.level)
        lap.bands = bands or lap.bands
        return bands
