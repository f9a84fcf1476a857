from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mutations import mutations
from paths import SHARED

from pitwall.errors import LapFileError
from pitwall.recordings.readers import parquet
from pitwall.recordings.recording import Options, Recording

CASES = SHARED / "data" / "cases"


def read(path: Path, **options: object) -> Recording:
    assert parquet.recognises(path, path.read_bytes()[: 1 << 16])
    (recording,) = parquet.read(path, Options(**options))  # type: ignore[arg-type]
    return recording


def write(path: Path, table: pa.Table) -> Path:
    pq.write_table(table, path)
    return path


def test_real_laps_give_what_they_hold_bit_for_bit(laps_dir: Path) -> None:
    files = sorted(laps_dir.glob("*.parquet"))
    assert len(files) == 26
    for file in files:
        recording = read(file)
        frame = pd.read_parquet(file)
        assert recording.clock == "Timestamp"
        assert [c.name for c in recording.columns] == list(frame.columns.drop("Timestamp"))
        assert recording.rows == len(frame)
        assert recording.doubts == ()
        for column in recording.columns:
            assert (column.times_s == frame["Timestamp"].to_numpy()).all()
            assert np.array_equal(column.values, frame[column.name].to_numpy(np.float64), True)


def test_dates_start_the_session_at_the_first() -> None:
    recording = read(CASES / "timestamp-datetime64.parquet")
    assert recording.start == datetime(2026, 3, 29, 1, 59, 59, tzinfo=UTC)
    assert recording.zone_told
    times = recording.columns[0].times_s
    assert times[0] == 0
    assert np.allclose(np.diff(times), 0.02, atol=1e-12)


def test_durations_are_times() -> None:
    recording = read(CASES / "time-timedelta64.parquet")
    assert recording.start is None
    assert [c.name for c in recording.columns] == ["Speed", "Distance"]
    assert np.allclose(recording.columns[0].times_s, np.arange(100) * 0.02, atol=1e-12)


def test_whole_numbers_need_their_unit() -> None:
    path = CASES / "timestamp-ms-int.parquet"
    with pytest.raises(LapFileError, match=r"'Timestamp': .*whole numbers 20 apart.*--time-unit"):
        read(path)
    times = read(path, time_unit="ms").columns[0].times_s
    assert np.allclose(np.diff(times), 0.02, atol=1e-12)


def test_half_precision_is_read_and_text_is_named() -> None:
    recording = read(CASES / "float16-and-text.parquet")
    assert [c.name for c in recording.columns] == ["Speed"]
    assert recording.columns[0].values[:3].tolist() == [100.0, 100.0, 100.0625]
    assert recording.doubts == ("Name: no numbers, left out.",)


def test_columns_of_one_id_are_both_given() -> None:
    recording = read(CASES / "ids-collide.parquet")
    speed, other = recording.columns
    assert (speed.name, other.name) == ("Speed", "SPEED")
    assert (speed.values[0], other.values[0]) == (100.0, 200.0)


def test_units_stand_in_the_fields_or_names(tmp_path: Path) -> None:
    schema = pa.schema(
        [
            pa.field("Time", pa.float64(), metadata={"Units": "ms"}),
            pa.field("Speed", pa.float32(), metadata={"unit": "m/s"}),
            pa.field("Oil Temp [°F]", pa.int16()),
            pa.field("Slip (left)", pa.bool_()),
            pa.field("Lap", pa.int32()),
        ]
    )
    rows = [[0.0, 20.0, 40.0], [10, 11, 12], [200, 201, None], [True, False, None], [1, 1, 2]]
    recording = read(write(tmp_path / "x.parquet", pa.table(rows, schema=schema)))
    assert [(c.name, c.unit) for c in recording.columns] == [
        ("Speed", "m/s"),
        ("Oil Temp", "°F"),
        ("Slip (left)", ""),
        ("Lap", ""),
    ]
    assert recording.columns[0].times_s.tolist() == [0.0, 0.02, 0.04]
    assert np.array_equal(recording.columns[2].values, [1.0, 0.0, np.nan], equal_nan=True)
    assert recording.lap_column == "Lap"


