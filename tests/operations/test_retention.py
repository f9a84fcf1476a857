"""What the offline store would lose, and losing only that."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pitwall.errors import StoreError
from pitwall.operations.exclusive import exclusive
from pitwall.operations.retention import due
from pitwall.settings import Settings
from pitwall.stores.offline.columns import MICROS
from pitwall.stores.offline.files import files

NOW = 1_800_000_000
DAY = 86_400


def write(settings: Settings, name: str, sessions: dict[str, float]) -> None:
    """One row for each session, driven years ago and written so many days before NOW."""
    folder = settings.offline_dir / "car_state" / "event_date=2019-01-01"
    folder.mkdir(parents=True, exist_ok=True)
    created = [round((NOW - days * DAY) * 1e6) for days in sessions.values()]
    driven = pa.array([1_546_300_800_000_000] * len(sessions), MICROS)
    columns = {
        "vehicle": ["v"] * len(sessions),
        "session": [*sessions],
        "event_timestamp": driven,
        "created_timestamp": pa.array(created, MICROS),
    }
    pq.write_table(
        pa.table({**columns, "speed": [1.0] * len(sessions)}), folder / f"{name}.parquet"
    )


def sessions(settings: Settings) -> list[str]:
    return sorted(
        s
        for path in files(settings.offline_dir)
        for s in pq.ParquetFile(path).read(["session"])["session"].to_pylist()
    )


def test_sessions_go_by_when_they_were_last_written_and_only_when_told(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, retention_offline_days=5)
    write(settings, "a", {"old": 9, "young": 1, "replayed": 9})
    write(settings, "b", {"replayed": 2, "older": 99})
    found = due(settings, NOW)
    assert [(each.store, each.what, each.rows) for each in found] == [
        ("offline", "car_state: v / old", 1),
        ("offline", "car_state: v / older", 1),
    ]
    assert sessions(settings) == ["old", "older", "replayed", "replayed", "young"]
    for each in found:
        each.delete()
    assert sessions(settings) == ["replayed", "replayed", "young"]
    assert due(settings, NOW) == []


def test_without_a_setting_nothing_is_due(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    write(settings, "a", {"old": 999})
    assert due(settings, NOW) == []


def test_two_at_a_time_are_refused(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with (
        exclusive(settings),
        pytest.raises(StoreError, match="another command"),
        exclusive(settings),
    ):
        pass
    with exclusive(settings):
        pass
