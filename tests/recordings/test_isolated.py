from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from pitwall.errors import LapFileError
from pitwall.recordings import isolated
from pitwall.recordings.recording import Column, Line, Options, Recording

READER = """
import os, time
import numpy as np
from pitwall.errors import LapFileError
from pitwall.recordings.recording import Column, Line, Recording

def load(): pass

def read_here(path, options):
    how = path.read_text()
    if how == "crash":
        os.kill(os.getpid(), 11)
    if how == "busy":
        while True: pass
    if how == "greedy":
        return [np.ones(1 << 30)]
    if how == "raises":
        raise KeyError("a fault of the library")
    if how == "refuses":
        raise LapFileError(f"{path}: line 3: no number")
    times = np.arange(3.0)
    columns = (Column("A", "km/h", times, times * 2), Column("B", "", times, times * 3, "bus"))
    return [Recording(path, "stub", columns, 3, start=options.start, line=options.line,
                      beacons_s=(1.5,), left_out={"bad": 2}, doubts=(str(options.dbc),))]
"""


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "stub_reader.py").write_text(READER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(isolated, "SECONDS", 1)
    return "stub_reader"


def test_a_recording_comes_back_as_it_was_made(tmp_path: Path, stub: str) -> None:
    file = tmp_path / "x.bin"
    file.write_text("good")
    start = datetime(2024, 3, 4, 14, 5, 6, tzinfo=UTC)
    options = Options(start=start, line=Line(1.0, 2.0, 3.0), dbc=Path("a.dbc"))
    (recording,) = isolated.read(stub, file, options)
    times = np.arange(3.0)
    expected = Recording(
        *(file, "stub", (), 3),
        start=start,
        line=options.line,
        beacons_s=(1.5,),
        left_out={"bad": 2},
        doubts=("a.dbc",),
    )
    columns = recording.columns
    assert Recording(**{**vars(recording), "columns": ()}) == expected
    assert [(c.name, c.unit, c.source) for c in columns] == [("A", "km/h", ""), ("B", "", "bus")]
    assert (columns[0].times_s == times).all()
    assert (columns[1].values == times * 3).all()
    assert isinstance(columns[0], Column)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("crash", "ended by signal 11"),
        ("busy", "not read within 1 s"),
        ("greedy", "more memory than a file of this size may take"),
        ("raises", "KeyError: 'a fault of the library'"),
        ("refuses", "line 3: no number"),
    ],
)
def test_every_end_of_the_child_is_one_error(
    tmp_path: Path, stub: str, how: str, says: str
) -> None:
    file = tmp_path / "x.bin"
    file.write_text(how)
    with pytest.raises(LapFileError, match=says) as caught:
        isolated.read(stub, file, Options())
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_the_module_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "pitwall.recordings.isolated"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "not enough values" in result.stderr
