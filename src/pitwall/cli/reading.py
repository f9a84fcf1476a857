"""How files of others are read: the options of all commands that read recordings, and the summary
that they print.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from pitwall.errors import UsageError, listed
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.channels.channel import Channel
    from pitwall.recordings.recording import Line, Options
    from pitwall.recordings.sessions import Reading

CLOSED_PATH = "closed-path"
"""Value of `--line` for a line that is found."""
LapPaths = Annotated[list[Path], typer.Argument(help="Files of loggers or sims, or folders.")]
Start = Annotated[
    str | None,
    typer.Option("--start", help="Start of the session, e.g. 2026-03-04T14:05:06Z."),
]
Vehicle = Annotated[str | None, typer.Option(help="VehicleId, instead of the file's.")]
SessionName = Annotated[
    str | None,
    typer.Option("--session", help="Name of the session; several files are parts of that one."),
]
RateHz = Annotated[
    float | None, typer.Option("--rate-hz", help="Rows a second of a file without a clock.")
]
TimeUnit = Annotated[
    str | None, typer.Option("--time-unit", help="Unit of the file's clock: s, ms, us or ns.")
]
DayFirst = Annotated[
    bool | None,
    typer.Option("--day-first/--month-first", help="Whether 04/03/2024 is 4 March."),
]
LapLength = Annotated[
    float | None, typer.Option("--lap-length", help="Length of the circuit in metres.")
]
LineOption = Annotated[
    str | None,
    typer.Option(
        "--line", help="Start/finish line: LAT,LON,HEADING in degrees, or closed-path to find one."
    ),
]
Resample = Annotated[
    float | None, typer.Option("--resample", help="Make so many ticks a second, interpolated.")
]
Dbc = Annotated[Path | None, typer.Option("--dbc", help="DBC file that names CAN signals.")]


def options_of(
    start: str | None = None,
    vehicle: str | None = None,
    session: str | None = None,
    rate_hz: float | None = None,
    time_unit: str | None = None,
    day_first: bool | None = None,
    lap_length: float | None = None,
    line: str | None = None,
    resample: float | None = None,
    dbc: Path | None = None,
) -> Options:
    """The facts that the user gives. Raises `UsageError` that names the option and its value."""
    from pitwall.recordings.recording import Options

    units = ("s", "ms", "us", "ns")
    if time_unit is not None and time_unit not in units:
        raise UsageError(f"--time-unit is {time_unit!r}; give one of {', '.join(units)}")
    rates = {"--rate-hz": rate_hz, "--lap-length": lap_length, "--resample": resample}
    for name, value in rates.items():
        if value is not None and not 0 < value < 1e6:
            raise UsageError(f"{name} is {value}; give a number above 0 and below a million")
    if session == "":
        raise UsageError("--session is ''; give a name")
    if dbc is not None and not dbc.is_file():
        raise UsageError(f"--dbc is {str(dbc)!r}, which is no file; give the path of a DBC file")
    return Options(
        start=None if start is None else _start(start),
        vehicle=vehicle,
        session=session,
        rate_hz=rate_hz,
        time_unit=cast(Literal["s", "ms", "us", "ns"] | None, time_unit),
        day_first=day_first,
        lap_length_m=lap_length,
        line=None if line is None or line == CLOSED_PATH else _line(line),
        find_line=line == CLOSED_PATH,
        resample_hz=resample,
        dbc=dbc,
    )


def known_channels() -> Mapping[str, Channel]:
    """The channel table with the channels that the feature repository defines, by id."""
    from pitwall.channels.table import CHANNELS
    from pitwall.features import load

    repository = Settings().feature_repo
    if not (repository / "features.py").exists():
        return CHANNELS
    sets = load(repository)
    return {channel.id: channel for features in sets for channel in features.channels}


def read_recordings(paths: Sequence[Path], options: Options) -> list[Reading]:
    """How each recording is read. Raises `LapFileError` before anything is sent."""
    from pitwall.recordings.files import readings

    return readings(paths, options, known_channels())


def left_out(readings: Sequence[Reading]) -> dict[str, int]:
    """Rows of all recordings that were left out, by reason."""
    total: dict[str, int] = {}
    for reading in readings:
        for reason, rows in reading.left_out.items():
            total[reason] = total.get(reason, 0) + rows
    return total


def summary(readings: Sequence[Reading]) -> str:
    """Two lines on what was read: the sessions, and their laps, left-out rows and doubts."""
    formats = listed(sorted({reading.recording.format for reading in readings}), 3)
    vehicles = listed(sorted({reading.session.vehicle for reading in readings}), 3)
    undated = sum(reading.start is None for reading in readings)
    ticks = sum(len(reading.session.times_s) for reading in readings)
    known = {
        each.channel for r in readings for each in r.channels if each.canonical_unit is not None
    }
    own = {each.channel for r in readings for each in r.channels if each.canonical_unit is None}
    sessions = readings[0].session.session if len(readings) == 1 else f"{len(readings)} sessions"
    first = (
        f"{sessions} of {vehicles} ({formats}): {ticks:,} ticks, {len(known)} known channels and "
        f"{len(own)} others"
    )
    if undated:
        first += f"; start not told by {undated} (--start)"
    laps = [lap for reading in readings for lap in reading.laps]
    whole = [lap.duration_s for lap in laps if lap.whole]
    second = f"{len(whole)} whole laps of {len(laps)}"
    if whole:
        second += f", the best {lap_time(min(whole))}"
    rows = left_out(readings)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in rows.items())
    second += f"; {sum(rows.values()):,} rows left out" + (f" ({reasons})" if reasons else "")
    doubts = sum(len(reading.doubts) for reading in readings)
    if doubts:
        second += f"; {doubts} doubts, see `./pitwall inspect`"
    return f"{first}\n{second}"


def lap_time(seconds: float) -> str:
    """A lap time as people write it, e.g. 1:20.000."""
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{minutes:.0f}:{rest:06.3f}" if minutes else f"{rest:.3f} s"


def _start(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"--start is {text!r}; give a date and time in ISO 8601, e.g. 2026-03-04T14:05:06Z"
        ) from error


def _line(text: str) -> Line:
    from pitwall.recordings.recording import Line

    try:
        latitude, longitude, heading = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"--line is {text!r}; give latitude, longitude and heading in degrees: "
            f"0.4994866,-30.4964317,209.9, or {CLOSED_PATH}"
        ) from error
    if not (abs(latitude) <= 90 and abs(longitude) <= 180 and abs(heading) <= 360):
        raise UsageError(
            f"--line is {text!r}; latitude is -90 to 90, longitude -180 to 180, heading 0 to 360"
        )
    return Line(latitude, longitude, heading)
