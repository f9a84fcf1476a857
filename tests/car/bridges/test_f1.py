"""The packets of the F1 games, written at the offsets of the makers' pages."""

from __future__ import annotations

import math
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitwall.car.bridges.counts import Counts
from pitwall.car.bridges.f1 import F1Decoder
from pitwall.car.bridges.f1_packets import FORMATS, LAP, MOTION, SESSION, STATUS, TELEMETRY
from pitwall.car.bridges.intake import Arrival
from pitwall.car.bridges.ticks import Gather, Tick
from pitwall.channels.table import CHANNELS
from pitwall.channels.units import conversion
from pitwall.errors import WireError

RECEIVED_S = 1709561106.5
"""2024-03-04 14:05:06.5 UTC."""
LENGTHS = {
    2022: {MOTION: 1464, SESSION: 632, LAP: 972, TELEMETRY: 1347, STATUS: 1058},
    2023: {MOTION: 1349, SESSION: 644, LAP: 1131, TELEMETRY: 1352, STATUS: 1239},
    2024: {MOTION: 1349, SESSION: 753, LAP: 1285, TELEMETRY: 1352, STATUS: 1239},
    2025: {MOTION: 1349, SESSION: 753, LAP: 1285, TELEMETRY: 1352, STATUS: 1239},
}
CAR_BYTES = {
    2022: {MOTION: 60, LAP: 43, TELEMETRY: 60, STATUS: 47},
    2023: {MOTION: 60, LAP: 50, TELEMETRY: 60, STATUS: 55},
    2024: {MOTION: 60, LAP: 57, TELEMETRY: 60, STATUS: 55},
    2025: {MOTION: 60, LAP: 57, TELEMETRY: 60, STATUS: 55},
}
CAR = 19


def packet(
    format: int, number: int, time_s: float = 10.0, session: int = 7, car: int = CAR
) -> bytearray:
    raw = bytearray(LENGTHS[format].get(number, 100))
    struct.pack_into("<H", raw, 0, format)
    at = 5 if format == 2022 else 6
    struct.pack_into("<BQfI", raw, at, number, session, time_s, 600)
    raw[22 if format == 2022 else 27] = car
    raw[23 if format == 2022 else 28] = 255
    return raw


def place(format: int, number: int, car: int = CAR) -> int:
    """Where the fields of a car begin."""
    return (24 if format == 2022 else 29) + car * CAR_BYTES[format].get(number, 0)


def motion(
    format: int, time_s: float, heading: float, speed_mps: float, position: tuple[float, ...]
) -> bytes:
    """The car goes along `heading`, rad clockwise from the z axis, whose right is the x axis."""
    raw = packet(format, MOTION, time_s)
    forward = (math.sin(heading), 0.0, math.cos(heading))
    right = (math.cos(heading), 0.0, -math.sin(heading))
    fields = [round(32767 * part) for part in (*forward, *right)]
    velocity = [speed_mps * part for part in forward]
    struct.pack_into("<6f6h", raw, place(format, MOTION), *position, *velocity, *fields)
    struct.pack_into("<6f", raw, place(format, MOTION) + 36, 9.0, 9.0, 1.5, 0.5, 0.25, 0.125)
    return bytes(raw)


def lap(format: int, time_s: float = 10.0, session: int = 7, lap_m: float = 1234.5) -> bytes:
    raw, at = packet(format, LAP, time_s, session), place(format, LAP)
    struct.pack_into("<2I", raw, at, 91_500, 2_345)
    distance = {2022: 12, 2023: 18}.get(format, 20)
    struct.pack_into("<2f4x3B", raw, at + distance, lap_m, 5000.25, 3, 2, 1)
    return bytes(raw)


def telemetry(format: int, time_s: float = 10.0, throttle: float = 0.5) -> bytes:
    raw = packet(format, TELEMETRY, time_s)
    struct.pack_into(
        "<H3fBbH2BH4H4B4BH4f",
        *(raw, place(format, TELEMETRY), 301, throttle, -0.25, 1.0, 20, -1, 11_500, 1, 80, 0),
        *(401, 402, 403, 404, 91, 92, 93, 94, 81, 82, 83, 84, 110, 21.5, 22.5, 23.5, 24.5),
    )
    return bytes(raw)


