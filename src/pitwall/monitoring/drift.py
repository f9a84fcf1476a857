"""Drift of channels against the laps a model learned from: a sensor that is stuck, shifted or dead, not another driver.

A driver changes how a channel goes along the lap within what drivers do; a broken sensor leaves that band and stays out.
So each watched channel is compared, in stretches of the lap, with the band of the training laps: the mean of the stretch
and its spread. What counts is by how much it lies outside, in widths of the band, summed over the last stretches
(a one-sided CUSUM); the alarm level is calibrated so that no training lap, held out in turn, comes near it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pitwall.monitoring.truths import RELEASED_S
from pitwall.stores.offline.database import database
from pitwall.stores.offline.files import Place, files

Array = NDArray[np.float64]
STRETCH_M = 200.0
LEAST_TICKS = 5
"""Ticks a stretch needs to count."""
ALLOWED = 1.0
"""A stretch outside the band by less than that many widths counts for nothing."""
MARGIN = 1.5
"""The alarm level is so many times the highest level a held-out training lap reached."""
LEAST = 3.0
WATCHED = (
    "speed",
    "acceleration_long",
    "acceleration_lat",
    "acceleration_vert",
    "velocity_yaw",
    "steering_angle",
    "throttle",
    "brake",
)


@dataclass(frozen=True)
class Watch:
    """The band of each channel: arrays of shape (channels, statistics, stretches), the alarm level (channels,)."""

    channels: tuple[str, ...]
    low: Array
    high: Array
    level: Array
    floor: Array
    """Bands are not believed to be narrower than that, (channels, 1, 1)."""

    def at(self, stretch: int) -> Watch:
        """The same for one stretch alone."""
        part = slice(stretch, stretch + 1)
        return Watch(
            self.channels, self.low[:, :, part], self.high[:, :, part], self.level, self.floor
        )

    def excess(self, stretches: Array) -> Array:
        """How far each stretch of (channels, statistics, stretches) lies outside, in widths: (channels, stretches)."""
        width = np.maximum(self.high - self.low, self.floor)
        outside = np.maximum(np.maximum(self.low - stretches, stretches - self.high) / width, 0.0)
        # A channel that says nothing, or nothing new for a whole stretch, is as far out as can be told.
        outside = np.where(np.isfinite(stretches), outside, 2.0)
        silent = (stretches[:, 1] == 0) & (self.low[:, 1] > 0)
        return np.asarray(np.where(silent, 2.0, outside.max(axis=1)).clip(0, 2.0))


def _floor(high: Array, low: Array) -> Array:
    """A tenth of the channel's usual spread along the lap."""
    usual = np.nanstd((high + low) / 2, axis=2, keepdims=True)
    return np.asarray(np.maximum(0.1 * usual, 1e-9))


def stretches(distance_m: Array, values: Array, count: int) -> Array:
    """Mean and standard deviation of each channel of (ticks, channels) in stretches of the lap: (channels, 2, count)."""
    which = np.floor(distance_m / STRETCH_M).astype(int)
    found = np.full((values.shape[1], 2, count), np.nan)
    for stretch in range(count):
        part = values[which == stretch]
        if len(part) >= LEAST_TICKS:
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
        return Watch(channels, low, high, np.full(len(channels), LEAST), _floor(high, low))

    levels = [
        np.where(
            np.isfinite(lap).any(axis=(1, 2)),
            cusum(band(np.delete(all_laps, i, axis=0)).excess(lap)).max(axis=1),
            0.0,
        )
        for i, lap in enumerate(laps)
    ]
    whole = band(all_laps)
    return Watch(
        channels,
        whole.low,
        whole.high,
        np.maximum(LEAST, MARGIN * np.max(levels, axis=0)),
        whole.floor,
    )


def alarms(watch: Watch, lap: Array) -> dict[str, int]:
    """The stretch in which each channel's alarm goes off, of one lap's `stretches`; channels without alarm are not named."""
    over = cusum(watch.excess(lap)) > watch.level[:, None]
    return {name: int(over[c].argmax()) for c, name in enumerate(watch.channels) if over[c].any()}


