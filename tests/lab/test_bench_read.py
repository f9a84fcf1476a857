"""The files that `bench read` writes, and what is measured of one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pitwall.errors import StackError
from pitwall.lab.bench import read as bench
from pitwall.lab.bench.read_files import session_of, write_files
from pitwall.lab.bench.read_one import measure
from pitwall.lab.bench.result import Load
from pitwall.recordings import files
from pitwall.recordings.writers.files import FORMATS


def test_every_format_holds_the_session(tmp_path: Path) -> None:
    session = session_of(3000)
    assert session.values.shape == (3000, len(session.names))
    for name, path in write_files(session, tuple(FORMATS), tmp_path).items():
        read = files.read(path)
        np.testing.assert_allclose(read.times_s, session.times_s, atol=1e-6, err_msg=name)
        speed = read.channel("Speed")
        np.testing.assert_allclose(speed, session.channel("Speed"), rtol=1e-6, err_msg=name)


def test_a_file_is_measured_beside_polars(tmp_path: Path) -> None:
    path = write_files(session_of(20_000), ("csv",), tmp_path)["csv"]
    ours, peer = measure("ours", path), measure("polars", path)
    assert ours["rows"] == peer["rows"] == 20_000
    for figures in (ours, peer):
        assert figures["mb"] == pytest.approx(path.stat().st_size / 1e6, abs=0.1)
        assert figures["mb_s_a_core"] > 0 and figures["cpu_s"] < 60
        assert 50 < figures["peak_mb"] < 2000


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("no table")
    with pytest.raises(StackError, match=r"a\.csv cannot be read by ours: .*no row of numbers"):
        measure("ours", path)


def test_the_ratio_is_that_of_the_fastest_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([4.0, 3.0, 2.0, 1.5, 5.0, 9.0])

    def measured(reader: str, path: Path) -> dict[str, float]:
        cpu_s = next(seconds) if path.suffix == ".csv" else 1.0
        return {"cpu_s": cpu_s, "mb_s_a_core": 100 / cpu_s, "rows": 100}

    monkeypatch.setattr(bench, "measure", measured)
    monkeypatch.setattr(bench, "CSV_TICKS", 100)
    monkeypatch.setattr(bench, "TICKS", 100)
    result = bench.read(Load(), lambda text, share: None)
    assert (result.value, result.peer_value, result.n) == (50.0, 100 / 1.5, 100)
    assert result.ratio == 0.75
    assert {"csv", "csv_polars", *FORMATS} <= set(result.conditions)
