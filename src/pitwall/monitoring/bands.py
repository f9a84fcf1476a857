"""The band of a channel along the lap, and how far a lap lies outside it: mathematics only.

A lap is cut into stretches of `STRETCH_M`. Of each stretch count two statistics: mean and standard
deviation of the channel. The band holds both as the training laps have them. How far a stretch lies
outside is counted in widths of the band and summed over the stretches by a one-sided CUSUM
(Page, "Continuous inspection schemes", Biometrika 41, 1954). The alarm level is calibrated so that
no training lap, held out in turn, comes near it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STRETCH_M = 200.0
"""Length of a stretch."""
LEAST_TICKS = 5
"""A stretch with fewer ticks is left out."""
ALLOWED = 1.0
"""CUSUM's reference value: a stretch less than half of it outside, in widths, lowers the level."""
MARGIN = 1.5
"""The alarm level is this many times the highest level that a held-out training lap reached."""
LEAST_LEVEL = 3.0
"""The smallest alarm level."""
MOST_EXCESS = 2.0
"""The most that one stretch counts, in widths of the band."""


@dataclass(frozen=True)
class Bands:
    """The band and the alarm level of each channel."""

    channels: tuple[str, ...]
    low: Array
    """Lower edge, in the channel's unit, shape (channels, statistics, stretches)."""
    high: Array
    """Upper edge, of the same unit and shape."""
    level: Array
    """Alarm level of the CUSUM, shape (channels,)."""
    floor: Array
    """Smallest width of a band, in the channel's unit, shape (channels, 1, 1)."""

    def at(self, stretch: int) -> Bands:
        """The bands of one stretch only."""
        part = slice(stretch, stretch + 1)
        low, high = self.low[:, :, part], self.high[:, :, part]
        return Bands(self.channels, low, high, self.level, self.floor)

    def excess(self, lap: Array) -> Array:
        """How far each stretch lies outside the band, in widths, shape (channels, stretches).

        `lap` has the shape (channels, statistics, stretches). A channel that is missing or constant
        over a whole stretch counts as fully outside its band.
        """
        width = np.maximum(self.high - self.low, self.floor)
        outside = np.maximum(np.maximum(self.low - lap, lap - self.high) / width, 0.0)
        outside = np.where(np.isfinite(lap), outside, MOST_EXCESS)
        constant = (lap[:, 1] == 0) & (self.low[:, 1] > 0)
        return np.asarray(np.where(constant, MOST_EXCESS, outside.max(axis=1)).clip(0, MOST_EXCESS))


def statistics(ticks: Array) -> Array:
    """Mean and standard deviation of each channel of (ticks, channels), shape (channels, 2).

    NaN for a channel that is missing in one of the ticks.
    """
    complete = np.isfinite(ticks).all(axis=0)
    result = np.full((ticks.shape[1], 2), np.nan)
    result[complete, 0] = ticks[:, complete].mean(axis=0)
    result[complete, 1] = ticks[:, complete].std(axis=0)
    return result


def stretches(distance_m: Array, values: Array, count: int) -> Array:
    """The `statistics` of a lap in its first `count` stretches, shape (channels, 2, count).

    `distance_m` has the shape (ticks,), `values` the shape (ticks, channels).
    """
    stretch_of_tick = np.floor(distance_m / STRETCH_M).astype(int)
    result = np.full((values.shape[1], 2, count), np.nan)
    for stretch in range(count):
        ticks = values[stretch_of_tick == stretch]
        if len(ticks) >= LEAST_TICKS:
            result[:, :, stretch] = statistics(ticks)
    return result


def raise_level(level: Array, excess: Array) -> Array:
    """The CUSUM's level after one more stretch; both of shape (channels,). Never below 0."""
    return np.maximum(0.0, level + excess - ALLOWED / 2)


def cusum(excess: Array) -> Array:
    """The level after each stretch, for an excess of shape (channels, stretches)."""
    level = np.zeros(len(excess))
    levels = np.empty_like(excess)
    for stretch in range(excess.shape[1]):
        level = raise_level(level, excess[:, stretch])
        levels[:, stretch] = level
    return levels


def calibrate(channels: tuple[str, ...], laps: list[Array]) -> Bands:
    """Bands and alarm levels from the `stretches` of at least four laps with sound sensors."""
    all_laps = np.array(laps)
    held_out_levels = [
        np.where(
            np.isfinite(lap).any(axis=(1, 2)),
            cusum(_bands(channels, np.delete(all_laps, i, axis=0)).excess(lap)).max(axis=1),
            0.0,
        )
        for i, lap in enumerate(laps)
    ]
    bands = _bands(channels, all_laps)
    level = np.maximum(LEAST_LEVEL, MARGIN * np.max(held_out_levels, axis=0))
    return Bands(channels, bands.low, bands.high, level, bands.floor)


def _bands(channels: tuple[str, ...], laps: Array) -> Bands:
    """Bands with the smallest alarm level. They are at least a tenth of the usual spread wide."""
    low, high = np.nanmin(laps, axis=0), np.nanmax(laps, axis=0)
    spread_along_lap = np.nanstd((high + low) / 2, axis=2, keepdims=True)
    floor = np.asarray(np.maximum(0.1 * spread_along_lap, 1e-9))
    return Bands(channels, low, high, np.full(len(channels), LEAST_LEVEL), floor)


def alarms(bands: Bands, lap: Array) -> dict[str, int]:
    """The first stretch in alarm of each channel that has one, for the `stretches` of one lap."""
    over = cusum(bands.excess(lap)) > bands.level[:, None]
    return {name: int(over[i].argmax()) for i, name in enumerate(bands.channels) if over[i].any()}
