"""The type of a session: the channels of one run over time, from a file or the simulator."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

DEFAULT_VEHICLE = "PERRINN 424"
SESSION_ID = re.compile(r"\d{8}-\d{6}(-.*)?")
"""A session id: start of the session in UTC, and perhaps a name."""


@dataclass(frozen=True)
class Session:
    """One session of one vehicle. A tick is a row of values at one time."""

    vehicle: str
    """VehicleId."""
    session: str
    """SessionId, see `SESSION_ID`."""
    names: tuple[str, ...]
    """Display name of each channel."""
    units: tuple[str, ...]
    """Unit of each channel as it is sent; empty for none."""
    times_s: NDArray[np.float64]
    """Seconds since session start, shape (ticks,), rising strictly."""
    values: NDArray[np.float64] = field(repr=False)
    """Shape (ticks, channels); NaN where a tick has no value."""
    skipped: int = 0
    """Rows of the file that were left out."""
    sparse: bool = False
    """Whether a tick carries the channels alone that have a value then. Otherwise it carries all,
    and a missing value as NaN."""

    @property
    def rate_hz(self) -> float:
        """Ticks a second, from the median spacing; 0 for a session of one tick."""
        return (
            round(float(1 / np.median(np.diff(self.times_s))), 3) if len(self.times_s) > 1 else 0.0
        )

    def channel(self, name: str) -> NDArray[np.float64]:
        """The values of one channel, shape (ticks,). Raises `ValueError` for an unknown name."""
        return self.values[:, self.names.index(name)]

    def at_rate(self, rate_hz: float) -> Session:
        """The session with at most `rate_hz` ticks a second. Ticks are left out, none is made."""
        step = 1 / rate_hz
        slot = np.floor((self.times_s - self.times_s[0]) / step + 1e-9)
        keep = np.r_[True, slot[1:] > slot[:-1]]
        return replace(self, times_s=self.times_s[keep], values=self.values[keep])
