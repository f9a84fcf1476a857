"""A CAN bus by its DBC file: from python-can's virtual bus, and from recordings."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import can
import pytest
from fake_kafka import FakeProducer
from waiting import wait

from pitwall.car.bridges.can_bus import BusSource
from pitwall.car.bridges.can_file import Capture
from pitwall.car.bridges.can_frames import BusDecoder, Frame, Signals
from pitwall.car.bridges.counts import Counts
from pitwall.car.bridges.delivery import Delivery
from pitwall.car.bridges.intake import Arrival, Intake
from pitwall.car.bridges.run import replay, run
from pitwall.car.bridges.ticks import Gather
from pitwall.errors import LapFileError, StackError, WireError
from pitwall.settings import Settings

DBC = Path(__file__).parent / "car.dbc"
EPOCH = 1709561106.25
"""2024-03-04 14:05:06.25 UTC."""


def motion(speed_kph: float, acceleration_g: float = 0.0, state: int = 1) -> bytes:
    """The data of a frame `Motion`."""
    return struct.pack("<Hhb3x", round(speed_kph * 100), round(acceleration_g * 1000), state)


def engine(rpm: int, water_c: int) -> bytes:
    """The data of a frame `Engine`."""
    return struct.pack("<HBB", rpm, water_c + 40, 0)


def message(id: int, data: bytes, time_s: float = 0.0, extended: bool = False) -> can.Message:
    return can.Message(
        arbitration_id=id, data=data, timestamp=time_s, is_extended_id=extended, check=True
    )


class Bridge:
    """A whole bridge from a source to a producer in memory, in a thread."""

    def __init__(self, source: Any, producer: FakeProducer, capacity: int = 1000) -> None:
        self.counts = Counts()
        self.producer = producer
        self.stop = threading.Event()
        self.decoder = BusDecoder(Signals(DBC), "Kart 7", self.counts)
        self.intake = Intake(source, self.counts, capacity)
        self._thread = threading.Thread(
            daemon=True,
            target=run,
            args=(
                self.intake,
                self.decoder,
                Gather(self.counts),
                Delivery(Settings(), "telemetry", self.counts, lambda config: producer),
                self.counts,
            ),
            kwargs={"stop": self.stop},
        )
        self._thread.start()

    def end(self) -> None:
        self.stop.set()
        self._thread.join()


@pytest.fixture
def channel(request: pytest.FixtureRequest) -> str:
    """A virtual channel of this test's own."""
    return f"pitwall-{request.node.name}"


@pytest.fixture
def car(channel: str) -> Iterator[can.BusABC]:
    """The car's end of the virtual bus."""
    with can.Bus(interface="virtual", channel=channel) as bus:
        yield bus


def test_frames_of_a_bus_become_ticks_in_the_wire_format(car: can.BusABC, channel: str) -> None:
    bridge = Bridge(BusSource(channel, "virtual"), FakeProducer())
    before = time.time()
    for number in range(100):
        car.send(message(256, motion(100 + number, -0.5)))
        car.send(message(257, engine(5000 + number, 90)))
    wait(lambda: len(bridge.producer.samples("EngineRpm")) == 100, 20, "the last frame")
    bridge.end()
    speeds = bridge.producer.samples("Speed")
    assert [value for _, value in speeds] == pytest.approx([100 + n for n in range(100)])
    assert all(0 <= time_s < 5 for time_s, _ in speeds)
    tick = bridge.producer.ticks()[0]
    first = {sample["ChannelName"]: sample for sample in tick}
    assert set(first) == {"Speed", "AccelerationLong", "Motion.State"}
    speed = first["Speed"]
    assert speed["VehicleId"] == "Kart 7" and speed["ChannelId"] == "SPEED"
    assert speed["ChannelUnit"] == " km/h" and speed["ExpectedFrequency"] == "100 Hz"
    assert speed["SessionId"] == bridge.decoder.session
    start = time.strftime("%Y%m%d-%H%M", time.gmtime(before))
    assert speed["SessionId"].startswith(start) and speed["SessionId"].endswith("-can")
    assert first["Motion.State"]["ChannelValue"] == 1, "a number, not the text of its value"
    assert bridge.counts.received == 200 and bridge.counts.ticks == 200
    assert bridge.counts.dropped == bridge.counts.undelivered == 0


