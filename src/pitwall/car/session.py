"""One recorded session: channels sampled over time, as a file holds it or the simulator makes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SESSION_ID = re.compile(r"\d{8}-\d{6}(-.*)?")


@dataclass(frozen=True)
class Session:
    """`values` has shape (ticks, channels), float64; `times_s` (ticks,) rises strictly, seconds since session start."""

    vehicle: str
    session: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    times_s: NDArray[np.float64]
    values: NDArray[np.float64] = field(repr=False)
    skipped: int = 0
    """Rows of the file left out because time did not rise."""

    @property
    def rate_hz(self) -> float:
        """Median tick rate."""
        return (
            round(float(1 / np.median(np.diff(self.times_s))), 3) if len(self.times_s) > 1 else 0.0
        )

    def channel(self, name: str) -> NDArray[np.float64]:
        """One channel's samples, shape (ticks,)."""
        return self.values[:, self.names.index(name)]

    def at_rate(self, rate_hz: float) -> Session:
        """The same session with at most `rate_hz` ticks a second: whole ticks are left out, none is made up."""
        step = 1 / rate_hz
        slot = np.floor((self.times_s - self.times_s[0]) / step + 1e-9)
        keep = np.r_[True, slot[1:] > slot[:-1]]
        return Session(
            self.vehicle,
            self.session,
            self.names,
            self.units,
            self.times_s[keep],
            self.values[keep],
            self.skipped,
        )


DEFAULT_VEHICLE = "PERRINN 424"
