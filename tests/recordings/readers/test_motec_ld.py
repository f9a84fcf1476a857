from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from ld_file import LdChannel, write_ld, write_ldx
from mutations import mutations

from pitwall.errors import LapFileError
from pitwall.recordings.readers import motec_ld
from pitwall.recordings.recording import Options, Recording


def read(path: Path) -> Recording:
    assert motec_ld.recognises(path, path.read_bytes()[: 1 << 16])
    (recording,) = motec_ld.read(path, Options())
    return recording


CHANNELS = [
    LdChannel("Ground Speed", "km/h", 20, [0.0, 50.5, 100.25, 150.0]),
    LdChannel("Engine RPM", "rpm", 100, range(900, 920), "<i2"),
    LdChannel("Eng Oil Temp", "C", 1, [8150], "<i2", scale=1, decimals=2),
    LdChannel("GPS Latitude", "deg", 10, [504994866, -5], "<i4", decimals=7),
    LdChannel("Brake Pres", "bar", 10, [30, 60], "<i2", shift=-2, multiplier=4, scale=10),
    LdChannel("G Force Lat", "G", 50, [0.5, -1.25, 2.0], "<f2"),
]


def test_channels_keep_their_rates_units_and_scales(tmp_path: Path) -> None:
    recording = read(write_ld(tmp_path / "a.ld", CHANNELS))
    columns = {column.name: column for column in recording.columns}
    assert list(columns) == [channel.name for channel in CHANNELS]
    assert [column.unit for column in recording.columns] == [c.unit for c in CHANNELS]
    assert columns["Ground Speed"].values.tolist() == [0.0, 50.5, 100.25, 150.0]
    assert columns["Ground Speed"].times_s.tolist() == [0.0, 0.05, 0.1, 0.15]
    assert columns["Engine RPM"].values.tolist() == list(range(900, 920))
    assert columns["Engine RPM"].times_s[-1] == 0.19
    assert columns["Eng Oil Temp"].values.tolist() == [81.5]
    assert columns["GPS Latitude"].values.tolist() == [50.4994866, -0.0000005]
    # (stored / scale / 10^decimals + shift) * multiplier
    assert columns["Brake Pres"].values.tolist() == [4.0, 16.0]
    assert columns["G Force Lat"].values.tolist() == [0.5, -1.25, 2.0]
    assert recording.rows == 20
    assert recording.doubts == ()


def test_facts_of_the_head(tmp_path: Path) -> None:
    recording = read(write_ld(tmp_path / "a.LD", CHANNELS))
    assert recording.start == datetime(2024, 3, 4, 14, 5, 6, tzinfo=UTC)
    assert not recording.zone_told
    assert not recording.day_only
    assert (recording.driver, recording.vehicle) == ("A. Driver", "Kart 7")
    assert recording.format == "motec-ld"


@pytest.mark.parametrize(
    ("day", "clock", "start", "day_only"),
    [
        ("04/03/2024", "14:05", datetime(2024, 3, 4, 14, 5, tzinfo=UTC), False),
        ("04/03/2024", "", datetime(2024, 3, 4, tzinfo=UTC), True),
        ("", "", None, False),
        ("31/31/2024", "14:05:06", None, False),
    ],
)
def test_the_start_is_what_the_head_tells(
    tmp_path: Path, day: str, clock: str, start: datetime | None, day_only: bool
) -> None:
    recording = read(write_ld(tmp_path / "a.ld", CHANNELS, day, clock))
    assert (recording.start, recording.day_only) == (start, day_only)


def test_the_vehicle_may_stand_behind_the_head(tmp_path: Path) -> None:
    path = write_ld(tmp_path / "a.ld", CHANNELS, vehicle="", vehicle_of_event="GT3 Nr. 5")
    assert read(path).vehicle == "GT3 Nr. 5"


