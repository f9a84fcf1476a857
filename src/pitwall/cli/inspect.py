"""The command `inspect`: how a recording will be read, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from rich.markup import escape

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
    known_channels,
    lap_time,
    options_of,
)
from pitwall.cli.terminal import ERR, OUT, AsJson, emit, table
from pitwall.errors import UsageError

if TYPE_CHECKING:
    from pitwall.recordings.sessions import Reading

PLOT_WIDTH, PLOT_ROWS = 72, 5
BLOCKS = " ▁▂▃▄▅▆▇█"


def inspect(
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
    """Show how recordings will be read, before anything is sent.

    It shows format, start, vehicle, rate, each channel with its unit, laps, and what is doubtful.
    With --json it prints one object for each recording, each on a line of its own.
    """
    from pitwall.car.acceptance import check
    from pitwall.recordings.files import find, readings

    options = options_of(
        start, vehicle, session, rate_hz, time_unit, day_first, lap_length, line, resample, dbc
    )
    channels = known_channels()
    failed = False

    def refuse(path: Path, error: UsageError) -> None:
        nonlocal failed
        failed = True
        text = str(error) if str(path) in str(error) else f"{path}: {error}"
        if as_json:
            emit(refusal(path, text))
        else:
            ERR.print(f"pitwall: {text}", style="red", markup=False, soft_wrap=True)

    files: list[Path] = []
    for path in paths:
        try:
            files += find([path])
        except UsageError as error:
            refuse(path, error)
    parts = [files] if session is not None and files else [[file] for file in files]
    for part in parts:
        try:
            found = readings(part, options, channels)
            check([reading.session for reading in found])
        except UsageError as error:
            refuse(part[0], error)
            continue
        for reading in found:
            emit(report(reading)) if as_json else _show(reading)
    if failed:
        raise typer.Exit(1)


def report(reading: Reading) -> dict[str, Any]:
    """What `--json` says of one recording."""
    recording, start = reading.recording, reading.start
    return {
        "file": str(recording.path),
        "format": recording.format,
        "encoding": recording.encoding,
        "session": reading.session.session,
        "start": _iso(start),
        "start_source": reading.start_source,
        "vehicle": reading.session.vehicle,
        "rate_hz": reading.rate_hz,
        "rows": recording.rows,
        "ticks": len(reading.session.times_s),
        "left_out": reading.left_out,
        "channels": [
            {
                "source": channel.source,
                "unit": channel.unit,
                "channel": channel.channel,
                "canonical_unit": channel.canonical_unit,
                "factor": channel.factor,
                "rate_hz": channel.rate_hz,
                "note": channel.note,
            }
            for channel in reading.channels
        ],
        "laps": [
            {
                "number": int(lap.number),
                "start_s": float(lap.start_s),
                "duration_s": float(lap.duration_s),
                "whole": bool(lap.whole),
                "told_by": lap.told_by,
            }
            for lap in reading.laps
        ],
        "doubts": list(reading.doubts),
        "error": None,
    }


def refusal(file: Path, error: str) -> dict[str, Any]:
    """What `--json` says of a file that is refused: the same keys, and the error."""
    empty: dict[str, Any] = dict.fromkeys(
        ("format", "encoding", "session", "start", "start_source", "vehicle", "rate_hz")
    )
    counts = {"rows": 0, "ticks": 0, "left_out": {}, "channels": [], "laps": [], "doubts": []}
    return {"file": str(file), **empty, **counts, "error": error}


def plot(times_s: Sequence[float], values: Sequence[float], unit: str) -> list[str]:
    """Lines of text that draw the values over time, the highest value in the first one.

    A column of the plot is the mean of the samples that fall into it. Empty without two samples.
    """
    times, numbers = np.asarray(times_s), np.asarray(values)
    known = np.isfinite(numbers)
    times, numbers = times[known], numbers[known]
    if len(times) < 2 or not times[-1] > times[0]:
        return []
    place = ((times - times[0]) / (times[-1] - times[0]) * (PLOT_WIDTH - 1)).astype(int)
    counts = np.bincount(place, minlength=PLOT_WIDTH)
    sums = np.bincount(place, weights=numbers, minlength=PLOT_WIDTH)
    means = np.divide(sums, counts, out=np.full(PLOT_WIDTH, np.nan), where=counts > 0)
    low, high = min(0.0, float(np.nanmin(means))), float(np.nanmax(means))
    if not high > low:
        return []
    heights = np.nan_to_num((means - low) / (high - low)) * PLOT_ROWS * (len(BLOCKS) - 1)
    lines = []
    for row in reversed(range(PLOT_ROWS)):
        steps = np.clip(np.rint(heights) - row * (len(BLOCKS) - 1), 0, len(BLOCKS) - 1)
        label = f"{high:,.0f} {unit}" if row == PLOT_ROWS - 1 else f"{low:,.0f}" if row == 0 else ""
        lines.append("".join(BLOCKS[int(step)] for step in steps) + f" {label}".rstrip())
    return lines


def _show(reading: Reading) -> None:
    recording, session = reading.recording, reading.session
    OUT.print(f"\n[bold]{recording.path}[/bold]", soft_wrap=True, highlight=False)
    facts = {
        "format": recording.format + (f", {recording.encoding}" if recording.encoding else ""),
        "session": session.session,
        "start": f"{_iso(reading.start)} (by the {reading.start_source})"
        if reading.start is not None
        else "not told",
        "vehicle": session.vehicle + (f", driver {recording.driver}" if recording.driver else ""),
        "rows": f"{recording.rows:,}, {len(session.times_s):,} ticks, {reading.rate_hz:g} Hz",
        "left out": ", ".join(f"{n:,} {reason}" for reason, n in reading.left_out.items())
        or "nothing",
    }
    for name, text in facts.items():
        OUT.print(f"{name:<9} {text}", markup=False, highlight=False, soft_wrap=True)
    channels = table("Column", "Unit", "Channel", "Factor", "Rate", "")
    for channel in reading.channels:
        known = channel.canonical_unit is not None
        factor = "" if channel.factor is None else f"{channel.factor:.6g}"
        factor += f" {channel.offset:+.6g}" if channel.offset else ""
        channels.add_row(
            escape(channel.source),
            escape(channel.unit),
            f"{channel.channel} {channel.canonical_unit}".strip() if known else "–",
            factor,
            f"{channel.rate_hz:g} Hz",
            escape(channel.note),
        )
    OUT.print()
    OUT.print(channels)
    if reading.laps:
        laps = table("Lap", "Start", "Time", "Told by", "")
        for lap in reading.laps:
            told = "whole" if lap.whole else {"out": "out-lap", "in": "in-lap"}.get(lap.kind)
            laps.add_row(
                str(lap.number),
                f"{lap.start_s:.3f} s",
                lap_time(lap.duration_s),
                lap.told_by,
                told or "not whole",
            )
        OUT.print()
        OUT.print(laps)
    if "Speed" in session.names:
        unit = session.units[session.names.index("Speed")]
        for text in ("", *plot(session.times_s.tolist(), session.channel("Speed").tolist(), unit)):
            OUT.print(text, markup=False, highlight=False, soft_wrap=True)
    for doubt in reading.doubts:
        OUT.print(f"? {doubt}", style="yellow", markup=False, highlight=False, soft_wrap=True)


def _iso(start: datetime | None) -> str | None:
    if start is None:
        return None
    return start.isoformat(timespec="milliseconds").replace("+00:00", "Z")
