"""The band of a channel along the lap, and how far a lap lies outside it: mathematics only.

A lap is cut into stretches of `STRETCH_M`. Of each stretch count two statistics: mean and standard
deviation of the channel. The band holds both as the training laps have them. How far a stretch lies
outside is counted in widths of the band and summed over the stretches by a one-sided CUSUM
(Page, "Continuous inspection schemes", Biometrika 41, 1954). The alarm level is calibrated so that
no training lap, held out in turn, comes near it. A training lap that the others show to be faulty
is left out first.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

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
FAULTY = 2.0
"""A lap that goes so many times beyond the alarm level of the other laps has a faulty channel."""
MOST_FAULTY = 0.25
"""No larger share of the laps is left out as faulty: beyond it, the others are no measure."""
NEAR_M = 100.0
"""A stretch that lies farther from where the circuit leads is of another circuit."""
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
    line_m: Array = field(default_factory=lambda: np.empty((0, 2)))
    """Mean place of the circuit's line in each stretch, m, shape (stretches, 2); empty or NaN where
    the laps have no positions."""

    def elsewhere(self, stretch: int, place_m: Array, begin: int, begin_m: Array) -> bool:
        """Whether the circuit does not lead from the one place to the other.

        `place_m` is the place of a stretch and `begin_m` that of another one, `begin`, both of
        shape (2,), m, from any origin. False where a place of the circuit is unknown.
        """
        if max(stretch, begin) >= len(self.line_m):
            return False
        leads_m = self.line_m[stretch] - self.line_m[begin]
        return bool(np.linalg.norm(place_m - begin_m - leads_m) > NEAR_M)

    def at(self, stretch: int) -> Bands:
        """The bands of one stretch only."""
        part = slice(stretch, stretch + 1)
        return replace(self, low=self.low[:, :, part], high=self.high[:, :, part])

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
    """Bands and alarm levels from the `stretches` of at least four laps, of which most are sound.

    A lap counts not for a channel in which it goes `FAULTY` times beyond the alarm level that the
    other laps give: the most outstanding one is left out first, and then the rest is asked again.
    """
    sound = np.array(laps)
    held_out = _held_out(channels, sound)
    for _ in range(int(MOST_FAULTY * len(laps))):
        faulty = _faulty(channels, sound, held_out)
        if not faulty:
            break
        for channel, lap in faulty:
            sound[lap, channel] = np.nan
        held_out = _held_out(channels, sound)
    bands = _bands(channels, sound)
    return replace(bands, level=_alarm_level(held_out))


def _alarm_level(held_out: Array) -> Array:
    """The alarm level by the highest levels of held-out laps, shape (laps, channels)."""
    return np.asarray(np.maximum(LEAST_LEVEL, MARGIN * held_out.max(axis=0)))


def _held_out(channels: tuple[str, ...], laps: Array) -> Array:
    """The highest level of each lap with the bands of the others, shape (laps, channels).

    0 for a channel that a lap has not.
    """
    levels = [
        np.where(
            np.isfinite(lap).any(axis=(1, 2)),
            cusum(_bands(channels, np.delete(laps, i, axis=0)).excess(lap)).max(axis=1),
            0.0,
        )
        for i, lap in enumerate(laps)
    ]
    return np.array(levels)


def _faulty(channels: tuple[str, ...], laps: Array, held_out: Array) -> list[tuple[int, int]]:
    """Channel and number of the most outstanding lap of each channel, where it is faulty."""
    found = []
    worst = held_out.argmax(axis=0)
    for lap in set(worst.tolist()):
        others = _alarm_level(_held_out(channels, np.delete(laps, lap, axis=0)))
        beyond = (worst == lap) & (held_out[lap] > FAULTY * others)
        found += [(int(channel), lap) for channel in np.flatnonzero(beyond)]
    return found


def _bands(channels: tuple[str, ...], laps: Array) -> Bands:
    """Bands with the smallest alarm level. They are at least a tenth of the usual spread wide."""
    low, high = np.fmin.reduce(laps, axis=0), np.fmax.reduce(laps, axis=0)
    middle = (high + low) / 2
    unknown = np.isnan(middle).all(axis=2, keepdims=True)
    spread_along_lap = np.nanstd(np.where(unknown, 0.0, middle), axis=2, keepdims=True)
    floor = np.asarray(np.maximum(0.1 * spread_along_lap, 1e-9))
    return Bands(channels, low, high, np.full(len(channels), LEAST_LEVEL), floor)


def alarms(bands: Bands, lap: Array) -> dict[str, int]:
    """The first stretch in alarm of each channel that has one, for the `stretches` of one lap."""
    over = cusum(bands.excess(lap)) > bands.level[:, None]
    return {name: int(over[i].argmax()) for i, name in enumerate(bands.channels) if over[i].any()}
