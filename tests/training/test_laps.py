"""Which laps count for training: whole ones that a car drove."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pitwall.errors import ModelError
from pitwall.settings import Settings
from pitwall.stores.offline.columns import MICROS
from pitwall.training.dataset import laps

LENGTH_M, HZ = 4000.0, 10
Lap = tuple[np.ndarray, float]
"""Distance at each tick, m, and the time of the lap before, s."""


def drive(seconds: float) -> np.ndarray:
    return np.linspace(0, LENGTH_M - 1, round(seconds * HZ))


def store(settings: Settings, session: str, distances: list[np.ndarray]) -> None:
    """A session of these laps, each recorded from its start."""
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
            "vehicle": ["car"] * len(ticks),
            "session": [session] * len(ticks),
            "event_timestamp": pa.array(event_us, MICROS),
            "created_timestamp": pa.array(event_us, MICROS),
            "lap_number": number.astype(float),
            "lap_time": lap_time,
            "lap_distance": np.concatenate(distances),
            "lap_from_start": np.ones(len(ticks)),
            "lap_last_time": pa.array(before, from_pandas=True),
        }
    )
    pq.write_table(table, day / f"{session}.parquet")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_laps_of_a_car_that_stands_on_the_line_do_not_count(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    jitter = np.array([0.02, LENGTH_M - 0.02])
    store(settings, "a", [drive(80), *[jitter] * 102, drive(81), drive(82)])
    with caplog.at_level(logging.WARNING, "pitwall.training"):
        assert laps(settings)["lap_final"].tolist() == [80.0, 81.0, 81.9]
    assert "3 complete laps of 3999 m; left out: 102 whose distance leaps, 0 of" in caplog.text


@pytest.mark.parametrize(
    "leaping",
    [
        np.r_[drive(80)[:300], drive(80)[780:]],
        np.r_[drive(80)[:300], drive(80)[200:]],
    ],
    ids=["to the pits", "back"],
)
def test_a_lap_whose_distance_leaps_does_not_count(settings: Settings, leaping: np.ndarray) -> None:
    store(settings, "a", [drive(80), leaping, drive(82), drive(83)])
    assert laps(settings)["lap_number"].tolist() == [1, 3, 4]


def test_a_lap_that_no_car_can_drive_does_not_count(settings: Settings) -> None:
    store(settings, "a", [drive(80), drive(20), drive(82)])
    assert laps(settings)["lap_number"].tolist() == [1, 3]


def test_a_store_of_leaping_laps_alone_says_so(settings: Settings) -> None:
    store(settings, "a", [np.array([0.02, LENGTH_M - 0.02])] * 5)
    with pytest.raises(ModelError, match="of 5 that were seen from start to end, all leap"):
        laps(settings)