def from_offline(folder: Place, channels: tuple[str, ...]) -> Watch | None:
    """The watch the offline store's laps calibrate; None with fewer than four of one circuit.

    A lap seen whole is one from its start to within 2 % of the longest. A channel that stands still for a whole lap was dead in it: that lap
    tells nothing of the channel.
    """
    if not (paths := files(folder)):
        return None
    statistics = ", ".join(
        f'avg("{c}") AS m{i}, stddev_pop("{c}") AS s{i}' for i, c in enumerate(channels)
    )
    frame = (
        database(folder)
        .execute(
            f"SELECT vehicle, session, lap_number, floor(lap_distance / {STRETCH_M})::INT AS stretch, count(*) AS ticks, {statistics} "
            "FROM read_parquet(?, union_by_name = true, hive_partitioning = false) WHERE lap_from_start = 1 AND lap_distance >= 0 GROUP BY ALL",
            [paths],
        )
        .df()
    )
    if frame.empty:
        return None
    count = int(frame["stretch"].max())
    laps = []
    for _, lap in frame[(frame["ticks"] >= LEAST_TICKS) & (frame["stretch"] < count)].groupby(
        ["vehicle", "session", "lap_number"]
    ):
        if len(lap) < 0.98 * count:
            continue
        found = np.full((len(channels), 2, count), np.nan)
        for i in range(len(channels)):
            found[i][:, lap["stretch"]] = lap[[f"m{i}", f"s{i}"]].to_numpy().T
        found[np.nanmax(found[:, 1], axis=1) == 0] = np.nan
        laps.append(found)
    return calibrate(channels, laps) if len(laps) >= 4 else None


class Live:
    """Watches sessions tick by tick with a calibrated `Watch`; a channel's alarm ends with the lap it was raised in, or its session."""

    def __init__(self, watch: Watch, clock: Callable[[], float] = time.monotonic) -> None:
        self.watch = watch
        self._clock = clock
        self._heard: dict[tuple[str, str], float] = {}
        self._open: dict[tuple[str, str], tuple[float, int, list[list[float]], Array]] = {}
        self.raised: dict[tuple[str, str], tuple[str, ...]] = {}
        """The channels in alarm, by vehicle and session."""

    def row(
        self,
        vehicle: str,
        session: str,
        lap: float | None,
        distance_m: float | None,
        values: list[float | None],
    ) -> None:
        """One tick: the lap's number, the distance in it and the watched channels' values, None for null."""
        if lap is None or distance_m is None:
            return
        key, stretch = (vehicle, session), int(distance_m / STRETCH_M)
        self._heard[key] = self._clock()
        number, at, ticks, level = self._open.get(key, (lap, stretch, [], np.zeros(len(values))))
        if number != lap:
            ticks, level = [], np.zeros(len(values))
            self.raised.pop(key, None)
        elif stretch != at:
            if len(ticks) >= LEAST_TICKS and at < self.watch.low.shape[2]:
                level = self._close(key, at, np.array(ticks), level)
            ticks = []
        ticks.append([np.nan if value is None else value for value in values])
        self._open[key] = (lap, stretch, ticks, level)

    def close_silent(self) -> None:
        """Forget sessions that have said nothing for `RELEASED_S`, and their alarms."""
        now = self._clock()
        for key in [key for key, heard in self._heard.items() if now - heard > RELEASED_S]:
            del self._heard[key]
            self._open.pop(key, None)
            self.raised.pop(key, None)

    def _close(self, key: tuple[str, str], stretch: int, ticks: Array, level: Array) -> Array:
        there = np.isfinite(ticks).all(axis=0)
        found = np.full((ticks.shape[1], 2, 1), np.nan)
        found[there, 0, 0], found[there, 1, 0] = (
            ticks[:, there].mean(axis=0),
            ticks[:, there].std(axis=0),
        )
        level = np.maximum(0.0, level + self.watch.at(stretch).excess(found)[:, 0] - ALLOWED / 2)
        raised = [
            name
            for name, high in zip(self.watch.channels, level > self.watch.level, strict=True)
            if high
        ]
        self.raised[key] = tuple(dict.fromkeys([*self.raised.get(key, ()), *raised]))
        return level

    def metrics(self) -> str:
        """Alarms in Prometheus' text format."""
        lines = [
            f'pitwall_drift_alarm{{vehicle="{v}",session="{s}",channel="{c}"}} 1'
            for (v, s), names in sorted(self.raised.items())
            for c in names
        ]
        return "\n".join(["# TYPE pitwall_drift_alarm gauge", *lines]) + "\n"
