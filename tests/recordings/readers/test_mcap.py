from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mcap.writer import CompressionType, Writer
from mutations import mutations, outcomes

from pitwall.errors import LapFileError
from pitwall.recordings.readers import mcap
from pitwall.recordings.recording import Options, Recording

START_NS = 1_709_561_106_000_000_000
SCHEMA = {
    "properties": {
        "speed": {"type": "number", "unit": "m/s"},
        "tyres": {"properties": {"fl": {"type": "number", "unit": "degC"}}},
    }
}
Message = tuple[float, Mapping[str, object]]


def write(
    path: Path,
    topics: Mapping[str, Sequence[Message]],
    encoding: str = "json",
    facts: dict[str, str] | None = None,
    compression: CompressionType = CompressionType.ZSTD,
) -> Path:
    with path.open("wb") as file:
        writer = Writer(file, compression=compression)
        writer.start()
        if facts:
            writer.add_metadata("pitwall", facts)
        for topic, messages in topics.items():
            schema = writer.register_schema(topic, "jsonschema", json.dumps(SCHEMA).encode())
            channel = writer.register_channel(topic, encoding, schema)
            for time_s, message in messages:
                at = START_NS + round(time_s * 1e9)
                writer.add_message(channel, at, json.dumps(message).encode(), at)
        writer.finish()
    return path


CAR: list[Message] = [
    (0.0, {"timestamp": {"sec": 1, "nsec": 2}, "speed": 10, "tyres": {"fl": 80.5}, "on": True}),
    (0.1, {"speed": 11.5, "tyres": {"fl": 81}, "on": False, "name": "x", "list": [1, 2]}),
    (0.2, {"speed": 12}),
]
GPS: list[Message] = [(0.04, {"Speed (km/h)": 36}), (1.04, {"Speed (km/h)": 37})]


def read_here(path: Path) -> Recording:
    assert mcap.recognises(path, path.read_bytes()[: 1 << 16])
    (recording,) = mcap.read_here(path, Options())
    return recording


@pytest.mark.parametrize("compression", list(CompressionType))
def test_numbers_of_json_messages_are_columns(tmp_path: Path, compression: CompressionType) -> None:
    path = write(tmp_path / "a.mcap", {"/car": CAR, "/gps": GPS}, compression=compression)
    recording = read_here(path)
    assert [(c.name, c.unit, c.source) for c in recording.columns] == [
        ("speed", "m/s", "/car"),
        ("tyres.fl", "degC", "/car"),
        ("on", "", "/car"),
        ("Speed", "km/h", "/gps"),
    ]
    speed, tyre, _, gps = recording.columns
    assert speed.times_s.tolist() == [0.0, 0.1, 0.2]
    assert speed.values.tolist() == [10.0, 11.5, 12.0]
    assert tyre.times_s.tolist() == [0.0, 0.1]
    assert (gps.times_s.tolist(), gps.values.tolist()) == ([0.04, 1.04], [36.0, 37.0])
    assert recording.start == datetime(2024, 3, 4, 14, 5, 6, tzinfo=UTC)


def test_an_export_of_this_product_tells_its_start_and_laps(tmp_path: Path) -> None:
    laps: list[Message] = [
        (0.0, {"number": 0, "start_s": 0.0, "whole": False}),
        (12.023, {"number": 1, "start_s": 12.023, "whole": True, "duration_s": 40.0}),
    ]
    facts = {"vehicle": "Kart", "start": "2024-03-04T14:05:05+00:00"}
    topics = {"/telemetry": CAR, "/laps": laps, "/gps": GPS}
    recording = read_here(write(tmp_path / "a.mcap", topics, facts=facts))
    assert {column.source for column in recording.columns} == {"/telemetry"}
    assert recording.columns[0].times_s.tolist() == [1.0, 1.1, 1.2]
    assert recording.vehicle == "Kart"
    assert recording.beacons_s == (12.023, 52.023)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mcap", {"/car": CAR}, encoding="protobuf")
    with pytest.raises(LapFileError, match=r"no numbers in JSON messages: /car: .* protobuf"):
        read_here(path)
    good = write(path, {"/car": CAR}).read_bytes()
    for kept in (-1, -40, 300, 30):
        path.write_bytes(good[:kept])
        with pytest.raises(LapFileError, match=r"(cut off|damaged).*mcap recover") as caught:
            read_here(path)
        assert "\n" not in str(caught.value)


def test_the_child_gives_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mcap", {"/car": CAR})
    (recording,) = mcap.read(path, Options())
    assert recording.columns[0].values.tolist() == [10.0, 11.5, 12.0]


def test_damage_keeps_no_process_busy(tmp_path: Path) -> None:
    mcap.load()
    good = write(tmp_path / "a.mcap", {"/car": CAR, "/gps": GPS}).read_bytes()
    ends = outcomes(mcap.read_here, tmp_path / "b.mcap", mutations(good, 100, seed=22))
    assert ends["limit"] + ends["crash"] == 0
