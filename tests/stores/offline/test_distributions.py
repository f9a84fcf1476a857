"""Null share, percentiles and histogram of features, by DuckDB and of values in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stored_sessions import drive, store

from pitwall.settings import Settings
from pitwall.stores.offline.columns import MICROS
from pitwall.stores.offline.distributions import BINS, SHARES, distributions, medians, of_values


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def write(settings: Settings, session: str, created: int = 0, **columns: np.ndarray) -> None:
    day = Path(settings.offline("car_state")) / "event_date=2026-01-01"
    day.mkdir(parents=True, exist_ok=True)
    rows = len(next(iter(columns.values())))
    table = {
        "vehicle": ["car"] * rows,
        "session": [session] * rows,
        "event_timestamp": pa.array(range(rows), MICROS),
        "created_timestamp": pa.array([created] * rows, MICROS),
        **columns,
    }
    pq.write_table(pa.table(table), day / f"{session}-{created}.parquet")


def test_the_stores_distribution_is_that_of_the_values(settings: Settings) -> None:
    random = np.random.default_rng(0)
    values = random.normal(100, 30, 5000)
    values[::7], values[1], values[2] = np.nan, np.inf, -np.inf
    write(settings, "a", speed=values[:3000], brake=np.full(3000, 4.0))
    write(settings, "b", speed=values[3000:])
    found = distributions(settings, "car_state", ["speed", "brake", "steering_angle"])
    wanted = of_values(values)
    assert (found["speed"].rows, found["speed"].histogram) == (5000, wanted.histogram)
    assert found["speed"].null_share == pytest.approx((715 + 2) / 5000)
    assert found["speed"].percentiles == pytest.approx(wanted.percentiles)
    known = values[np.isfinite(values)]
    assert wanted.percentiles[SHARES.index(0.5)] == np.median(known)
    assert sum(wanted.histogram) == len(known) and len(wanted.histogram) == BINS
    assert found["brake"].null_share == pytest.approx(0.4)
    assert set(found["brake"].percentiles) == {4.0} and sum(found["brake"].histogram) == 3000
    assert (found["steering_angle"].null_share, found["steering_angle"].percentiles) == (1.0, ())
    only = distributions(settings, "car_state", ["speed"], ["b"])["speed"]
    assert only.percentiles == pytest.approx(of_values(values[3000:]).percentiles)


def test_middle_values_by_session(settings: Settings) -> None:
    store(settings, "a", [drive(80)])
    store(settings, "b", [drive(10)], vehicle="kart")
    found = medians(settings, "car_state", ["speed", "brake", "yaw"])
    assert found[["vehicle", "session"]].values.tolist() == [["car", "a"], ["kart", "b"]]
    assert found["speed"].tolist() == [50.0, 50.0] and found["brake"].tolist() == [0.0, 0.0]
    assert found["yaw"].isna().all()


def test_of_rows_that_were_written_again_the_newest_count(settings: Settings) -> None:
    write(settings, "a", speed=np.arange(100.0))
    write(settings, "a", 2, speed=np.arange(100.0) + 1000)
    write(settings, "a", 1, speed=np.arange(100.0) + 500)
    found = distributions(settings, "car_state", ["speed"])["speed"]
    assert (found.rows, found.percentiles[0], found.percentiles[-1]) == (100, 1000, 1099)
    assert medians(settings, "car_state", ["speed"])["speed"].tolist() == [1049.5]


def test_nothing_stored_is_no_rows(settings: Settings) -> None:
    found = distributions(settings, "car_state", ["speed"])["speed"]
    assert found.rows == 0 and np.isnan(found.null_share) and found.percentiles == ()
    assert medians(settings, "car_state", ["speed"]).empty
