"""Forza's packets by UDP, from a game that this test plays."""

from __future__ import annotations

import math
import socket
import struct
import threading

import pytest
from fake_kafka import FakeProducer
from waiting import wait

from pitwall.car.bridges.counts import Counts
from pitwall.car.bridges.delivery import Delivery
from pitwall.car.bridges.forza import ForzaDecoder
from pitwall.car.bridges.intake import Arrival, Intake
from pitwall.car.bridges.run import run
from pitwall.car.bridges.ticks import Gather, Tick
from pitwall.car.bridges.udp import UdpSource
from pitwall.errors import StackError, WireError
from pitwall.settings import Settings

RECEIVED_S = 1709561106.5
"""2024-03-04 14:05:06.5 UTC."""
LENGTHS = {"sled": 232, "motorsport 7": 311, "horizon": 324, "motorsport": 331}


def packet(
    game: str = "motorsport",
    *,
    clock_ms: int = 1000,
    racing: int = 1,
    car: int = 42,
    speed_mps: float = 50.0,
    distance_m: float = 100.0,
    lap: int = 0,
    lap_s: float = 2.0,
    race_s: float = 2.0,
    gear: int = 4,
    steer: int = -64,
) -> bytes:
    """A packet, written at the offsets of the makers' page."""
    raw = bytearray(LENGTHS[game])
    struct.pack_into("<iI", raw, 0, racing, clock_ms)
    struct.pack_into("<f", raw, 16, 6543.5)
    struct.pack_into("<3f", raw, 20, 9.80665, 0.5, -4.903325)
    struct.pack_into("<3f", raw, 32, 0.0, 0.0, speed_mps)
    struct.pack_into("<f", raw, 48, 0.25)
    struct.pack_into("<4f", raw, 100, 150.0, 151.0, 152.0, 153.0)
    struct.pack_into("<4f", raw, 196, 0.01, 0.02, 0.03, 0.04)
    struct.pack_into("<i", raw, 212, car)
    if game == "sled":
        return bytes(raw)
    at = 12 if game == "horizon" else 0
    struct.pack_into("<4f", raw, 232 + at, 11.0, 22.0, 33.0, speed_mps)
    struct.pack_into("<2f", raw, 276 + at, 0.5, distance_m)
    struct.pack_into("<3f", raw, 288 + at, 91.5, lap_s, race_s)
    struct.pack_into("<H", raw, 300 + at, lap)
    struct.pack_into("<6Bb", raw, 302 + at, 3, 255, 51, 0, 0, gear, steer)
    return bytes(raw)


def decode(decoder: ForzaDecoder, raw: bytes, received_s: float = RECEIVED_S) -> Tick:
    (tick,) = decoder.ticks(Arrival(raw, received_s, 0))
    return tick


def values(tick: Tick) -> dict[str, float]:
    return dict(zip(tick.layout.names, tick.values, strict=True))


@pytest.mark.parametrize("game", LENGTHS)
def test_the_packets_of_all_games_are_read(game: str) -> None:
    tick = decode(ForzaDecoder(None, Counts()), packet(game))
    assert tick.layout.vehicle == "Forza car 42"
    assert tick.layout.session == "20240304-140506-forza" and tick.time_s == 0.5
    units = dict(zip(tick.layout.names, tick.layout.units, strict=True))
    got = values(tick)
    assert got["Speed"] == 50 and units["Speed"] == "m/s"
    assert got["EngineRpm"] == 6543.5
    assert got["AccelerationLat"] == pytest.approx(9.80665) and units["AccelerationLat"] == "m/s²"
    assert got["AccelerationLong"] == pytest.approx(-4.903325)
    assert got["VelocityYaw"] == 0.25 and units["VelocityYaw"] == "rad/s"
    assert [got[f"nWheel{wheel}"] for wheel in ("FL", "FR", "RL", "RR")] == [150, 151, 152, 153]
    assert got["SuspensionTravelRR"] == pytest.approx(0.04)
    if game == "sled":
        assert "LapDistance" not in got
        return
    assert (got["PositionX"], got["PositionY"], got["PositionZ"]) == (11, 22, 33)
    assert got["Throttle"] == 100 and got["Brake"] == pytest.approx(20)
    assert got["Gear"] == 4 and got["Steer"] == pytest.approx(-50.4, abs=0.1)
    assert got["Fuel"] == 50 and got["LastLapTime"] == 91.5 and got["RacePosition"] == 3
    assert got["LapDistance"] == 100, "from the start of the race"


def test_gears_are_those_of_the_channel_table() -> None:
    decoder = ForzaDecoder("Car", Counts())
    gears = [
        values(decode(decoder, packet(gear=gear, clock_ms=gear)))["Gear"] for gear in (0, 1, 11)
    ]
    assert gears == [-1, 1, 0]