def test_damaged_and_unknown_frames_are_counted(car: can.BusABC, channel: str) -> None:
    bridge = Bridge(BusSource(channel, "virtual"), FakeProducer())
    car.send(message(256, motion(100)[:3]))
    car.send(message(0x7FF, b"\x01"))
    car.send(message(258, b"\x09\x00\x00"))
    car.send(can.Message(is_error_frame=True))
    car.send(message(257, engine(1, 2)))
    wait(lambda: bridge.counts.ticks == 1, 20, "the whole frame")
    bridge.end()
    assert bridge.counts.damaged["Motion too short"] == 1
    assert bridge.counts.damaged["Muxed not decodable"] == 1
    assert bridge.counts.damaged["error frame"] == 1
    assert bridge.counts.unknown == {"0x7ff": 1}
    said = bridge.counts.sentence()
    assert "5 received, 1 ticks in Kafka, 3 damaged (" in said and "1 left out (0x7ff: 1)" in said


class LosableBus:
    """A bus of frames from a list; it raises where the list holds an error."""

    opened = 0

    def __init__(self, script: list[can.Message | Exception | None]) -> None:
        self.script = script

    def recv(self, timeout_s: float) -> can.Message | None:
        if not self.script:
            time.sleep(0.001)
            return None
        item = self.script.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def shutdown(self) -> None:
        raise OSError("the device is gone")


def test_a_lost_bus_is_found_again_and_the_session_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pitwall.car.bridges.intake.FIRST_WAIT_S", 0.05)
    # The interface counts from its own start, and begins again at 0 after the loss.
    buses: list[LosableBus | Exception] = [
        LosableBus(
            [
                message(257, engine(1, 0), 812.0),
                message(257, engine(2, 0), 812.5),
                can.CanOperationError("Network is down"),
            ]
        ),
        OSError("No such device"),
        LosableBus([message(257, engine(3, 0), 0.25), message(257, engine(4, 0), 0.75)]),
    ]

    def make(*_: object) -> LosableBus:
        bus = buses.pop(0)
        if isinstance(bus, Exception):
            raise bus
        return bus

    bridge = Bridge(BusSource("vcan0", bus=make), FakeProducer())
    wait(lambda: bridge.counts.ticks == 4, 20, "the frames after the loss")
    bridge.end()
    times, values = zip(*bridge.producer.samples("EngineRpm"), strict=True)
    assert values == (1, 2, 3, 4)
    assert times[1] - times[0] == pytest.approx(0.5)
    assert times[3] - times[2] == pytest.approx(0.5)
    assert 0.1 < times[2] - times[0] < 10, "the time of day between them"
    assert bridge.counts.lost == 1 and bridge.counts.rewound == 0
    sessions = {tick[0]["SessionId"] for tick in bridge.producer.ticks()}
    assert len(sessions) == 1
    assert "1 times the source was lost" in bridge.counts.sentence()


def test_a_bus_that_is_not_there_is_refused_at_once() -> None:
    with pytest.raises(StackError, match=r"CAN bus nocan7 \(socketcan\) cannot be opened .*nocan7"):
        Intake(BusSource("nocan7"), Counts())


def test_a_full_queue_drops_the_newest_frames_and_says_so(car: can.BusABC, channel: str) -> None:
    producer = FakeProducer(room=5)
    producer.away = True
    bridge = Bridge(BusSource(channel, "virtual"), producer, capacity=10)
    for number in range(7):
        car.send(message(257, engine(number, 0)))
    # Five are in the producer, one waits for it, and one for more of its tick.
    wait(lambda: bridge.counts.received == 7 and bridge.intake.waiting == 0, 20, "the loop")
    for number in range(7, 100):
        car.send(message(257, engine(number, 0)))
    wait(lambda: bridge.counts.received == 100, 20, "all frames")
    assert bridge.counts.dropped == 83
    assert "83 DROPPED because the queue was full" in bridge.counts.sentence()
    producer.away = False
    wait(lambda: bridge.counts.ticks == 17, 20, "what was kept")
    bridge.end()
    values = [value for _, value in producer.samples("EngineRpm")]
    assert values == list(range(17)), "in order, the oldest ones"


