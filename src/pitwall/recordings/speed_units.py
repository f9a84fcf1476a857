"""The unit of a speed that names none, told by the way that the car went meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pitwall.recordings.channel_reading import ChannelReading
from pitwall.recordings.places import metres
from pitwall.recordings.recording import Recording

Floats = NDArray[np.float64]
KPH = {"km/h": 1.0, "m/s": 3.6, "mph": 1.609344}
"""km/h in each unit that a speed may be in."""
ALIKE = 0.1
"""Speed and way agree when they differ by less than this share."""
LONGEST_STEP_S = 5.0
FASTEST_MPS = 150.0
SHORTEST_WAY_M = 200.0
"""So far a car must have gone to tell the unit of its speed."""


def with_speed_unit(
    recording: Recording, readings: Sequence[ChannelReading]
) -> tuple[list[ChannelReading], list[str]]:
    """The channels, the speed in the unit that the way tells, and what is said of it.

    Nothing changes where the file or its source names the unit, and where there is no way to
    compare with: the positions, else a distance.
    """
    speed = next((each for each in readings if each.channel == "Speed" and each.assumed), None)
    way = _way(recording, readings) if speed is not None else None
    if speed is None or way is None:
        return list(readings), []
    column = recording.columns[speed.column]
    ratio = _ratio(column.times_s, column.values, *way)
    if ratio is None:
        return list(readings), []
    unit = next((unit for unit, kph in KPH.items() if abs(ratio / kph - 1) < ALIKE), None)
    if unit == "km/h":
        return list(readings), []
    if unit is None:
        doubt = (
            f"{speed.source}: no unit is named, and the way that the car went is {ratio:.2g} times "
            "that of its speed in km/h; say the unit in feature_repo/names.yaml"
        )
        return list(readings), [doubt]
    note = f"no unit is named: the way that the car went says {unit}"
    changed = replace(speed, factor=KPH[unit], note=note, assumed=False)
    every = [changed if each is speed else each for each in readings]
    return every, [f"{speed.source}: {note}"]


def _way(recording: Recording, readings: Sequence[ChannelReading]) -> tuple[Floats, Floats] | None:
    """Times and metres gone since the first sample, by positions, else by a distance."""
    known = {each.channel: each for each in readings if each.canonical_unit is not None}
    if {"Latitude", "Longitude"} <= set(known):
        one, other = (recording.columns[known[name].column] for name in ("Latitude", "Longitude"))
        if one.times_s is not other.times_s:
            return None
        east, north = metres(
            one.values * (known["Latitude"].factor or 1.0),
            other.values * (known["Longitude"].factor or 1.0),
        )
        found = np.isfinite(east) & np.isfinite(one.times_s)
        times, x, y = one.times_s[found], east[found], north[found]
        moved = np.r_[True, (np.diff(x) != 0) | (np.diff(y) != 0)] if len(x) else found[:0]
        times, x, y = times[moved], x[moved], y[moved]
        return (times, np.r_[0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y)))]) if len(x) else None
    for name in ("Distance", "LapDistance"):
        if name in known:
            column = recording.columns[known[name].column]
            found = np.isfinite(column.values) & np.isfinite(column.times_s)
            values = column.values[found] * (known[name].factor or 1.0)
            if len(values):
                return column.times_s[found], np.r_[0.0, np.cumsum(np.maximum(np.diff(values), 0))]
    return None


def _ratio(times: Floats, kph: Floats, way_times: Floats, way_m: Floats) -> float | None:
    """The way gone, as a multiple of the way by the speed in km/h; None where too little is."""
    found = np.isfinite(times) & np.isfinite(kph)
    times, kph = times[found], kph[found]
    order = np.all(np.diff(way_times) >= 0) and np.all(np.diff(times) >= 0)
    if len(times) < 3 or len(way_times) < 3 or not order:
        return None
    seconds = np.diff(times)
    by_speed = (kph[1:] + kph[:-1]) / 2 / 3.6 * seconds
    gone = np.diff(np.interp(times, way_times, way_m))
    usual = (seconds > 0) & (seconds < LONGEST_STEP_S) & (gone <= FASTEST_MPS * seconds)
    usual &= (times[1:] <= way_times[-1]) & (times[:-1] >= way_times[0])
    usual &= (kph[1:] + kph[:-1]) / 2 > 0.2 * float(kph.max())
    if not usual.any() or gone[usual].sum() < SHORTEST_WAY_M or not by_speed[usual].sum() > 0:
        return None
    return float(gone[usual].sum() / by_speed[usual].sum())
