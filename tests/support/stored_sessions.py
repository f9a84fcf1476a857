"""Sessions in the offline store, as the features job writes them, of laps by their distances."""

from __future__ import annotations

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
    settings: Settings, session: str, distances: list[np.ndarray], vehicle: str = "car"
) -> None:
    """A session of these laps, each recorded from its start, with a dead brake sensor."""
    day = Path(settings.offline("car_state")) / "event_date=2026-01-01"
    day.mkdir(parents=True, exist_ok=True)
    number = np.repeat(np.arange(1, len(distances) + 1), list(map(len, distances)))
    ticks = np.arange(len(number))
    lap_time = np.concatenate([np.arange(len(lap)) / HZ for lap in distances])
    times = [len(lap) / HZ for lap in distances]
    before = np.repeat([np.nan, *times[:-1]], list(map(len, distances)))
    event_us = ticks * (1_000_000 // HZ)
    table = pa.table(
        {
            "vehicle": [vehicle] * len(ticks),
            "session": [session] * len(ticks),
            "event_timestamp": pa.array(event_us, MICROS),
            "created_timestamp": pa.array(event_us, MICROS),
            "speed": ticks % 100 + 0.5,
            "brake": np.zeros(len(ticks)),
            "lap_number": number.astype(float),
            "lap_time": lap_time,
            "lap_distance": np.concatenate(distances),
            "lap_from_start": np.ones(len(ticks)),
            "lap_last_time": pa.array(before, from_pandas=True),
        }
    )
    pq.write_table(table, day / f"{vehicle}-{session}.parquet")