def test_a_producer_with_a_fatal_error_is_replaced() -> None:
    from confluent_kafka import KafkaError

    producers = [FakeProducer(), FakeProducer()]
    producers[0].failing = KafkaError(KafkaError._FATAL, "fenced", fatal=True)
    made = iter(producers)
    counts = Counts()
    delivery = Delivery(Settings(), "telemetry", counts, lambda config: next(made))
    signals = Signals(DBC)
    part = signals.part(Frame(0, 257, False, engine(1, 0)), "Kart 7", "20240304-140506-can", 0.5)
    assert part is not None
    delivery.send(part)
    delivery.close(1)
    assert producers[1].samples("EngineRpm") == [(0.5, 1)]
    assert counts.ticks == 1 and "fenced" in counts.newest_fault


def test_times_of_day_are_kept_and_a_jump_is_counted() -> None:
    counts = Counts()
    decoder = BusDecoder(Signals(DBC), "Kart 7", counts)

    def time_of(frame_s: float, received_s: float) -> float:
        frame = Frame(frame_s, 257, False, engine(1, 0))
        (tick,) = decoder.ticks(Arrival(frame, received_s, 0))
        return tick.time_s

    assert time_of(EPOCH, EPOCH + 0.004) == 0.25, "the frame's own time"
    assert decoder.session == "20240304-140506-can"
    assert time_of(EPOCH + 1, EPOCH + 1.9) == 1.25, "not the time at which it was read"
    assert time_of(3.0, EPOCH + 2) == 2.25 and counts.rewound == 1
    assert time_of(3.5, EPOCH + 2.5) == 2.75 and counts.rewound == 1


def test_multiplexed_signals_and_extended_ids() -> None:
    signals = Signals(DBC)
    session = ("Kart 7", "20240304-140506-can", 1.0)
    pressure = signals.part(Frame(0, 258, False, b"\x00" + struct.pack("<H", 456)), *session)
    heat = signals.part(Frame(0, 258, False, b"\x01" + struct.pack("<h", -55)), *session)
    assert pressure is not None and heat is not None
    assert pressure.layout.names == ("Selector", "OilPressure")
    assert pressure.values == pytest.approx((0, 4.56)) and pressure.layout.units == ("", "bar")
    assert heat.layout.names == ("Selector", "OilTemperature")
    assert heat.values == pytest.approx((1, -5.5))
    position = Frame(0, 2566834688 & 0x1FFFFFFF, True, struct.pack("<I", 1_234_567))
    extended = signals.part(position, *session)
    assert extended is not None and extended.values == pytest.approx((1234.567,))
    assert signals.part(position._replace(is_extended=False), *session) is None
    with pytest.raises(WireError):
        signals.part(Frame(0, 257, False, b""), *session)


def test_units_of_the_dbc_that_are_not_understood_are_said(tmp_path: Path) -> None:
    signals = Signals(DBC)
    assert signals.units["WaterTemperature"] == "°C"
    old = tmp_path / "cp1252.dbc"
    old.write_bytes(DBC.read_text().encode("cp1252"))
    assert Signals(old).units == signals.units
    (doubt,) = signals.doubts()
    assert "signal 'LapDistance' has the unit 'furlongs', which is not understood as m" in doubt


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a readable DBC file"),
        ("speed,rpm\n1,2\n", "not a readable DBC file"),
        ('VERSION ""\nBO_ 1 A: 8 E\n', "defines no message with a signal"),
    ],
)
def test_a_file_that_is_no_dbc_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "car.dbc"
    path.write_text(text)
    with pytest.raises(LapFileError, match=says):
        Signals(path)
    with pytest.raises(LapFileError, match=r"No such file .*--dbc"):
        Signals(tmp_path / "nothing.dbc")


