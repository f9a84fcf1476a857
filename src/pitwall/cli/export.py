"""The command `export`: a session or a lap for the tools of other makers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pitwall.cli.checks import need_server
from pitwall.cli.terminal import ERR, OUT, AsJson, emit, progress
from pitwall.errors import UsageError
from pitwall.settings import Settings


class FileFormat(StrEnum):
    """The formats; `recordings.writers.files` has a writer for each."""

    CSV = "csv"
    PARQUET = "parquet"
    MOTEC = "motec"
    MCAP = "mcap"
    MDF4 = "mdf4"


class Content(StrEnum):
    """What is exported."""

    ALL = "all"
    CHANNELS = "channels"
    FEATURES = "features"


def export(
    session: Annotated[str, typer.Argument(help="SessionId of a stored session, or a lap file.")],
    lap: Annotated[
        int | None, typer.Argument(help="Number of one lap; default: the whole session.")
    ] = None,
    format: Annotated[FileFormat, typer.Option("--format", help="Format of the file.")] = (
        FileFormat.CSV
    ),
    out: Annotated[
        Path, typer.Option("--out", help="File to write, or a folder; default: this folder.")
    ] = Path(),
    vehicle: Annotated[
        str | None, typer.Option(help="VehicleId; needed where several cars have the session.")
    ] = None,
    content: Annotated[
        Content, typer.Option(help="Raw channels, features, or all of them.")
    ] = Content.ALL,
    as_json: AsJson = False,
) -> None:
    """Write a session or one of its laps as CSV, Parquet, MoTeC, MCAP or MDF4.

    Channels come from the telemetry history in the units in which the car sent them, features from
    the offline store. A lap has two ticks before it and one after it, so that other tools find its
    time.
    """
    from pitwall.operations.session_export import of_file, of_stores
    from pitwall.recordings.writers.files import write

    with progress() as step:
        if Path(session).exists():
            step(f"reading {session}", None)
            gathered = of_file(Path(session), vehicle)
        else:
            from pitwall.features import load

            settings = Settings()
            need_server(settings, "cassandra")
            step(f"reading session {session}", None)
            sets = list(load(settings.feature_repo))
            gathered = of_stores(settings, sets, session, vehicle)
        whole = gathered.export
        chosen = whole if lap is None else whole.lap(lap)
        if content is Content.CHANNELS:
            chosen = chosen.without_features()
        elif content is Content.FEATURES:
            if chosen.features is None:
                raise UsageError(f"session {session!r} has no features; give --content channels")
            chosen = chosen.without_channels()
        step(f"writing {format.value}", None)
        written = write(chosen, format.value, out)
    ticks = len(chosen.joined().times_s)
    notes = [*gathered.notes, *written.notes]
    if as_json:
        emit(
            {
                "files": [str(path) for path in written.paths],
                "session": chosen.session.session,
                "vehicle": chosen.session.vehicle,
                "ticks": ticks,
                "channels": len(chosen.session.names),
                "features": len(chosen.features.names) if chosen.features else 0,
                "laps": [
                    {
                        "number": span.number,
                        "start_s": span.start_s,
                        "duration_s": span.end_s - span.start_s if span.whole else None,
                        "whole": span.whole,
                    }
                    for span in chosen.laps
                ],
                "notes": notes,
            }
        )
        return
    for note in notes:
        ERR.print(f"note: {note}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    for path in written.paths:
        OUT.print(str(path), markup=False, highlight=False, soft_wrap=True)
    laps = sum(span.whole for span in chosen.laps)
    columns = len(chosen.session.names) + (len(chosen.features.names) if chosen.features else 0)
    OUT.print(f"{ticks:,} ticks of {columns} columns, {laps} whole laps")
