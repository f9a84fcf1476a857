"""`./pitwall bridge` with a Kafka in memory."""

from __future__ import annotations

import json
import re
import socket
import struct
import sys
import threading
import time
from pathlib import Path

import can
import pytest
from fake_kafka import FakeProducer

from pitwall.cli.main import main

DBC = Path(__file__).parents[1] / "car" / "bridges" / "car.dbc"

REPORT = re.compile(
    r"session \d{8}-\d{6}-(?P<name>\w+): "
    r"(?P<received>\d+) received, (?P<ticks>\d+) ticks in Kafka\n"
)


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> FakeProducer:
    """The producer that the command gets."""
    made = FakeProducer()
    monkeypatch.setattr("pitwall.cli.bridge.need_kafka", lambda settings: None)
    defaults = ("pitwall.car.bridges.delivery.Delivery.__init__.__defaults__", (lambda _: made,))
    monkeypatch.setattr(*defaults)
    return made


def pitwall(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["pitwall", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def recording(path: Path, start_s: float = 1709561106.0) -> Path:
    with can.Logger(path) as writer:
        for number in range(50):
            data = struct.pack("<Hhb3x", number * 100, 0, 0)
            writer(
                can.Message(
                    arbitration_id=256,
                    data=data,
                    timestamp=start_s + number / 50,
                    is_extended_id=False,
                )
            )
    return path


def test_a_recording_of_a_bus_is_sent(
    tmp_path: Path,
    producer: FakeProducer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = recording(tmp_path / "heat.log")
    arguments = ("bridge", "can", "--dbc", DBC, path, "--vehicle", "Kart 7", "--json")
    assert pitwall(monkeypatch, *arguments) == 0
    output = capfd.readouterr()
    answer = json.loads(output.out)
    assert answer["session"] == "20240304-140506-heat"
    assert (answer["received"], answer["ticks"], answer["dropped"]) == (50, 50, 0)
    assert "'furlongs', which is not understood" in output.err
    assert producer.samples("Speed")[49] == (0.98, 49.0)
    assert {topic for topic, _ in producer.messages} == {"p424-telemetry-batch"}


def test_ticks_of_a_width_are_made_only_when_asked(
    tmp_path: Path, producer: FakeProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recording(tmp_path / "heat.log")
    assert pitwall(monkeypatch, "bridge", "can", "--dbc", DBC, path, "--tick-ms", 100) == 0
    assert len(producer.messages) == 10
    assert producer.samples("Speed")[0] == (0.08, 4.0), "the newest value of the first 100 ms"
    assert producer.ticks()[0][0]["VehicleId"] == "car", "the name of the DBC file"


def test_a_recording_without_a_date_takes_one_and_says_which(
    tmp_path: Path,
    producer: FakeProducer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = recording(tmp_path / "bench.log", 100.0)
    assert pitwall(monkeypatch, "bridge", "can", "--dbc", DBC, path) == 0
    output = capfd.readouterr()
    assert "session 20000101-000000-bench: 50 received, 50 ticks in Kafka" in output.out
    assert "does not tell when it was recorded; 2000-01-01 is taken; give --start" in " ".join(
        output.err.split()
    )
    start = ("--start", "2024-03-04T14:05:06")
    assert pitwall(monkeypatch, "bridge", "can", "--dbc", DBC, path, *start) == 0
    output = capfd.readouterr()
    assert "session 20240304-140506-bench:" in output.out
    assert "2000-01-01" not in output.err


def test_a_live_bus_and_a_game_are_sent_for_some_seconds(
    producer: FakeProducer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stop = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def play() -> None:
        with (
            can.Bus(interface="virtual", channel="pitwall-cli") as car,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as game,
        ):
            for number in range(1000):
                if stop.is_set():
                    return
                car.send(can.Message(arbitration_id=257, data=b"\1\0\0\0", is_extended_id=False))
                sled = struct.pack("<iI", 1, number * 16) + bytes(224)
                game.sendto(sled, ("127.0.0.1", port))
                time.sleep(0.01)

    player = threading.Thread(target=play, daemon=True)
    player.start()
    bus = ("--channel", "pitwall-cli", "--interface", "virtual")
    try:
        live = ("bridge", "can", "--dbc", DBC, *bus, "--seconds", 1)
        assert pitwall(monkeypatch, *live) == 0
        from_bus = REPORT.search(capfd.readouterr().out)
        assert pitwall(monkeypatch, "bridge", "udp", "--port", port, "--seconds", 1) == 0
        from_game = REPORT.search(capfd.readouterr().out)
    finally:
        stop.set()
        player.join()
    assert from_bus is not None and from_bus["name"] == "can"
    assert from_bus["received"] == from_bus["ticks"] and int(from_bus["ticks"]) > 10
    assert from_game is not None and from_game["name"] == "forza"
    assert from_game["received"] == from_game["ticks"] and int(from_game["ticks"]) > 10


def test_what_is_lost_is_an_error(
    tmp_path: Path,
    producer: FakeProducer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    producer.away = True
    path = recording(tmp_path / "heat.log")
    assert pitwall(monkeypatch, "bridge", "can", "--dbc", DBC, path) == 1
    error = capfd.readouterr().err
    assert "50 ticks not delivered, because Kafka was away or too slow" in " ".join(error.split())


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["can", "--dbc", DBC], 2, "give a bus by --channel, or a recording by its path"),
        (["can", "--dbc", DBC, "/no.blf", "--vehicle", ""], 2, "the vehicle is ''"),
        (["can", "--dbc", DBC, "/no.blf", "--vehicle", "x" * 201], 1, "has 201 characters"),
        (["udp", "--port", 5300, "--vehicle", "a\tb"], 1, "has a control character"),
        (["can", "--dbc", "/no.dbc", "--channel", "can0"], 1, "/no.dbc: cannot be read"),
        (["can", "--dbc", DBC, "/no.blf"], 1, "/no.blf: cannot be read"),
        (["can", "--dbc", DBC, "--channel", "nocan7"], 1, "CAN bus nocan7 (socketcan) cannot be"),
        (["udp", "--format", "f2", "--port", 5300], 2, "f2"),
    ],
)
def test_wrong_input_is_one_line(
    producer: FakeProducer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[object],
    status: int,
    says: str,
) -> None:
    assert pitwall(monkeypatch, "bridge", *arguments) == status
    error = capfd.readouterr().err
    assert says in error and "Traceback" not in error
