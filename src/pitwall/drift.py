"""Drift of channels against the laps a model learned from: a sensor that is stuck, shifted or dead, not another driver.

A driver changes how a channel goes along the lap within what drivers do; a broken sensor leaves that band and stays out.
So each watched channel is compared, in stretches of the lap, with the band of the training laps: the mean of the stretch
and its spread. What counts is by how much it lies outside, in widths of the band, summed over the last stretches
(a one-sided CUSUM); the alarm level is calibrated so that no training lap, held out in turn, comes near it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STRETCH_M = 200.0
ALLOWED = 1.0
"""A stretch outside the band by less than that many widths counts for nothing."""
MARGIN = 1.5
"""The alarm level is so many times the highest level a held-out training lap reached."""
LEAST = 3.0


@dataclass(frozen=True)
class Watch:
    """The band of each channel: arrays of shape (channels, statistics, stretches), the alarm level (channels,)."""

    channels: tuple[str, ...]
    low: Array
    high: Array
    level: Array

    def excess(self, stretches: Array) -> Array:
        """How far each stretch of (channels, statistics, stretches) lies outside, in widths: (channels, stretches)."""
        width = np.maximum(self.high - self.low, _floor(self.high, self.low))
        outside = np.maximum(np.maximum(self.low - stretches, stretches - self.high) / width, 0.0)
        # A channel that says nothing, or nothing new for a whole stretch, is as far out as can be told.
        outside = np.where(np.isfinite(stretches), outside, 2.0)
        silent = (stretches[:, 1] == 0) & (self.low[:, 1] > 0)
        return np.where(silent, 2.0, outside.max(axis=1)).clip(0, 2.0)


def _floor(high: Array, low: Array) -> Array:
    """Bands are not believed to be narrower than a tenth of the channel's usual spread along the lap."""
    usual = np.nanstd((high + low) / 2, axis=2, keepdims=True)
    return np.maximum(0.1 * usual, 1e-9)


def stretches(distance_m: Array, values: Array, count: int) -> Array:
    """Mean and standard deviation of each channel of (ticks, channels) in stretches of the lap: (channels, 2, count)."""
    which = np.floor(distance_m / STRETCH_M).astype(int)
    found = np.full((values.shape[1], 2, count), np.nan)
    for stretch in range(count):
        part = values[which == stretch]
        if len(part) >= 5:
            there = np.isfinite(part).all(axis=0)
            found[there, 0, stretch] = part[:, there].mean(axis=0)
            found[there, 1, stretch] = part[:, there].std(axis=0)
    return found


def cusum(excess: Array) -> Array:
    """The running level of (channels, stretches): rises by what lies beyond `ALLOWED`/2, falls otherwise, never below 0."""
    level = np.zeros(len(excess))
    levels = np.empty_like(excess)
    for i in range(excess.shape[1]):
        level = np.maximum(0.0, level + excess[:, i] - ALLOWED / 2)
        levels[:, i] = level
    return levels


def calibrate(channels: tuple[str, ...], laps: list[Array]) -> Watch:
    """Bands and alarm levels from the `stretches` of laps with sound sensors; at least four laps."""
    all_laps = np.array(laps)

    def band(which: Array) -> Watch:
        low, high = np.nanmin(which, axis=0), np.nanmax(which, axis=0)
        return Watch(channels, low, high, np.full(len(channels), LEAST))

    levels = [cusum(band(np.delete(all_laps, i, axis=0)).excess(all_laps[i])).max(axis=1) for i in range(len(laps))]
    whole = band(all_laps)
    return Watch(channels, whole.low, whole.high, np.maximum(LEAST, MARGIN * np.max(levels, axis=0)))


def alarms(watch: Watch, lap: Array) -> dict[str, int]:
    """The stretch in which each channel's alarm goes off, of one lap's `stretches`; channels without alarm are not named."""
    over = cusum(watch.excess(lap)) > watch.level[:, None]
    return {name: int(over[c].argmax()) for c, name in enumerate(watch.channels) if over[c].any()}