def test_beacons_are_those_of_the_ldx_beside(tmp_path: Path) -> None:
    path = write_ld(tmp_path / "a.ld", CHANNELS)
    assert read(path).beacons_s == ()
    write_ldx(tmp_path / "a.ldx", [52.023, 12.023, 91.223])
    assert read(path).beacons_s == (12.023, 52.023, 91.223)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<LDXFile><Layers>", "no readable XML"),
        ("", "no readable XML"),
        ('<L><Marker ClassName="BCN" Time="soon"/></L>', "expected microseconds"),
        ('<L><Marker ClassName="BCN" Time="inf"/></L>', "expected microseconds"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "no entities"),
    ],
)
def test_a_damaged_ldx_is_named_with_its_remedy(tmp_path: Path, text: str, says: str) -> None:
    path = write_ld(tmp_path / "a.ld", CHANNELS)
    (tmp_path / "a.ldx").write_text(text)
    with pytest.raises(LapFileError, match=f"a.ldx: .*{says}.*move it away"):
        read(path)


def test_what_cannot_be_read_of_a_file_is_named(tmp_path: Path) -> None:
    channels = [
        *CHANNELS[:1],
        LdChannel("Empty", "", 20, []),
        LdChannel("Still", "", 0, [1]),
        LdChannel("Flat", "", 10, [1], scale=0),
        LdChannel("Ground Speed", "mph", 10, [1]),
    ]
    recording = read(write_ld(tmp_path / "a.ld", channels))
    assert recording.doubts == (
        "Empty has no samples and is left out.",
        "Still has a rate of 0 Hz and is left out.",
        "Flat has a scale or multiplier of 0 and is left out.",
    )
    assert [(c.name, c.source) for c in recording.columns] == [
        ("Ground Speed", ""),
        ("Ground Speed", "column 2"),
    ]


def test_damaged_files_say_what_is_wrong(tmp_path: Path) -> None:
    path = write_ld(tmp_path / "a.ld", CHANNELS)
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    with pytest.raises(LapFileError, match=r"'G Force Lat': its 3 samples .* cut off"):
        read(path)
    path.write_bytes(good[:1000])
    with pytest.raises(LapFileError, match="1000 bytes, its head alone"):
        read(path)
    circle = bytearray(good)
    circle[0x762 + 4 : 0x762 + 8] = circle[8:12]
    path.write_bytes(circle)
    with pytest.raises(LapFileError, match="that of another channel"):
        read(path)
    with pytest.raises(LapFileError, match="none of its 0 channels"):
        read(write_ld(tmp_path / "b.ld", []))


def test_channels_that_share_their_samples_are_refused(tmp_path: Path) -> None:
    path = write_ld(tmp_path / "a.ld", [LdChannel("A", "", 9, range(2000)) for _ in range(20)])
    raw = bytearray(path.read_bytes())
    for number in range(20):
        block = 0x762 + 124 * number
        raw[block + 8 : block + 16] = bytes((0x62, 7, 0, 0)) + (6000).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(LapFileError, match=r"the channels have .* bytes of samples"):
        read(path)


def test_damage_gives_a_reading_or_one_error(tmp_path: Path) -> None:
    good = write_ld(tmp_path / "a.ld", CHANNELS, vehicle="", vehicle_of_event="x").read_bytes()
    path = tmp_path / "b.ld"
    for damaged in mutations(good, 800, seed=22):
        path.write_bytes(damaged)
        try:
            (recording,) = motec_ld.read(path, Options())
        except LapFileError as error:
            assert "\n" not in str(error)
        else:
            stored = sum(column.values.nbytes for column in recording.columns)
            assert stored <= 4 * len(damaged)


def test_a_hundred_megabytes_are_read_in_two_seconds(tmp_path: Path) -> None:
    samples = np.zeros(2_500_000, "<i2")
    channels = [LdChannel(f"C{i}", "", 500, samples, "<i2", scale=10) for i in range(20)]
    path = write_ld(tmp_path / "a.ld", channels)
    assert path.stat().st_size > 100_000_000
    start = time.process_time()
    (recording,) = motec_ld.read(path, Options())
    assert time.process_time() - start < 2.0
    assert recording.rows == 2_500_000