def status(format: int) -> bytes:
    raw, at = packet(format, STATUS), place(format, STATUS)
    raw[at + 3] = 56
    struct.pack_into("<3f", raw, at + 5, 33.5, 110.0, 12.25)
    raw[at + 25], raw[at + 27] = 17, 4
    ers = at + 29 + (0 if format == 2022 else 8)
    struct.pack_into("<fB", raw, ers, 3.5e6, 2)
    return bytes(raw)


def decode(decoder: F1Decoder, raw: bytes | bytearray, received_s: float = RECEIVED_S) -> Tick:
    (tick,) = decoder.ticks(Arrival(bytes(raw), received_s, 0))
    return tick


def values(tick: Tick) -> dict[str, float]:
    return dict(zip(tick.layout.names, tick.values, strict=True))


@pytest.mark.parametrize("format", FORMATS)
def test_the_fields_of_the_players_car_are_channels(format: int) -> None:
    decoder = F1Decoder(None, Counts())
    tick = decode(decoder, lap(format))
    assert tick.layout.vehicle == f"F1 {format}"
    assert tick.layout.session == decoder.session == "20240304-140506-f1" and tick.time_s == 0.5
    got = values(tick)
    assert (got["LapDistance"], got["TotalDistance"]) == (1234.5, 5000.25)
    assert (got["LastLapTime"], got["CurrentLapTime"]) == (91.5, 2.345)
    assert (got["RacePosition"], got["LapNumber"], got["PitStatus"]) == (3, 2, 1)

    tick = decode(decoder, telemetry(format))
    got = values(tick)
    assert (got["Speed"], got["Throttle"], got["Brake"], got["Clutch"]) == (301, 50, 100, 20)
    assert (got["Steer"], got["Gear"], got["EngineRpm"], got["Drs"]) == (-25, -1, 11_500, 1)
    wheels = ("RL", "RR", "FL", "FR")
    assert [got[f"BrakeTemperature{wheel}"] for wheel in wheels] == [401, 402, 403, 404]
    assert [got[f"TyreTemperature{wheel}"] for wheel in wheels] == [91, 92, 93, 94]
    assert [got[f"TyreInnerTemperature{wheel}"] for wheel in wheels] == [81, 82, 83, 84]
    assert [got[f"TyrePressure{wheel}"] for wheel in wheels] == [21.5, 22.5, 23.5, 24.5]
    assert got["EngineTemperature"] == 110

    got = values(decode(decoder, status(format)))
    assert (got["FuelMass"], got["FuelLaps"], got["BrakeBias"]) == (33.5, 12.25, 56)
    assert (got["TyreCompound"], got["TyreAgeLaps"]) == (17, 4)
    assert (got["ErsStore"], got["ErsDeployMode"]) == (3.5e6, 2)

    raw = packet(format, SESSION)
    struct.pack_into("<Bbb", raw, place(format, SESSION), 1, 41, -2)
    assert values(decode(decoder, raw)) == {"TrackTemperature": 41, "AirTemperature": -2}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("turn", [1.0, -1.0])
def test_a_right_turn_is_positive(format: int, turn: float) -> None:
    # 40 m/s on a circle of 80 m: 20 m/s² to the inside, 0.5 rad/s; braking by 6 m/s².
    decoder = F1Decoder("Car", Counts())
    ticks = [
        decode(
            decoder,
            motion(format, 10 + step / 60, turn * step / 120, 40 - step / 10, (1.0, 2.0, 3.0)),
        )
        for step in range(4)
    ]
    first, *others = map(values, ticks)
    assert math.isnan(first["AccelerationLat"]) and math.isnan(first["VelocityYaw"])
    for got in others:
        assert got["AccelerationLat"] == pytest.approx(turn * 20 / 9.80665, rel=0.02)
        assert got["AccelerationLong"] == pytest.approx(-6 / 9.80665, rel=0.05)
        assert got["VelocityYaw"] == pytest.approx(turn * math.degrees(0.5), rel=0.02)
        assert (got["PositionX"], got["PositionY"], got["PositionZ"]) == (1, 2, 3)
        assert (got["AccelerationVert"], got["Yaw"], got["Roll"]) == (1.5, 0.5, 0.125)


