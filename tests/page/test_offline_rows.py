"""What the page reads of the offline store, where a reading fails."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pitwall.errors import StoreError
from pitwall.page.data.offline import OfflineRows
from pitwall.settings import Settings
from pitwall.stores.offline.columns import MICROS


def test_a_file_whose_reading_failed_is_read_again(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    day = Path(settings.offline("car_state")) / "event_date=2026-01-01"
    day.mkdir(parents=True)
    table = pa.table(
        {
            "vehicle": ["car"],
            "session": ["s"],
            "event_timestamp": pa.array([0], MICROS),
            "created_timestamp": pa.array([0], MICROS),
            "session_time": [1.5],
        }
    )
    pq.write_table(table, tmp_path / "good.parquet")
    content = (tmp_path / "good.parquet").read_bytes()
    part = day / "part-0.parquet"
    part.write_bytes(content[:-20])
    rows = OfflineRows(settings, {})
    with pytest.raises(StoreError, match="cannot be read"):
        rows.features("car_state", ("car", "s"), [])
    part.write_bytes(content)
    query = "SELECT session_time FROM read_parquet($paths)"
    assert rows.query("car_state", query, {}, ("car", "s")) == [(1.5,)]
