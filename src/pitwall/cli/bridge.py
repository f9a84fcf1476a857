"""The commands `bridge can` and `bridge udp`: live sources into the wire format."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pitwall.cli.checks import need_kafka, replay_speed
from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress
from pitwall.errors import StackError, UsageError
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.car.bridges.can_frames import Signals
    from pitwall.car.bridges.counts import Counts
    from pitwall.car.bridges.intake import Source
    from pitwall.car.bridges.run import Decoder

bridge = typer.Typer(
    no_args_is_help=True, help="Live sources beside the car: a CAN bus, a racing game."
)
Vehicle = Annotated[
    str | None, typer.Option(help="VehicleId to send; default: what the source tells.")
]
Topic = Annotated[str | None, typer.Option(help="Topic to send to; default: telemetry.")]
Seconds = Annotated[
    float | None, typer.Option(min=0, help="End after so many seconds; default: at Ctrl-C.")
]
TickMs = Annotated[
    float,
    typer.Option(
        "--tick-ms",
        min=0,
        max=1000,
        help="Make one tick of all that comes in so many milliseconds; 0: only of equal times.",
    ),
]


class Game(StrEnum):
    """The packet formats of games."""

    FORZA = "forza"
    F1 = "f1"


@bridge.command("can", epilog="Example: ./pitwall bridge can --dbc car.dbc --channel vcan0")
def can(
    dbc: Annotated[Path, typer.Option(help="DBC file with the car's messages and signals.")],
    recording: Annotated[
        Path | None, typer.Argument(help="A recording (.blf, .asc, .log) instead of a bus.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="Channel of the bus, for instance can0 or vcan0.")
    ] = None,
    interface: Annotated[
        str, typer.Option(help="Interface, by the name that python-can gives it.")
    ] = "socketcan",
    bitrate: Annotated[
        int | None, typer.Option(min=1, help="Bits a second, where the interface sets it.")
    ] = None,
    vehicle: Vehicle = None,
    session: Annotated[
        str | None, typer.Option(help="Name in the session's id; default: can, or the file's.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(help="Start of the recording in UTC, where it does not tell it."),
    ] = None,
    speed: Annotated[
        str, typer.Option(help="Of a recording: a number (times real time), or max.")
    ] = "max",
    tick_ms: TickMs = 0.0,
    topic: Topic = None,
    seconds: Seconds = None,
    as_json: AsJson = False,
) -> None:
    """Send the signals of a CAN bus to Kafka, in the car's wire format.

    Signals are channels where names.yaml knows their names; all others keep name and unit of the
    DBC file. Damaged and unknown frames are counted. A bus or a Kafka that is lost is waited for;
    what the queue cannot hold meanwhile is dropped, and counted. The exit status is 1 when anything
    was dropped.
    """
    from pitwall.car.bridges.can_bus import BusSource
    from pitwall.car.bridges.can_frames import BusDecoder, Signals
    from pitwall.car.bridges.counts import Counts
    from pitwall.channels import names

    if (recording is None) == (channel is None):
        raise UsageError("give a bus by --channel, or a recording by its path")
    signals = Signals(dbc, names.load(Settings().feature_repo))
    name = dbc.stem if vehicle is None else vehicle
    _check(name, session or "can", signals.units)
    if signals.renamed:
        pairs = ", ".join(f"{signal} as {channel}" for signal, channel in signals.renamed.items())
        ERR.print(f"note: signals are sent by names.yaml: {pairs}", markup=False, soft_wrap=True)
    for doubt in signals.doubts():
        ERR.print(f"note: {doubt}", style="yellow", markup=False, soft_wrap=True)
    if recording is not None:
        _send_recording(
            recording, signals, name, session, start, replay_speed(speed), tick_ms, topic, as_json
        )
        return
    counts = Counts()
    decoder = BusDecoder(signals, name, counts, session or "can")
    source = BusSource(str(channel), interface, bitrate)
    _run(source, decoder, counts, tick_ms, topic, seconds, as_json)


@bridge.command("udp", epilog="Example: ./pitwall bridge udp --format forza --port 5300")
def udp(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port that the game sends to.")],
    format: Annotated[
        Game, typer.Option("--format", help="Packet format of the game.")
    ] = Game.FORZA,
    host: Annotated[
        str | None,
        typer.Option(
            help="Address to listen on; 0.0.0.0 for a game on another machine. Default: this one."
        ),
    ] = None,
    vehicle: Vehicle = None,
    topic: Topic = None,
    seconds: Seconds = None,
    as_json: AsJson = False,
) -> None:
    """Send the packets of a racing game to Kafka, in the car's wire format.

    Formats: the Forza games, and the F1 games of 2022 to 2025. Each race is a session. Damaged
    packets are counted. A Kafka that is lost is waited for; what the queue cannot hold meanwhile is
    dropped, and counted. The exit status is 1 when anything was dropped.
    """
    from pitwall.car.bridges.counts import Counts
    from pitwall.car.bridges.f1 import F1Decoder
    from pitwall.car.bridges.forza import ForzaDecoder
    from pitwall.car.bridges.udp import UdpSource

    if vehicle is not None:
        _check(vehicle, "game", {})
    counts = Counts()
    source = UdpSource(host or Settings().host, port)
    make: type[ForzaDecoder | F1Decoder] = F1Decoder if format is Game.F1 else ForzaDecoder
    _run(source, make(vehicle, counts), counts, 0.0, topic, seconds, as_json)


def _check(vehicle: str, name: str, units: Mapping[str, str]) -> None:
    """Refuse names and units that the features job would refuse, before anything is sent."""
    import numpy as np

    from pitwall.car.acceptance import check
    from pitwall.car.session import Session

    channels = units or {"Speed": "km/h"}
    names, texts = tuple(channels), tuple(channels.values())
    zeros = np.zeros((1, len(names)))
    check([Session(vehicle, f"20000101-000000-{name}", names, texts, np.zeros(1), zeros)])


def _run(
    source: Source,
    decoder: Decoder,
    counts: Counts,
    tick_ms: float,
    topic: str | None,
    seconds: float | None,
    as_json: bool,
) -> None:
    """Run a live bridge until it is stopped, and report."""
    from pitwall.car.bridges.delivery import Delivery
    from pitwall.car.bridges.intake import Intake
    from pitwall.car.bridges.run import run
    from pitwall.car.bridges.ticks import Gather

    settings = Settings()
    need_kafka(settings)
    delivery = Delivery(settings, topic or settings.telemetry_topic, counts)
    intake = Intake(source, counts)
    with progress() as step, _stopped_by_signals() as stop:
        run(
            intake,
            decoder,
            Gather(counts, tick_ms / 1000),
            delivery,
            counts,
            stop=stop,
            seconds=seconds,
            on_counts=lambda now: step(f"{source.name}: {now.sentence()}", None),
        )
    _report(source.name, decoder.session, counts, as_json)


def _send_recording(
    path: Path,
    signals: Signals,
    vehicle: str,
    name: str | None,
    start: datetime | None,
    speed: float | None,
    tick_ms: float,
    topic: str | None,
    as_json: bool,
) -> None:
    """Read a recording of a bus once to check it, then send it and report."""
    from pitwall.car.bridges.can_file import Capture
    from pitwall.car.bridges.counts import Counts
    from pitwall.car.bridges.delivery import Delivery
    from pitwall.car.bridges.run import replay
    from pitwall.car.bridges.ticks import Gather

    settings = Settings()
    capture = Capture(path, signals)
    survey = capture.survey
    if survey.start is None and start is None:
        ERR.print(
            f"note: {path} does not tell when it was recorded; 2000-01-01 is taken; give --start",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    need_kafka(settings)
    session = capture.session_id(start.replace(tzinfo=UTC) if start else None, name)
    counts = Counts()
    delivery = Delivery(settings, topic or settings.telemetry_topic, counts)
    with progress() as step, _stopped_by_signals() as stop:

        def show(now: Counts) -> None:
            share = min(now.received / max(capture.counts.received, 1), 0.999)
            step(f"{path.name}: {now.sentence()}", share)

        replay(
            capture.ticks(vehicle, session, counts),
            Gather(counts, tick_ms / 1000),
            delivery,
            counts,
            stop=stop,
            speed=speed,
            on_counts=show,
        )
    _report(str(path), session, counts, as_json)


def _report(source: str, session: str, counts: Counts, as_json: bool) -> None:
    """Print what was sent. Raises `StackError` where something was lost."""
    if as_json:
        emit({"source": source, "session": session or None, **asdict(counts)})
    else:
        OUT.print(f"session {session or '–'}: {counts.sentence()}", highlight=False, soft_wrap=True)
        if counts.newest_fault:
            OUT.print(f"newest fault: {counts.newest_fault}", markup=False, soft_wrap=True)
    if counts.dropped or counts.undelivered:
        raise StackError(
            f"{source}: {counts.dropped:,} frames or packets were dropped and "
            f"{counts.undelivered:,} ticks not delivered, because Kafka was away or too slow; "
            "see `./pitwall status`, or send fewer ticks"
        )


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set while the block runs."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
