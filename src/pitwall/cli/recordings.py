"""The commands on recorded and simulated laps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pitwall.cli.checks import need_kafka, replay_speed
from pitwall.cli.reading import (
    DayFirst,
    Dbc,
    LapLength,
    LapPaths,
    LineOption,
    RateHz,
    Resample,
    SessionName,
    Start,
    TimeUnit,
    Vehicle,
    left_out,
    options_of,
    read_recordings,
    summary,
)
from pitwall.cli.terminal import OUT, AsJson, emit, progress
from pitwall.errors import JobError, UsageError
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.car.replay import Sent
    from pitwall.car.session import Session
    from pitwall.operations.arrival import Arrival

Speed = Annotated[str, typer.Option(help="A number (times real time), or max.")]


def replay(
    paths: LapPaths,
    speed: Speed = "1",
    topic: Annotated[str | None, typer.Option(help="Topic to send to; default: telemetry.")] = None,
    start: Start = None,
    vehicle: Vehicle = None,
    session: SessionName = None,
    rate_hz: Annotated[
        float | None,
        typer.Option(
            "--rate-hz",
            help="Send at most so many ticks a second; rows a second of a file without a clock.",
        ),
    ] = None,
    time_unit: TimeUnit = None,
    day_first: DayFirst = None,
    lap_length: LapLength = None,
    line: LineOption = None,
    resample: Resample = None,
    dbc: Dbc = None,
    as_json: AsJson = False,
) -> None:
    """Produce recorded laps to Kafka in the car's wire format.

    Refuses, before anything is sent, what the features job would refuse, and asks it at the end.
    """
    options = options_of(
        start, vehicle, session, rate_hz, time_unit, day_first, lap_length, line, resample, dbc
    )
    readings = read_recordings(paths, options)
    sessions = [reading.session for reading in readings]
    if rate_hz:
        sessions = [session.at_rate(rate_hz) for session in sessions]
    if not as_json:
        OUT.print(summary(readings), markup=False, highlight=False, soft_wrap=True)
    _send(sessions, replay_speed(speed), False, topic, as_json, left_out(readings))


def simulate(
    cars: Annotated[int, typer.Option(min=1, max=1000, help="Cars side by side.")] = 1,
    laps: Annotated[int, typer.Option(min=1, max=200, help="Laps of each car.")] = 1,
    hz: Annotated[float, typer.Option(min=1, max=1000, help="Ticks a second.")] = 50.0,
    seed: Annotated[int, typer.Option(min=0, max=500000, help="Seed of the first car.")] = 0,
    speed: Speed = "1",
    out: Annotated[
        Path | None, typer.Option(help="Write Parquet files into this folder, not to Kafka.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Drive the built-in car, to Kafka or to Parquet files."""
    from pitwall.car.simulator import simulate as drive

    sessions = [
        drive(
            laps=laps,
            seed=seed + car,
            hz=hz,
            vehicle="PERRINN 424" if cars == 1 else f"PERRINN 424 #{car + 1}",
        )
        for car in range(cars)
    ]
    if out is None:
        _send(sessions, replay_speed(speed), True, None, as_json)
        return
    files = _write_parquet(sessions, out)
    emit({"files": files}) if as_json else OUT.print("\n".join(files))


