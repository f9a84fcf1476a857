"""Sessions in the offline store, as the features job writes them, of laps by their distances."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pitwall.settings import Settings
from pitwall.stores.offline.columns import MICROS

LENGTH_M, HZ = 4000.0, 10


def drive(seconds: float, length_m: float = LENGTH_M) -> np.ndarray:
    """The distance at each tick of one lap, m."""
    return np.linspace(0, length_m - 1, round(seconds * HZ))


def store(
    settings: Settings,
    session: str,
    distances: list[np.ndarray],
    vehicle: str = "car",
    turned: float | None = None,
    speed: Callable[[np.ndarray], np.ndarray] | None = None,
) -> None:
    """A session of these laps, each recorded from its start, with a dead brake sensor.

    `turned` is the angle, in radians, by which its round circuit is turned about its start; without
    it there are no positions. `speed` is of the distances, shape (ticks,), in the lap.
    """
    day = Path(settings.offline("car_state")) / "event_date=2026-01-01"
    day.mkdir(parents=True, exist_ok=True)
    number = np.repeat(np.arange(1, len(distances) + 1), list(map(len, distances)))
    ticks = np.arange(len(number))
    lap_time = np.concatenate([np.arange(len(lap)) / HZ for lap in distances])
    times = [len(lap) / HZ for lap in distances]
    before = np.repeat([np.nan, *times[:-1]], list(map(len, distances)))
    event_us = ticks * (1_000_000 // HZ)
    driven = np.concatenate(distances)
    angle = 2 * np.pi * driven / LENGTH_M
    line = LENGTH_M / (2 * np.pi) * (np.exp(1j * angle) - 1) * np.exp(1j * (turned or 0.0))
    places = {} if turned is None else {"position_x": line.real, "position_z": line.imag}
    table = pa.table(
        {
            **places,
            "vehicle": [vehicle] * len(ticks),
            "session": [session] * len(ticks),
            "event_timestamp": pa.array(event_us, MICROS),
            "created_timestamp": pa.array(event_us, MICROS),
            "speed": ticks % 100 + 0.5 if speed is None else speed(driven),
            "brake": np.zeros(len(ticks)),
            "lap_number": number.astype(float),
            "lap_time": lap_time,
            "lap_distance": driven,
            "lap_from_start": np.ones(len(ticks)),
            "lap_last_time": pa.array(before, from_pandas=True),
        }
    )
    pq.write_table(table, day / f"{vehicle}-{session}.parquet")
