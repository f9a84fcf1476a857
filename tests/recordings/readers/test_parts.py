from __future__ import annotations

import random
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from pitwall.errors import LapFileError, listed
from pitwall.recordings.readers import (
    aim_xrk,
    iracing_ibt,
    lmu_duckdb,
    mcap,
    mdf4,
    motec_ld,
    parquet,
)
from pitwall.recordings.readers.parts import (
    SteadyTimes,
    beacons_of,
    name_and_unit,
    text_of,
    told_apart,
)
from pitwall.recordings.recording import Column, Options

READERS = [aim_xrk, iracing_ibt, lmu_duckdb, mcap, mdf4, motec_ld, parquet]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.NAME)
def test_nonsense_is_not_recognised_and_refused_at_once(tmp_path: Path, reader: ModuleType) -> None:
    dice = random.Random(22)
    path = tmp_path / f"x{reader.SUFFIXES[0]}"
    for content in (b"", b"x", b"Time,Speed\n0,1\n", bytes(5000), dice.randbytes(100_000)):
        path.write_bytes(content)
        assert not reader.recognises(path, content[: 1 << 16])
        with pytest.raises(LapFileError) as caught:
            reader.read(path, Options())
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_texts_of_fixed_width() -> None:
    assert text_of(b"Speed\0\0old") == "Speed"
    assert text_of("λ °C ".encode()) == "λ °C"
    assert text_of("°C".encode("cp1252") + b"\x01\n") == "°C"


def test_columns_of_one_name_are_told_apart() -> None:
    times = np.arange(2.0)
    columns = [Column(name, "", times, times) for name in ("A", "B", "A", "A")]
    assert [c.source for c in told_apart(columns)] == ["", "", "column 3", "column 4"]


def test_columns_of_one_rate_share_their_times() -> None:
    times = SteadyTimes()
    assert times.at(3, 50.0).tolist() == [0.0, 0.02, 0.04]
    assert times.at(3, 50.0) is times.at(3, 50.0)
    assert times.at(3, 100.0) is not times.at(3, 50.0)


def test_units_in_brackets_and_lists_of_names() -> None:
    assert name_and_unit("Speed (km/h)") == ("Speed", "km/h")
    assert name_and_unit("Oil [°C]") == ("Oil", "°C")
    assert name_and_unit("Slip (left)") == ("Slip (left)", "")
    assert listed(list("abcdefgh")) == "a, b, c, d, e, f and 2 more"


def test_beacons_lie_where_whole_laps_end_and_laps_meet() -> None:
    laps = [(12.0, 52.0, True), (0.0, 12.0, False), (52.0, 60.0, False)]
    assert beacons_of(laps) == (12.0, 52.0)
    assert beacons_of([(0.0, 40.0, True)]) == (0.0, 40.0)
    assert beacons_of([(0.0, None, False)]) == ()