@pytest.mark.parametrize(
    ("scale", "kind"), [(1, pa.float64()), (10**3, pa.int64()), (10**6, pa.int64())]
)
def test_numbers_since_1970_are_dates(tmp_path: Path, scale: int, kind: pa.DataType) -> None:
    first = datetime(2025, 12, 31, 3, 13, 17, 440_000, tzinfo=UTC)
    epochs = (first.timestamp() + np.arange(50) * 0.02) * scale
    epochs = epochs if scale == 1 else np.rint(epochs).astype(np.int64)
    table = pa.table({"time": pa.array(epochs, kind), "Speed": np.arange(50.0)})
    recording = read(write(tmp_path / "x.parquet", table))
    assert recording.start == first
    assert recording.zone_told
    assert np.allclose(recording.columns[0].times_s, np.arange(50) * 0.02, atol=1e-6)


def test_a_naive_date_tells_no_zone_and_an_index_of_dates_is_a_clock(tmp_path: Path) -> None:
    index = pd.date_range("2024-03-04 14:05:06", periods=3, freq="50ms")
    pd.DataFrame({"Speed": [1.0, 2.0, 3.0]}, index=index).to_parquet(tmp_path / "x.parquet")
    recording = read(tmp_path / "x.parquet")
    assert recording.start == datetime(2024, 3, 4, 14, 5, 6, tzinfo=UTC)
    assert not recording.zone_told
    assert recording.columns[0].times_s.tolist() == [0.0, 0.05, 0.1]


def test_an_export_of_this_product_tells_its_start_and_laps(tmp_path: Path) -> None:
    laps = [
        {"number": 0, "start_s": 0.0, "end_s": 12.023, "whole": False},
        {"number": 1, "start_s": 12.023, "end_s": 52.023, "whole": True},
    ]
    facts = {"vehicle": "Kart", "start": "2024-03-04T14:05:06+00:00", "laps": laps}
    dates = pd.date_range("2024-03-04 14:05:07", periods=2, freq="20ms", tz="UTC")
    table = pa.table({"datetime": dates, "Timestamp": [1.0, 1.02], "Speed": [1.0, 2.0]})
    table = table.replace_schema_metadata({"pitwall": json.dumps(facts)})
    recording = read(write(tmp_path / "x.parquet", table))
    assert recording.clock == "Timestamp"
    assert recording.start == datetime(2024, 3, 4, 14, 5, 6, tzinfo=UTC)
    assert (recording.vehicle, recording.doubts) == ("Kart", ())
    assert recording.beacons_s == (12.023, 52.023)
    assert [(c.name, c.times_s.tolist()) for c in recording.columns] == [("Speed", [1.0, 1.02])]


def test_a_table_without_a_clock_needs_its_rate(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", pa.table({"Speed": [1.0, 2.0, 3.0]}))
    with pytest.raises(LapFileError, match=r"no clock.*Speed.*--rate-hz"):
        read(path)
    assert read(path, rate_hz=50.0).columns[0].times_s.tolist() == [0.0, 0.02, 0.04]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"Time": [1.0, 1.0], "Speed": [1.0, 2.0]}, "time stands still in column 'Time'"),
        ({"Time": [0.0], "Speed": [1.0]}, "1 rows; a recording has at least two"),
        ({"Time": [0.0, 0.1], "Name": ["a", "b"]}, "no column of numbers beside the clock"),
        ({"Time (mph)": [0.0, 0.1], "Speed": [1.0, 2.0]}, "'mph' is no unit of time"),
        ({"Name": ["a", "b"]}, "no clock"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, table: dict[str, list[object]], says: str) -> None:
    path = write(tmp_path / "x.parquet", pa.table(table))
    with pytest.raises(LapFileError, match=says) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_damage_gives_a_reading_or_one_error(tmp_path: Path) -> None:
    good = (CASES / "float16-and-text.parquet").read_bytes()
    path = tmp_path / "x.parquet"
    for damaged in mutations(good, 400, seed=22):
        path.write_bytes(damaged)
        try:
            parquet.read(path, Options())
        except LapFileError as error:
            assert "\n" not in str(error)