def test_packets_of_one_time_are_one_tick() -> None:
    counts = Counts()
    decoder, gather = F1Decoder("Car", counts), Gather(counts)
    packets = [lap(2024, 10.0), telemetry(2024, 10.0), lap(2024, 10.5), telemetry(2024, 10.5)]
    ticks = [tick for raw in packets if (tick := gather.add(decode(decoder, raw))) is not None]
    last = gather.flush()
    assert last is not None
    assert [tick.time_s for tick in (*ticks, last)] == [0.5, 1.0]
    assert values(ticks[0])["Speed"] == 301 and values(ticks[0])["LapDistance"] == 1234.5


def test_known_channels_are_in_units_that_are_understood() -> None:
    decoder = F1Decoder("Car", Counts())
    first = motion(2025, 10, 0.0, 40, (0.0, 0.0, 0.0))
    for raw in (first, lap(2025), telemetry(2025), status(2025)):
        layout = decode(decoder, raw).layout
        for name, unit in zip(layout.names, layout.units, strict=True):
            channel = CHANNELS.get(name.upper())
            assert channel is None or not channel.unit or conversion(unit, channel.unit), name


def test_another_session_and_a_rewound_one_are_sessions() -> None:
    decoder = F1Decoder("Car", Counts())
    ticks = [
        decode(decoder, lap(2024, 60.0)),
        decode(decoder, lap(2024, 50.0)),
        decode(decoder, lap(2024, 51.0, session=8)),
    ]
    ids = [f"20240304-14050{second}-f1" for second in (6, 7, 8)]
    assert [tick.layout.session for tick in ticks] == ids
    assert all(before < after for before, after in pairwise(ids))


def test_what_has_no_channels_is_counted() -> None:
    counts = Counts()
    decoder = F1Decoder("Car", counts)
    decode(decoder, lap(2024, 60.0))
    for raw in (
        packet(2024, 4),
        packet(2024, LAP, session=0),
        packet(2024, LAP, car=255),
        lap(2024, 59.9),
    ):
        assert list(decoder.ticks(Arrival(bytes(raw), RECEIVED_S, 0))) == []
    assert counts.unknown == {
        "packet without channels": 1,
        "no car of the player": 2,
        "late packet": 1,
    }


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "packet of a wrong length"),
        (bytes(packet(2024, LAP)[:28]), "packet of a wrong length"),
        (lap(2024)[:-1], "packet of a wrong length"),
        (lap(2024) + b"\0", "packet of a wrong length"),
        (b"\xe5\x07" + lap(2024)[2:], "packet of another format"),
        (lap(2024, math.nan), "packet without sense"),
        (lap(2024, -1.0), "packet without sense"),
        (lap(2024, lap_m=math.inf), "packet without sense"),
        (telemetry(2023, throttle=math.nan), "packet without sense"),
        (bytes(packet(2025, SESSION)[:30]), "packet of a wrong length"),
    ],
)
def test_damaged_packets_are_told_from_whole_ones(raw: bytes, says: str) -> None:
    with pytest.raises(WireError, match=says):
        list(F1Decoder("Car", Counts()).ticks(Arrival(raw, RECEIVED_S, 0)))


@given(st.sampled_from(FORMATS), st.sampled_from([0, 1, 2, 6, 7]), st.data())
def test_any_packet_is_a_tick_nothing_or_damage(
    format: int, number: int, data: st.DataObject
) -> None:
    decoder = F1Decoder(None, Counts())
    for _ in range(3):
        raw = packet(format, number)
        for at in data.draw(st.lists(st.integers(2, len(raw) - 9), max_size=30)):
            raw[at : at + 8] = data.draw(st.binary(min_size=8, max_size=8))
        try:
            ticks = list(decoder.ticks(Arrival(bytes(raw), RECEIVED_S, 0)))
        except WireError:
            continue
        for tick in ticks:
            assert len(tick.values) == len(tick.layout.names) == len(tick.layout.units)
            assert not any(map(math.isinf, tick.values))
