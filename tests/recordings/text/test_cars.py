from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pitwall.errors import LapFileError
from pitwall.recordings.readers import delimited
from pitwall.recordings.recording import Options


def table(folder: Path, rows: Sequence[tuple[float, str, float]], name: str = "Driver") -> Path:
    path = folder / "a.csv"
    lines = [f"{time:.1f},{driver},{speed:g}" for time, driver, speed in rows]
    path.write_text("\n".join([f"Time (s),{name},Speed (km/h)", *lines]))
    return path


@pytest.mark.parametrize(
    ("name", "cars"),
    [("Driver", ("VER", "HAM")), ("driver_number", ("1", "44")), ("Car Number", ("7", "8"))],
)
def test_rows_of_several_cars_are_refused(tmp_path: Path, name: str, cars: tuple[str, str]) -> None:
    mixed = [(row / 10, car, 100.0) for row in range(50) for car in cars]
    with pytest.raises(LapFileError, match=f"column {name} has the rows of 2 cars.* line 3"):
        delimited.read(table(tmp_path, mixed, name), Options())
    appended = [(row / 10, car, 100.0) for car in cars for row in range(50)]
    with pytest.raises(LapFileError, match=f"column {name} has the rows of 2 cars.* line 52"):
        delimited.read(table(tmp_path, appended, name), Options())


def test_drivers_who_take_turns_drive_one_car(tmp_path: Path) -> None:
    rows = [(row / 10, "Ann" if row < 50 else "Bob", row) for row in range(100)]
    (recording,) = delimited.read(table(tmp_path, rows), Options())
    assert recording.columns[-1].values.tolist() == list(range(100))
    assert "left out: Driver" in " ".join(recording.doubts)


def test_rows_before_the_driver_is_known_are_no_other_car(tmp_path: Path) -> None:
    rows = [(row / 10, "" if row < 3 else "55", row) for row in range(100)]
    (recording,) = delimited.read(table(tmp_path, rows, "driver_number"), Options())
    assert recording.rows == 100
