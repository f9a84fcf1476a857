"""`./pitwall export` of recordings, which needs no server."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ld_reader import read_beacons_s, read_ld

from pitwall.car.simulator import simulate
from pitwall.cli.export import FileFormat
from pitwall.cli.main import main
from pitwall.recordings.laps import split
from pitwall.recordings.writers.files import FORMATS


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two laps of the simulated car, as `./pitwall simulate --out` writes them."""
    drive = simulate(laps=2, seed=4, hz=20.0)
    columns = dict(zip(drive.names, drive.values.T, strict=True))
    path = tmp_path / f"{drive.session}.parquet"
    pq.write_table(pa.table({"Timestamp": drive.times_s, **columns}), path)
    return path


def pitwall(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["pitwall", *map(str, arguments)])
    main()


def test_the_formats_of_the_command_are_those_of_the_writers() -> None:
    assert [format.value for format in FileFormat] == list(FORMATS)


def test_a_lap_of_a_recording_becomes_a_motec_file(
    recording: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "lap2.ld"
    with pytest.raises(SystemExit) as end:
        pitwall(monkeypatch, "export", recording, 2, "--format", "motec", "--out", out, "--json")
    assert end.value.code == 0
    answer = json.loads(capfd.readouterr().out)
    drive = simulate(laps=2, seed=4, hz=20.0)
    lap = next(lap for lap in split(drive) if lap.number == 2)
    assert answer["files"] == [str(out), str(out.with_suffix(".ldx"))]
    assert answer["laps"] == [
        {
            "number": 2,
            "start_s": pytest.approx(lap.start_s),
            "duration_s": pytest.approx(lap.duration_s),
            "whole": True,
        }
    ]
    assert answer["channels"] == len(drive.names) and answer["features"] == 0
    speed = read_ld(out).channels["Speed"]
    inside = np.searchsorted(drive.times_s, [lap.start_s, lap.start_s + lap.duration_s])
    expected = drive.channel("Speed")[inside[0] - 2 : inside[1] + 1]
    np.testing.assert_array_equal(speed.values, expected.astype(np.float32))
    beacons = read_beacons_s(out.with_suffix(".ldx"))
    assert np.diff(beacons) == pytest.approx([lap.duration_s])


def test_a_session_is_named_by_its_id_in_a_folder(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(SystemExit) as end:
        pitwall(monkeypatch, "export", recording, "--out", folder)
    assert end.value.code == 0
    (path,) = folder.iterdir()
    assert path.name == "20260101-000400-simulation.csv"
    frame = pl.read_csv(path, skip_rows_after_header=1)
    assert len(frame) == len(simulate(laps=2, seed=4, hz=20.0).times_s)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["9"], 2, "has no lap 9; its laps are 1, 2"),
        (["--content", "features"], 2, "has no features; give --content channels"),
        (["--out", "/nowhere/lap.csv"], 2, "/nowhere/lap.csv cannot be written"),
        (["--format", "xls"], 2, "xls"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    recording: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    says: str,
) -> None:
    with pytest.raises(SystemExit) as end:
        pitwall(monkeypatch, "export", recording, *arguments)
    error = capfd.readouterr().err
    assert end.value.code == status
    assert says in error and "Traceback" not in error
