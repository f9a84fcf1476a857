from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from asammdf import MDF, Signal, Source
from mutations import mutations, outcomes

from pitwall.errors import LapFileError
from pitwall.recordings.readers import mdf4
from pitwall.recordings.recording import Options, Recording

START = datetime(2024, 3, 4, 14, 5, 6, tzinfo=UTC)
FAST, SLOW = np.arange(200) * 0.05, np.arange(10) * 1.0
DBC = """VERSION ""
NS_ :
BS_:
BU_: ECU
BO_ 256 Motion: 8 ECU
 SG_ WheelSpeed : 0|16@1+ (0.01,0) [0|655.35] "km/h" ECU
 SG_ Gear : 16|8@1+ (1,0) [0|8] "" ECU
"""
PLAIN_BUS_EVENT = 0x6
"""Flags of a group that holds frames of a bus."""


def write_physical(path: Path, version: str = "4.10") -> Path:
    with MDF(version=version) as file:  # type: ignore[arg-type]
        file.header.start_time = START  # type: ignore[union-attr]
        gears = (np.arange(200) % 6).astype(np.uint8)
        speed = Signal(np.linspace(0, 50, 200), FAST, name="Speed", unit="m/s")
        file.append([speed, Signal(gears, FAST, name="Gear")], acq_name="ecu", common_timebase=True)
        state = Signal(np.array([b"on"] * 10), SLOW, name="State", encoding="utf-8")
        oil = Signal(np.arange(10.0) + 80, SLOW, name="Oil Temp", unit="degC")
        file.append([oil, state], acq_name="slow", common_timebase=True)
        file.save(path, overwrite=True, compression=2)
    return path


def write_frames(path: Path) -> Path:
    """100 CAN frames of id 256, 50 a second, with a wheel speed of 0, 1, 2, … km/h."""
    frames = np.zeros(
        100,
        dtype=[
            ("CAN_DataFrame.BusChannel", "u1"),
            ("CAN_DataFrame.ID", "<u4"),
            ("CAN_DataFrame.IDE", "u1"),
            ("CAN_DataFrame.DLC", "u1"),
            ("CAN_DataFrame.DataLength", "u1"),
            ("CAN_DataFrame.DataBytes", "u1", (8,)),
        ],
    )
    frames["CAN_DataFrame.BusChannel"] = 1
    frames["CAN_DataFrame.ID"] = 256
    frames["CAN_DataFrame.DLC"] = frames["CAN_DataFrame.DataLength"] = 8
    speeds = (np.arange(100) * 100).astype("<u2")
    frames["CAN_DataFrame.DataBytes"][:, :2] = speeds.view("u1").reshape(100, 2)
    frames["CAN_DataFrame.DataBytes"][:, 2] = 3
    bus = Source("CAN", "CAN", "", Source.SOURCE_BUS, Source.BUS_TYPE_CAN)
    with MDF(version="4.10") as file:
        signal = Signal(frames, np.arange(100) * 0.02, name="CAN_DataFrame", source=bus)
        file.append(signal, acq_name="CAN", acq_source=bus)
        file.groups[0].channel_group.flags = PLAIN_BUS_EVENT  # type: ignore[union-attr]
        file.save(path, overwrite=True)
    return path


def read(path: Path) -> Recording:
    assert mdf4.recognises(path, path.read_bytes()[: 1 << 16])
    (recording,) = mdf4.read(path, Options())
    return recording


def test_groups_keep_their_rates_and_units(tmp_path: Path) -> None:
    recording = read(write_physical(tmp_path / "a.mf4"))
    speed, gear, oil = recording.columns
    assert (speed.name, speed.unit, speed.source) == ("Speed", "m/s", "ecu")
    assert np.allclose(speed.values, np.linspace(0, 50, 200))
    assert np.allclose(speed.times_s, FAST, atol=1e-9)
    assert gear.values[:7].tolist() == [0, 1, 2, 3, 4, 5, 0]
    assert (oil.name, oil.unit, oil.source) == ("Oil Temp", "degC", "slow")
    assert oil.times_s.tolist() == SLOW.tolist()
    assert (recording.start, recording.zone_told) == (START, True)
    assert recording.rows == 200
    assert recording.doubts == ("State: no numbers over time, left out.",)


def test_files_of_version_3_are_read(tmp_path: Path) -> None:
    write_physical(tmp_path / "a.mdf", "3.30")
    path = next(tmp_path.glob("a.*"))
    assert mdf4.recognises(path, path.read_bytes())
    (recording,) = mdf4.read_here(path, Options())
    names = [(column.name, column.unit) for column in recording.columns]
    assert names == [("Speed", "m/s"), ("Gear", ""), ("Oil Temp", "degC")]
    assert np.allclose(recording.columns[2].times_s, SLOW)


def test_can_frames_are_named_by_a_dbc_file(tmp_path: Path) -> None:
    path = write_frames(tmp_path / "a.mf4")
    dbc = tmp_path / "car.dbc"
    dbc.write_text(DBC)
    (recording,) = mdf4.read_here(path, Options(dbc=dbc))
    columns = {column.name: column for column in recording.columns}
    assert columns["WheelSpeed"].values.tolist() == [float(n) for n in range(100)]
    assert columns["WheelSpeed"].unit == "km/h"
    assert np.allclose(columns["WheelSpeed"].times_s, np.arange(100) * 0.02)
    assert set(columns["Gear"].values) == {3.0}
    with pytest.raises(LapFileError, match="CAN frames and no physical channels; give --dbc"):
        mdf4.read_here(path, Options())
    with pytest.raises(LapFileError, match=r"no.dbc: no such file"):
        mdf4.read(path, Options(dbc=tmp_path / "no.dbc"))


def test_damage_keeps_no_process_busy(tmp_path: Path) -> None:
    mdf4.load()
    good = write_physical(tmp_path / "a.mf4").read_bytes()
    ends = outcomes(mdf4.read_here, tmp_path / "b.mf4", mutations(good, 40, seed=22))
    assert ends["limit"] == 0
    path = tmp_path / "b.mf4"
    path.write_bytes(good[:200])
    with pytest.raises(LapFileError, match="the library that reads this format failed"):
        mdf4.read(path, Options())