def _write_parquet(sessions: Sequence[Session], folder: Path) -> list[str]:
    """Write one file for each session, named by its id; returns the paths."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for session in sessions:
        channels = dict(zip(session.names, session.values.T, strict=True))
        path = folder / f"{session.session}.parquet"
        pq.write_table(pa.table({"Timestamp": session.times_s, **channels}), path)
        files.append(str(path))
    return files


def _send(
    sessions: Sequence[Session],
    speed: float | None,
    together: bool,
    topic: str | None,
    as_json: bool,
    rows_left_out: Mapping[str, int] | None = None,
) -> None:
    """Send the sessions to Kafka and print what was sent and what became of it.

    Arguments as in `produce`. Raises `JobError` where the job refused some of the ticks.
    """
    from pitwall.car.acceptance import check
    from pitwall.car.replay import produce
    from pitwall.operations.arrival import arrival, dead_letters_now, is_running

    settings = Settings()
    check(sessions)
    need_kafka(settings)
    total = sum(len(session.times_s) for session in sessions)
    done = 0
    target = topic or settings.telemetry_topic
    asked = bool(re.fullmatch(settings.telemetry_pattern, target)) and is_running(settings)
    since = dead_letters_now(settings) if asked else {}
    with progress() as step:

        def on_ticks(count: int) -> None:
            nonlocal done
            done += count
            step(f"{done:,}/{total:,} ticks", done / total)

        sent = produce(
            settings, sessions, speed=speed, together=together, topic=topic, on_ticks=on_ticks
        )
        step("the features job reads them", None)
        arrived = arrival(settings, target, sent, since) if asked else None
    _report(sessions, sent, arrived, as_json, rows_left_out or {})
    if arrived is not None and arrived.dead_letters:
        reason = next(iter(arrived.reasons))
        raise JobError(
            f"{arrived.dead_letters:,} of {sent.ticks:,} ticks became dead letters: {reason}; "
            "see `./pitwall dead-letters list`"
        )


def _report(
    sessions: Sequence[Session],
    sent: Sent,
    arrived: Arrival | None,
    as_json: bool,
    rows_left_out: Mapping[str, int],
) -> None:
    if as_json:
        emit(
            {
                "ticks": sent.ticks,
                "samples": sent.samples,
                "bytes": sent.bytes,
                "seconds": sent.seconds,
                "sessions": [session.session for session in sessions],
                "skipped_rows": sum(rows_left_out.values()),
                "left_out": dict(rows_left_out),
                "arrived": asdict(arrived) if arrived is not None else None,
            }
        )
        return
    OUT.print(
        f"{sent.ticks:,} ticks of {len(sessions)} sessions in {sent.seconds:.1f} s "
        f"({sent.bytes / 1e6:.0f} MB)"
    )
    if arrived is None:
        OUT.print("the features job was not asked: it does not run, or does not read this topic")
    else:
        OUT.print(f"the features job took {arrived.taken:,} ticks")


def backfill(
    paths: LapPaths,
    start: Start = None,
    vehicle: Vehicle = None,
    session: SessionName = None,
    rate_hz: RateHz = None,
    time_unit: TimeUnit = None,
    day_first: DayFirst = None,
    lap_length: LapLength = None,
    line: LineOption = None,
    resample: Resample = None,
    dbc: Dbc = None,
    as_json: AsJson = False,
) -> None:
    """Compute the features of recorded sessions.

    They are written to the offline store, which gives a new feature its values of the past.
    """
    from pitwall.car.acceptance import check
    from pitwall.operations.backfill import run

    settings = Settings()
    options = options_of(
        start, vehicle, session, rate_hz, time_unit, day_first, lap_length, line, resample, dbc
    )
    readings = read_recordings(paths, options)
    sessions = [reading.session for reading in readings]
    check(sessions)
    if not as_json:
        OUT.print(summary(readings), markup=False, highlight=False, soft_wrap=True)
    need_kafka(settings)
    with progress() as step:
        done = run(settings, sessions, step)
    if as_json:
        emit(asdict(done) | {"left_out": left_out(readings)})
    else:
        OUT.print(
            f"{done.rows:,} rows of {done.sessions} sessions in the offline store, "
            f"{done.seconds:.0f} s"
        )


def reference_lap(
    name: Annotated[
        str, typer.Argument(help='Name of the lap, for delta_to("NAME") in features.py.')
    ],
    lapfile: Annotated[Path, typer.Argument(help="A lap file.")],
    lap: Annotated[
        int | None,
        typer.Option(min=1, help="Number of the lap in the file; default: the fastest whole one."),
    ] = None,
    rate_hz: RateHz = None,
    time_unit: TimeUnit = None,
    day_first: DayFirst = None,
    lap_length: LapLength = None,
    line: LineOption = None,
    resample: Resample = None,
    dbc: Dbc = None,
    as_json: AsJson = False,
) -> None:
    """Store a lap as the named reference of delta features."""
    from pitwall.features import delta_to, reference_laps
    from pitwall.recordings.files import find
    from pitwall.recordings.laps import split

    delta_to(name)  # raises for a name that no feature could have
    (path, *more) = find([lapfile])
    if more:
        raise UsageError(f"{lapfile} is a folder; name one lap file")
    options = options_of(
        rate_hz=rate_hz,
        time_unit=time_unit,
        day_first=day_first,
        lap_length=lap_length,
        line=line,
        resample=resample,
        dbc=dbc,
    )
    readings = read_recordings([path], options)
    if len(readings) > 1:
        raise UsageError(f"{path} holds {len(readings)} drives; one is expected here")
    by_number = {part.number: part for part in split(readings[0].session)}
    if lap is not None and lap not in by_number:
        numbers = ", ".join(map(str, by_number)) or "none"
        raise UsageError(f"{path}: lap {lap} was not seen from its start; there are {numbers}")
    fastest_first = sorted(by_number.values(), key=lambda part: (not part.whole, part.duration_s))
    chosen = by_number[lap] if lap else next(iter(fastest_first), None)
    grid = (
        reference_laps.grid(chosen.distance_m, chosen.times_s)
        if chosen and len(chosen.distance_m)
        else []
    )
    if chosen is None or len(grid) < 2:
        raise UsageError(
            f"{path}: no lap of {reference_laps.GRID_M:g} m or more was seen from its start"
        )
    target = Settings().feature_repo / reference_laps.FOLDER / f"{name}.csv"
    reference_laps.write(target, grid)
    length_m = float(chosen.distance_m[-1])
    if as_json:
        emit(
            {
                "file": str(target),
                "lap": chosen.number,
                "whole": chosen.whole,
                "length_m": length_m,
                "time_s": chosen.duration_s,
            }
        )
        return
    OUT.print(summary(readings), markup=False, highlight=False, soft_wrap=True)
    until = "" if chosen.whole else " to the end of the file"
    OUT.print(
        f"{target}: lap {chosen.number}{until}, {length_m:,.0f} m in {chosen.duration_s:.3f} s",
        soft_wrap=True,
    )
