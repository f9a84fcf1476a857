from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest
from mutations import mutations, outcomes

from pitwall.errors import LapFileError
from pitwall.recordings.readers import lmu_duckdb
from pitwall.recordings.recording import Options, Recording

ORIGIN = 23.6
ROWS = 400


def write(path: Path, gap_s: float = 0.0, oil_rows: int = 28) -> Path:
    """4 s of driving: 100 Hz, 10 Hz and 7 Hz channels, wheels, gears and laps."""
    clock = ORIGIN + np.arange(ROWS) / 100
    clock[ROWS // 2 :] += gap_s
    with duckdb.connect(str(path)) as base:
        base.execute("CREATE TABLE metadata (key VARCHAR, value VARCHAR)")
        base.execute("CREATE TABLE channelsList (channelName VARCHAR, frequency INT, unit VARCHAR)")
        base.execute("CREATE TABLE eventsList (eventName VARCHAR, unit VARCHAR)")
        for key, value in (
            ("RecordingTime", "2026-01-20T19_22_38Z"),
            ("DriverName", "Ann"),
            ("CarName", "GT3 Nr. 5"),
        ):
            base.execute("INSERT INTO metadata VALUES (?, ?)", [key, value])
        channel(base, "GPS Time", 100, "s", clock)
        channel(base, "Ground Speed", 100, "km/h", np.arange(ROWS) / 2)
        channel(base, "Lap Dist", 10, "m", np.arange(ROWS // 10) * 10.0)
        channel(base, "Engine Oil Temp", 7, "C", np.full(oil_rows, 90.0))
        base.execute("INSERT INTO channelsList VALUES ('Brakes Temp', 10, 'C')")
        base.execute(
            'CREATE TABLE "Brakes Temp" AS SELECT i::FLOAT value1, i + 1.0 value2, i + 2.0 value3, '
            "i + 3.0 value4 FROM range(40) r(i)"
        )
        for name, rows in (("Gear", [(23.6, 1), (24.1, 2)]), ("Lap", [(23.6, 0), (25.125, 1)])):
            base.execute("INSERT INTO eventsList VALUES (?, NULL)", [name])
            base.execute(f'CREATE TABLE "{name}" (ts DOUBLE, value INTEGER)')
            base.executemany(f'INSERT INTO "{name}" VALUES (?, ?)', rows)
        base.execute("INSERT INTO eventsList VALUES ('Weather', NULL)")
        base.execute('CREATE TABLE "Weather" (ts DOUBLE, value VARCHAR)')
    return path


def channel(
    base: duckdb.DuckDBPyConnection, name: str, rate: int, unit: str, values: np.ndarray
) -> None:
    base.execute("INSERT INTO channelsList VALUES (?, ?, ?)", [name, rate, unit])
    base.execute(f'CREATE TABLE "{name}" AS SELECT unnest(?)::DOUBLE AS value', [values.tolist()])


def read_here(path: Path) -> Recording:
    assert lmu_duckdb.recognises(path, path.read_bytes()[: 1 << 16])
    (recording,) = lmu_duckdb.read_here(path, Options())
    return recording


def test_channels_lie_on_their_own_grids(tmp_path: Path) -> None:
    recording = read_here(write(tmp_path / "a.duckdb"))
    columns = {column.name: column for column in recording.columns}
    assert columns["Ground Speed"].unit == "km/h"
    assert columns["Ground Speed"].values.tolist() == (np.arange(ROWS) / 2).tolist()
    assert np.allclose(columns["Ground Speed"].times_s, np.arange(ROWS) / 100, atol=1e-12)
    assert np.allclose(columns["Lap Dist"].times_s, np.arange(40) / 10, atol=1e-12)
    assert columns["Brakes Temp RL"].values[:3].tolist() == [2.0, 3.0, 4.0]
    assert np.allclose(columns["Gear"].times_s, [0.0, 0.5], atol=1e-12)
    assert columns["Gear"].values.tolist() == [1.0, 2.0]
    assert np.allclose(columns["Engine Oil Temp"].times_s, np.arange(28) / 7)
    assert recording.doubts == ("Weather: no numbers, left out.",)


def test_facts_and_laps(tmp_path: Path) -> None:
    recording = read_here(write(tmp_path / "a.duckdb"))
    assert recording.start == datetime(2026, 1, 20, 19, 22, 38, tzinfo=UTC)
    assert recording.zone_told
    assert (recording.vehicle, recording.driver) == ("GT3 Nr. 5", "Ann")
    assert recording.lap_column == "Lap"
    assert np.allclose(recording.beacons_s, [1.525], atol=1e-12)


def test_a_gap_of_the_clock_is_one_of_every_channel(tmp_path: Path) -> None:
    recording = read_here(write(tmp_path / "a.duckdb", gap_s=0.38))
    columns = {column.name: column for column in recording.columns}
    assert np.allclose(columns["Ground Speed"].times_s[199:201], [1.99, 2.38])
    assert np.allclose(columns["Lap Dist"].times_s[19:21], [1.9, 2.38])


def test_a_rate_that_is_not_kept_is_said(tmp_path: Path) -> None:
    recording = read_here(write(tmp_path / "a.duckdb", oil_rows=32))
    columns = {column.name: column for column in recording.columns}
    assert np.allclose(columns["Engine Oil Temp"].times_s, np.arange(32) / 8)
    assert recording.doubts[0] == (
        "Engine Oil Temp: told at 7 Hz, its 32 samples are taken at 8.0000 Hz."
    )


def test_other_databases_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    with duckdb.connect(str(path)) as base:
        base.execute("CREATE TABLE orders AS SELECT 1 AS id")
        base.execute("CREATE VIEW channelsList AS SELECT * FROM read_csv('/etc/passwd')")
    with pytest.raises(LapFileError, match=r"without the table 'channelsList'.*orders"):
        read_here(path)


def test_the_child_reads_a_file_and_refuses_a_cut_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.duckdb")
    (recording,) = lmu_duckdb.read(path, Options())
    assert len(recording.columns) == 9
    assert recording.lap_column == "Lap"
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(LapFileError) as caught:
        lmu_duckdb.read(path, Options())
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_damage_keeps_no_process_busy(tmp_path: Path) -> None:
    lmu_duckdb.load()
    good = write(tmp_path / "a.duckdb").read_bytes()
    damaged = mutations(good, 40, seed=22, hot=12_288)
    ends = outcomes(lmu_duckdb.read_here, tmp_path / "b.duckdb", damaged)
    assert ends["limit"] == 0
