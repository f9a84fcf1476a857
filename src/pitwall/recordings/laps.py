"""Reads recorded laps: Parquet files of the 424, and CSV exports of any vehicle with or without a row of units."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pitwall.car.session import DEFAULT_VEHICLE, SESSION_ID, Session
from pitwall.channels.table import CHANNELS, channel_id, unit_factors
from pitwall.errors import LapFileError

TIME_COLUMNS = ("TIMESTAMP", "TOTALTIME", "TIME")
"""Ids of columns that can be the session's clock, best first."""
INDEX_FILE = "laps.csv"
"""An index of laps that may lie beside them; no lap itself."""
UNDATED = "20000101-000000"
"""Session start of files whose name does not tell it."""


def find(paths: Iterable[Path]) -> list[Path]:
    """The lap files: files as given, folders' `.parquet` and `.csv` files by name.

    Raises `LapFileError` for a path that does not exist and a folder without laps.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                p
                for p in path.iterdir()
                if p.suffix in (".parquet", ".csv") and p.name != INDEX_FILE
            )
            if not inside:
                raise LapFileError(
                    f"{path}: no lap in this folder; expected .parquet or .csv files"
                )
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise LapFileError(f"{path}: no such file or folder")
    return found


def read(path: Path, vehicle: str | None = None) -> Session:
    """One file as a session. Raises `LapFileError` saying what is wrong with it."""
    if path.suffix == ".parquet":
        names, units, values = _read_parquet(path)
    elif path.suffix == ".csv":
        names, units, values = _read_csv(path)
    else:
        raise LapFileError(
            f"{path}: {path.suffix or 'no suffix'} is no lap format; give a .parquet or .csv file"
        )
    clock = _clock(path, names, values)
    known = [
        name
        for name in names
        if channel_id(name) in CHANNELS and channel_id(name) not in TIME_COLUMNS
    ]
    if not known:
        shown = ", ".join(names[:6])
        raise LapFileError(
            f"{path}: none of its columns ({shown}) is a known channel such as Speed or LapDistance"
        )
    times = values[:, clock]
    rises = np.isfinite(times) & (times > np.r_[-np.inf, np.fmax.accumulate(times)[:-1]])
    kept = [i for i, name in enumerate(names) if channel_id(name) != "TIMESTAMP"]
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", path.stem)
    session = stem if SESSION_ID.fullmatch(stem) else f"{UNDATED}-{stem}"
    return Session(
        vehicle or DEFAULT_VEHICLE,
        session if session.count("-") > 1 else f"{session}-replay",
        tuple(_display(names[i]) for i in kept),
        tuple(units[i] for i in kept),
        times[rises],
        values[rises][:, kept],
        int(len(times) - rises.sum()),
    )


def read_all(paths: Iterable[Path], vehicle: str | None = None) -> list[Session]:
    """All laps below `paths`, each read whole before anything is started."""
    return [read(path, vehicle) for path in find(paths)]


@dataclass(frozen=True)
class Lap:
    """One lap, seen from its start. `times_s` (since lap start) and `distance_m` have shape (ticks,); the distance rises strictly."""

    number: int
    """Laps begun in the session, as the features count them."""
    whole: bool
    """Whether its end was seen, too."""
    duration_s: float
    times_s: NDArray[np.float64]
    distance_m: NDArray[np.float64]


def split(session: Session) -> list[Lap]:
    """The session's laps that were seen from their start. A lap ends where its distance falls back by more than half.

    Raises `LapFileError` for a session without a distance.
    """
    channel = CHANNELS["LAPDISTANCE"]
    ids = [channel_id(name) for name in session.names]
    column = next((ids.index(each) for each in (channel.id, *channel.aliases) if each in ids), None)
    if column is None:
        raise LapFileError(
            f"session {session.session} has no channel {channel.name}; its laps cannot be told apart"
        )
    there = np.isfinite(session.values[:, column])
    t = session.times_s[there]
    d = session.values[there, column] * unit_factors(channel).get(
        session.units[column].strip(), 1.0
    )
    found: list[Lap] = []
    begin, number = 0, 1

    def end_at(end: int, time: float, whole: bool) -> None:
        if number > 1 or d[0] < 100:
            rises = d[begin:end] > np.r_[0.0, np.maximum.accumulate(d[begin:end])[:-1]]
            found.append(
                Lap(number, whole, time - start, t[begin:end][rises] - start, d[begin:end][rises])
            )

    if len(d) < 2:
        return found
    start, farthest = float(t[0]), float(d[0])
    for i in range(1, len(d)):
        if d[i] < d[i - 1] - 0.5 * farthest and farthest > 200:
            speed = (d[i - 1] - d[i - 2]) / (t[i - 1] - t[i - 2]) if i - begin > 1 else 0.0
            crossing = float(min(t[i], max(t[i - 1], t[i] - d[i] / speed)) if speed > 0 else t[i])
            end_at(i, crossing, True)
            begin, number, start, farthest = i, number + 1, crossing, float(d[i])
        farthest = max(farthest, float(d[i]))
    end_at(len(d), float(t[-1]), False)
    return found


def _display(name: str) -> str:
    known = CHANNELS.get(channel_id(name))
    return known.name if known else name


def _clock(path: Path, names: list[str], values: NDArray[np.float64]) -> int:
    ids = [channel_id(name) for name in names]
    candidates = [ids.index(column) for column in TIME_COLUMNS if column in ids]
    if not candidates:
        raise LapFileError(f"{path}: no time column; expected one of Timestamp, TotalTime, Time")
    if len(values) < 2:
        raise LapFileError(f"{path}: {len(values)} rows; a lap has at least two")
    for index in candidates:
        if np.all(np.diff(values[:, index]) > 0):
            return index
    for index in candidates:
        if np.isfinite(values[:, index]).any() and np.nanmax(values[:, index]) > np.nanmin(
            values[:, index]
        ):
            return index
    raise LapFileError(f"{path}: time stands still in column {names[candidates[0]]}")


def _read_parquet(path: Path) -> tuple[list[str], list[str], NDArray[np.float64]]:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise LapFileError(
            f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})"
        ) from error
    names = [
        field.name
        for field in table.schema
        if pa.types.is_floating(field.type)
        or pa.types.is_integer(field.type)
        or pa.types.is_boolean(field.type)
    ]
    if not names:
        raise LapFileError(
            f"{path}: no numeric column; columns are {', '.join(table.column_names[:6]) or 'none'}"
        )
    values = np.column_stack(
        [table[name].to_pandas().to_numpy(np.float64, na_value=np.nan) for name in names]
    )
    units = [
        CHANNELS[channel_id(name)].unit if channel_id(name) in CHANNELS else "" for name in names
    ]
    return names, units, values


def _read_csv(path: Path) -> tuple[list[str], list[str], NDArray[np.float64]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    if len(lines) < 2:
        raise LapFileError(f"{path}: {len(lines)} lines; expected a header and rows of numbers")
    names = [name.strip() for name in lines[0].split(",")]
    if not all(names) or len(set(names)) != len(names) or any(_is_number(name) for name in names):
        raise LapFileError(f"{path}: the first line is no header of distinct channel names")
    for number, line in enumerate(lines[1:], start=2):
        if line.count(",") != len(names) - 1:
            raise LapFileError(
                f"{path}: line {number} has {line.count(',') + 1} fields, the header has {len(names)}; is the file truncated?"
            )
    units = [
        CHANNELS[channel_id(name)].unit if channel_id(name) in CHANNELS else "" for name in names
    ]
    first = 1
    cells = [cell.strip() for cell in lines[1].split(",")]
    if any(cell and not _is_number(cell) for cell in cells):
        units = [
            "" if cell.lower() == "n/a" else {"°": "deg", "°/s": "deg/s"}.get(cell, cell)
            for cell in cells
        ]
        first = 2
    else:
        units = [""] * len(names)
    if len(lines) <= first:
        raise LapFileError(f"{path}: no row of numbers")
    try:
        frame = pd.read_csv(
            io.StringIO("\n".join(lines[first:])),
            header=None,
            dtype=np.float64,
            skip_blank_lines=False,
        )
    except ValueError as error:
        raise LapFileError(f"{path}: a cell is no number ({error})") from error
    return names, units, frame.to_numpy()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
        return True
    except ValueError:
        return False
