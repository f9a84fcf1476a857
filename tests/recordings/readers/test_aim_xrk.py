from __future__ import annotations

import zlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from mutations import mutations, outcomes
from xrk_file import INT16, XrkChannel, write_xrk

from pitwall.errors import LapFileError
from pitwall.recordings.readers import aim_xrk
from pitwall.recordings.recording import Options, Recording

SPEED = XrkChannel("Ground Speed", 16, np.arange(0, 10_000, 50), np.linspace(0, 99.5, 200))
ENGINE = XrkChannel("RPM", 15, np.arange(0, 10_000, 100), np.arange(100) * 50, INT16)
FACTS = {"RCR": "Ann", "VEH": "Kart 7", "TMD": "31/03/2024", "TMT": "14:05:06"}
LAPS = [(2023, 2023), (4000, 6023), (3500, 9523)]


def read(path: Path, options: Options | None = None) -> Recording:
    assert aim_xrk.recognises(path, path.read_bytes()[: 1 << 16])
    (recording,) = aim_xrk.read(path, options or Options())
    return recording


def test_channels_keep_their_rates_and_units(tmp_path: Path) -> None:
    recording = read(write_xrk(tmp_path / "a.xrk", [SPEED, ENGINE], LAPS, FACTS))
    speed, engine = recording.columns
    assert (speed.name, speed.unit) == ("Ground Speed", "km/h")
    assert (engine.name, engine.unit) == ("RPM", "rpm")
    assert np.allclose(speed.values, SPEED.values, atol=1e-4)
    assert speed.times_s.tolist() == [time / 1000 for time in range(0, 10_000, 50)]
    assert engine.values.tolist() == list(range(0, 5000, 50))
    assert engine.times_s[-1] == 9.9
    assert recording.beacons_s == (2.023, 6.023, 9.523)
    assert recording.start == datetime(2024, 3, 31, 14, 5, 6, tzinfo=UTC)
    assert not recording.zone_told
    assert (recording.driver, recording.vehicle) == ("Ann", "Kart 7")
    assert recording.doubts == ()


def test_a_packed_file_is_read_and_its_date_may_be_doubtful(tmp_path: Path) -> None:
    plain = write_xrk(tmp_path / "a.xrk", [SPEED], texts={"TMD": "04/03/2024"}).read_bytes()
    packed = tmp_path / "b.XRZ"
    packed.write_bytes(zlib.compress(plain))
    recording = aim_xrk.read_here(packed, Options())[0]
    assert aim_xrk.recognises(packed, packed.read_bytes())
    assert recording.start == datetime(2024, 3, 4, tzinfo=UTC)
    assert recording.day_only
    assert "day is taken to stand first" in recording.doubts[0]
    month_first = aim_xrk.read_here(packed, Options(day_first=False))[0]
    assert month_first.start == datetime(2024, 4, 3, tzinfo=UTC)
    assert month_first.doubts == ()


def test_positions_are_channels_and_tell_the_laps_that_the_logger_does_not(tmp_path: Path) -> None:
    # A square of 400 m a side in 160 s, 10 m/s, at 25 Hz, around 4 times. The line is in the
    # middle of its first side, passed at 20, 180, 340 and 500 s.
    times_ms = np.arange(0, 600_000, 40)
    along = times_ms / 100 % 1600
    side, rest = along // 400, along % 400
    north = np.select([side == 0, side == 1, side == 2, side == 3], [rest, 400, 400 - rest, 0])
    east = np.select([side == 0, side == 1, side == 2, side == 3], [0, rest, 400, 400 - rest])
    fixes = [
        (int(t), 45 + n / 111_195, 9 + e / 78_700)
        for t, n, e in zip(times_ms, north, east, strict=True)
    ]
    engine = XrkChannel("RPM", 15, times_ms, np.full(len(times_ms), 3000), INT16)
    path = tmp_path / "a.xrk"
    write_xrk(path, [engine], fixes=fixes, line=(45 + 200 / 111_195, 9.0))
    (recording,) = aim_xrk.read_here(path, Options())
    columns = {column.name: column for column in recording.columns}
    assert set(columns) == {"RPM", "GPS Speed", "GPS Latitude", "GPS Longitude", "GPS Altitude"}
    assert np.allclose(columns["GPS Latitude"].values, 45 + north / 111_195, atol=1e-6)
    assert np.allclose(columns["GPS Longitude"].values, 9 + east / 78_700, atol=1e-6)
    assert columns["GPS Speed"].unit == "m/s"
    assert np.allclose(columns["GPS Speed"].times_s, times_ms / 1000)
    assert np.allclose(recording.beacons_s, [20, 180, 340, 500], atol=0.05)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    path = write_xrk(tmp_path / "a.xrk", [SPEED])
    good = path.read_bytes()
    path.write_bytes(good[:-3])
    assert "ends within a message" in aim_xrk.read_here(path, Options())[0].doubts[0]
    path.write_bytes(good[:60])
    with pytest.raises(LapFileError, match="no channel with samples"):
        read(path)
    path.write_bytes(zlib.compress(good)[:-9])
    with pytest.raises(LapFileError, match="cut off"):
        aim_xrk.read_here(path, Options())
    path.write_bytes(zlib.compress(bytes(300_000_000)))
    with pytest.raises(LapFileError, match="unpacks to more than"):
        aim_xrk.read_here(path, Options())


def test_other_files_are_not_recognised() -> None:
    for head in (b"", b"<html>", b"<hx", b"\x78\x9c", zlib.compress(b"hello"), b"PAR1"):
        assert not aim_xrk.recognises(Path("a.xrk"), head)


def test_damage_keeps_no_process_busy(tmp_path: Path) -> None:
    aim_xrk.load()
    good = write_xrk(tmp_path / "a.xrk", [SPEED, ENGINE], LAPS, FACTS).read_bytes()
    ends = outcomes(aim_xrk.read_here, tmp_path / "b.xrk", mutations(good, 40, 22, hot=600))
    assert ends["limit"] == 0
    assert ends["read"] + ends["LapFileError"] > 0