def recording(path: Path) -> Path:
    """Two seconds of a bus: `Motion` at 100 Hz, `Engine` at 10 Hz at the same times."""
    with can.Logger(path) as writer:
        for number in range(200):
            time_s = EPOCH + number / 100
            writer(message(256, motion(number), time_s))
            if number % 10 == 0:
                writer(message(257, engine(1000 + number, 80), time_s))
        writer(message(0x7FF, b"\x00", EPOCH + 2))
    return path


@pytest.mark.parametrize("suffix", [".blf", ".asc", ".log"])
def test_recordings_of_a_bus_give_the_same_ticks(tmp_path: Path, suffix: str) -> None:
    capture = Capture(recording(tmp_path / f"heat 1{suffix}"), Signals(DBC))
    assert capture.survey.frames == 220 and capture.survey.seconds == pytest.approx(1.99)
    session = capture.session_id(None, None)
    assert session == "20240304-140506-heat_1"
    producer, counts = FakeProducer(), Counts()
    delivery = Delivery(Settings(), "telemetry", counts, lambda config: producer)
    ticks = capture.ticks("Kart 7", session, counts)
    replay(ticks, Gather(counts), delivery, counts, stop=threading.Event())
    assert len(producer.messages) == 200, "frames of one time are one tick"
    assert counts.ticks == 200 and counts.received == 221 and counts.unknown == {"0x7ff": 1}
    times, speeds = zip(*producer.samples("Speed"), strict=True)
    assert speeds == pytest.approx([float(number) for number in range(200)])
    # BLF and ASC keep the start to the millisecond.
    assert times == pytest.approx([0.25 + number / 100 for number in range(200)], abs=1e-3)
    rpm_times, rpms = zip(*producer.samples("EngineRpm"), strict=True)
    assert rpms == tuple(1000 + number for number in range(0, 200, 10))
    assert rpm_times == times[::10]


def test_lines_that_cannot_be_read_are_counted_and_the_next_ones_are_not_lost(
    tmp_path: Path,
) -> None:
    for suffix, damage in (
        (".log", "(1709561106.9) vcan0 1ZZ#00"),
        (".asc", " 1.0 1 1ZZ Rx d 1 0"),
    ):
        path = recording(tmp_path / f"heat{suffix}")
        lines = path.read_text().splitlines()
        middle = len(lines) // 2
        lines[middle:middle] = [damage, damage]
        path.write_text("\n".join(lines) + "\n")
        capture = Capture(path, Signals(DBC))
        assert capture.survey.frames == 220, suffix
        assert capture.counts.damaged == {"line not readable": 2}, suffix
        assert f"line {middle + 2}" in capture.counts.newest_fault


def test_a_recording_that_does_not_tell_its_start_says_so(tmp_path: Path) -> None:
    path = tmp_path / "bench.log"
    data = motion(50).hex()
    path.write_text(f"(12.500000) can0 100#{data}\n(12.600000) can0 100#{data}\n")
    capture = Capture(path, Signals(DBC))
    assert capture.survey.start is None
    assert capture.session_id(None, None) == "20000101-000000-bench"
    times = [tick.time_s for tick in capture.ticks("Kart 7", "s", Counts())]
    assert times == [0.0, pytest.approx(0.1)]


def test_recordings_that_hold_nothing_of_the_dbc_are_refused(tmp_path: Path) -> None:
    signals = Signals(DBC)
    with pytest.raises(LapFileError, match=r"'?\.txt is no recording of a CAN bus; give a \.blf"):
        Capture(tmp_path / "a.txt", signals)
    with pytest.raises(LapFileError, match="cannot be read"):
        Capture(tmp_path / "a.log", signals)
    (tmp_path / "a.log").write_text("(1.0) can0 7FF#00\n")
    with pytest.raises(LapFileError, match=r"1 frames, none of which .*car\.dbc defines"):
        Capture(tmp_path / "a.log", signals)
    whole = recording(tmp_path / "whole.blf").read_bytes()
    for name, raw in {"no.blf": b"LOGX" + whole[4:], "cut.blf": whole[:250], "0.blf": b""}.items():
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(LapFileError, match=name):
            Capture(tmp_path / name, signals)