def test_the_lap_distance_begins_at_the_line_between_two_packets() -> None:
    decoder = ForzaDecoder("Car", Counts())
    assert values(decode(decoder, packet(distance_m=4000, race_s=80)))["LapDistance"] == 4000
    # The line was passed 8 ms before this packet, at 50 m/s.
    first = packet(clock_ms=1016, distance_m=4000.8, lap=1, lap_s=0.008, race_s=80.016)
    assert values(decode(decoder, first))["LapDistance"] == pytest.approx(0.4, abs=1e-3)
    later = packet(clock_ms=1032, distance_m=4001.6, lap=1, lap_s=0.024, race_s=80.032)
    assert values(decode(decoder, later))["LapDistance"] == pytest.approx(1.2, abs=1e-3)


def test_the_lap_distance_is_unknown_where_the_bridge_began_within_a_lap() -> None:
    decoder = ForzaDecoder("Car", Counts())
    assert math.isnan(values(decode(decoder, packet(lap=2, lap_s=30)))["LapDistance"])


def test_the_clock_of_the_game_returns_to_zero() -> None:
    decoder = ForzaDecoder("Car", Counts())
    times = [
        decode(decoder, packet(clock_ms=clock_ms)).time_s for clock_ms in (2**32 - 16, 0, 16, 33)
    ]
    assert times == [0.5, 0.516, 0.532, 0.549]


@pytest.mark.parametrize(
    "again",
    [
        {"clock_ms": 90_016, "car": 7},
        {"clock_ms": 500},
        {"clock_ms": 90_016, "race_s": 0.1},
        {"clock_ms": 90_016, "race_s": 61, "lap": 0},
    ],
)
def test_another_race_is_another_session(again: dict[str, float]) -> None:
    decoder = ForzaDecoder("Car", Counts())
    decode(decoder, packet(clock_ms=90_000, race_s=60, lap=1))
    tick = decode(decoder, packet(**{"race_s": 60, "lap": 1, **again}), RECEIVED_S + 0.1)  # type: ignore[arg-type]
    assert tick.layout.session == "20240304-140507-forza", "an id of its own, a second later"
    assert tick.time_s == 0


def test_packets_that_are_late_or_of_no_race_are_left_out_and_counted() -> None:
    counts = Counts()
    decoder = ForzaDecoder("Car", counts)
    decode(decoder, packet(clock_ms=1000))
    for raw in (packet(clock_ms=984), packet(clock_ms=1000), packet(racing=0)):
        assert list(decoder.ticks(Arrival(raw, RECEIVED_S, 0))) == []
    assert counts.unknown == {"late packet": 2, "not in a race": 1}


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "packet of a wrong length"),
        (packet()[:-1], "packet of a wrong length"),
        (packet(racing=7), "packet without sense"),
        (packet(speed_mps=math.nan), "packet without sense"),
        (packet(distance_m=math.inf), "packet without sense"),
    ],
)
def test_damaged_packets_are_told_from_whole_ones(raw: bytes, says: str) -> None:
    with pytest.raises(WireError, match=says):
        list(ForzaDecoder("Car", Counts()).ticks(Arrival(raw, RECEIVED_S, 0)))


def test_packets_of_a_socket_become_ticks_in_kafka() -> None:
    counts, producer, stop = Counts(), FakeProducer(), threading.Event()
    source = UdpSource("127.0.0.1", 0)
    intake = Intake(source, counts)
    port = source.port
    thread = threading.Thread(
        daemon=True,
        target=run,
        args=(
            intake,
            ForzaDecoder("Forza GT", counts),
            Gather(counts),
            Delivery(Settings(), "telemetry", counts, lambda config: producer),
            counts,
        ),
        kwargs={"stop": stop},
    )
    thread.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as game:
        for number in range(120):
            raw = packet(clock_ms=1000 + 16 * number, speed_mps=number, race_s=number / 60)
            game.sendto(raw, ("127.0.0.1", port))
        game.sendto(b"nonsense", ("127.0.0.1", port))
        with pytest.raises(StackError, match=rf"UDP port 127.0.0.1:{port} cannot be listened on"):
            UdpSource("127.0.0.1", port).open()
    wait(lambda: counts.received == 121, 20, "all packets")
    stop.set()
    thread.join()
    speeds = producer.samples("Speed")
    assert [value for _, value in speeds] == list(range(120))
    assert [round(time_s - speeds[0][0], 3) for time_s, _ in speeds] == [
        round(0.016 * number, 3) for number in range(120)
    ]
    tick = producer.ticks()[0]
    assert tick[0]["VehicleId"] == "Forza GT" and tick[0]["ChannelUnit"] == " m/s"
    assert counts.damaged == {"packet of a wrong length": 1}
    assert "8 bytes, Forza's have 232, 311, 324, 331" in counts.newest_fault
