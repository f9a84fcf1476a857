"""How good the watch on drift is: faults in laps held out, and alarms without a fault."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pitwall.errors import ModelError
from pitwall.monitoring.bands import STRETCH_M, Array, Bands, alarms, stretches
from pitwall.monitoring.calibration import (
    LEAST_LAPS,
    WATCHED,
    StoredLap,
    bands_of,
    by_circuit,
    stored_laps,
)
from pitwall.stores.offline.database import database
from pitwall.stores.offline.files import Place, files
from pitwall.stores.offline.marks import Key

SEED = 0
EARLIEST, LATEST = 0.1, 0.8
"""A fault begins between these shares of the ticks of a lap."""
DELAY_S = 0.2
Fault = Callable[[Array, int, float, np.random.Generator], Array]
"""Values of a channel, the tick at which the fault begins, seconds between ticks, and chance, to
the values from that tick on."""


def _delayed(values: Array, begin: int, tick_s: float, rng: np.random.Generator) -> Array:
    late = max(1, round(DELAY_S / tick_s))
    return values[begin - late : len(values) - late]


def _noisy(values: Array, begin: int, tick_s: float, rng: np.random.Generator) -> Array:
    return values[begin:] + rng.normal(0, np.nanstd(values) / 2, len(values) - begin)


FAULTS: dict[str, Fault] = {
    "stuck": lambda values, begin, *_: np.full(len(values) - begin, values[begin]),
    "dead": lambda values, begin, *_: np.zeros(len(values) - begin),
    "silent": lambda values, begin, *_: np.full(len(values) - begin, np.nan),
    "shifted by 1 σ": lambda values, begin, *_: values[begin:] + np.nanstd(values),
    "shifted by ½ σ": lambda values, begin, *_: values[begin:] + np.nanstd(values) / 2,
    "scaled by 1.2": lambda values, begin, *_: values[begin:] * 1.2,
    "delayed 0.2 s": _delayed,
    "noise of ½ σ": _noisy,
}
"""What is done to a channel from one tick of a lap on, until its end; σ is of the lap."""


@dataclass(frozen=True)
class Ticks:
    """One lap tick by tick."""

    time_s: Array
    distance_m: Array
    values: Array
    """Shape (ticks, channels); NaN for null."""


def drill(
    place: Place,
    excluded: Collection[Key] = (),
    channels: tuple[str, ...] = WATCHED,
    step: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Each lap of the most usual circuit held out in turn, as it was and with each fault.

    The answer has the keys `laps`, `hours`, `false_alarms`, `false_alarms_per_h` and `channels`, a
    list of `channel`, `false_alarms`, `hours` and `faults`, of which each has `fault`, `injected`,
    `found` and `median_s` (of those found; None where none was). `hours` of a channel are those of
    laps in which it was not dead. Raises `ModelError` with fewer than `LEAST_LAPS` + 1 laps.
    """
    circuits = by_circuit(stored_laps(place, channels, excluded))
    laps = circuits[0] if circuits else []
    if len(laps) <= LEAST_LAPS:
        raise ModelError(
            f"{len(laps)} whole laps of one circuit are stored; the watch on drift is tried on "
            f"at least {LEAST_LAPS + 1}; stream some (`./pitwall replay`)"
        )
    rng = np.random.default_rng(SEED)
    hours, false = np.zeros(len(channels)), np.zeros(len(channels), int)
    driven_h = 0.0
    found: dict[tuple[str, str], list[float]] = {}
    for number, lap in enumerate(laps):
        step(f"drift: lap {number + 1} of {len(laps)}")
        ticks = _ticks(place, channels, lap)
        bands = bands_of(channels, [*laps[:number], *laps[number + 1 :]])
        sound = np.isfinite(lap.stretches).any(axis=(1, 2))
        lap_h = float(ticks.time_s[-1] - ticks.time_s[0]) / 3600
        driven_h += lap_h
        hours += lap_h * sound
        clean = stretches(ticks.distance_m, ticks.values, bands.low.shape[2])
        raised = alarms(bands, clean)
        for at in np.flatnonzero(sound):
            false[at] += channels[at] in raised
            for name, fault in FAULTS.items():
                wait_s = _found(bands, clean, ticks, int(at), fault, rng)
                found.setdefault((channels[at], name), []).append(wait_s)
    by_channel = [
        {
            "channel": channel,
            "false_alarms": int(false[at]),
            "hours": float(hours[at]),
            "faults": [_waits(name, found.get((channel, name), [])) for name in FAULTS],
        }
        for at, channel in enumerate(channels)
    ]
    return {
        "laps": len(laps),
        "hours": driven_h,
        "false_alarms": int(false.sum()),
        "false_alarms_per_h": float(false.sum() / driven_h),
        "channels": by_channel,
    }


def _waits(name: str, waits_s: Sequence[float]) -> dict[str, Any]:
    known = [wait for wait in waits_s if np.isfinite(wait)]
    median_s = float(np.median(known)) if known else None
    return {"fault": name, "injected": len(waits_s), "found": len(known), "median_s": median_s}


def _found(
    bands: Bands, clean: Array, ticks: Ticks, at: int, fault: Fault, rng: np.random.Generator
) -> float:
    """Seconds from the begin of a fault until the alarm of its channel; NaN where none comes.

    An alarm that came before the fault does not find it.
    """
    count = len(ticks.time_s)
    begin = int(rng.integers(int(EARLIEST * count), int(LATEST * count)))
    values = ticks.values[:, at].copy()
    values[begin:] = fault(values, begin, float(np.median(np.diff(ticks.time_s))), rng)
    lap = clean.copy()
    lap[at] = stretches(ticks.distance_m, values[:, None], clean.shape[2])[0]
    stretch = alarms(bands, lap).get(bands.channels[at])
    if stretch is None:
        return np.nan
    ends = ticks.time_s[np.floor(ticks.distance_m / STRETCH_M) == stretch][-1]
    return float(ends - ticks.time_s[begin]) if ends >= ticks.time_s[begin] else np.nan


def _ticks(place: Place, channels: tuple[str, ...], lap: StoredLap) -> Ticks:
    columns = ", ".join(f'"{name}"::DOUBLE AS channel{i}' for i, name in enumerate(channels))
    query = f"""
        SELECT epoch_us(event_timestamp) / 1e6 AS time_s, lap_distance, {columns}
        FROM read_parquet(?, union_by_name = true, hive_partitioning = false)
        WHERE vehicle = ? AND session = ? AND lap_number = ? AND lap_distance >= 0
        ORDER BY event_timestamp
    """
    keys = [lap.vehicle, lap.session, lap.number]
    table = database(place).execute(query, [files(place), *keys]).df().to_numpy(float)
    return Ticks(table[:, 0], table[:, 1], table[:, 2:])
