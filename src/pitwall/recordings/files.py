"""Finds recordings and reads each as a session, by the reader of its format.

A format is a module of this room with a reader, and one line in `READERS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pitwall.car.session import DEFAULT_VEHICLE, SESSION_ID, Session
from pitwall.channels.channel import channel_id
from pitwall.channels.table import CHANNELS
from pitwall.errors import LapFileError
from pitwall.recordings import csv, parquet
from pitwall.recordings.reader import Reader

READERS: dict[str, Reader] = {
    ".parquet": parquet.read_table,
    ".csv": csv.read_table,
}
"""The reader of each format, by the suffix of its files."""
TIME_COLUMNS = ("TIMESTAMP", "TOTALTIME", "TIME")
"""Ids of the columns that can be the session's clock (seconds), the preferred one first."""
INDEX_FILE = "laps.csv"
"""Name of an index of laps that may lie beside them; it is no lap itself."""
UNDATED = "20000101-000000"
"""Start in the session id of a file whose name does not say it."""


def find(paths: Iterable[Path]) -> list[Path]:
    """The recordings of `paths`: files as given, and a folder's files of known formats by name.

    Raises `LapFileError` for a path that does not exist and for a folder without recordings.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                file
                for file in path.iterdir()
                if file.suffix in READERS and file.name != INDEX_FILE
            )
            if not inside:
                raise LapFileError(f"{path}: no lap in this folder; expected {_suffixes()} files")
            files += inside
        elif path.is_file():
            files.append(path)
        else:
            raise LapFileError(f"{path}: no such file or folder")
    return files


def read(path: Path, vehicle: str | None = None) -> Session:
    """One recording as a session of `vehicle` (default: the PERRINN 424).

    Rows whose time does not rise are left out and counted in `skipped`. Raises `LapFileError` when
    the format is unknown, the file is damaged, or it has no time or no known channel.
    """
    reader = READERS.get(path.suffix)
    if reader is None:
        raise LapFileError(
            f"{path}: {path.suffix or 'no suffix'} is no lap format; give a {_suffixes()} file"
        )
    names, units, values = reader(path)
    ids = [channel_id(name) for name in names]
    clock = _clock(path, names, ids, values)
    if not any(id in CHANNELS and id not in TIME_COLUMNS for id in ids):
        shown = ", ".join(names[:6])
        raise LapFileError(
            f"{path}: none of its columns ({shown}) is a known channel such as Speed or LapDistance"
        )
    times = values[:, clock]
    rises = np.isfinite(times) & (times > np.r_[-np.inf, np.fmax.accumulate(times)[:-1]])
    kept = [i for i, id in enumerate(ids) if id != "TIMESTAMP"]
    return Session(
        DEFAULT_VEHICLE if vehicle is None else vehicle,
        _session_id(path),
        tuple(CHANNELS[ids[i]].name if ids[i] in CHANNELS else names[i] for i in kept),
        tuple(units[i] for i in kept),
        times[rises],
        values[rises][:, kept],
        int(len(times) - rises.sum()),
    )


def read_all(paths: Iterable[Path], vehicle: str | None = None) -> list[Session]:
    """All recordings below `paths`.

    Raises `LapFileError` before any session is used, also for two files that would become one
    session because they have the same name.
    """
    sessions: list[Session] = []
    paths_of: dict[str, Path] = {}
    for path in find(paths):
        session = read(path, vehicle)
        if session.session in paths_of:
            raise LapFileError(
                f"{paths_of[session.session]} and {path} would both become session "
                f"{session.session!r}; rename one of them"
            )
        paths_of[session.session] = path
        sessions.append(session)
    return sessions


def _suffixes() -> str:
    return " or ".join(READERS)


def _session_id(path: Path) -> str:
    """The session id that the file's name says, else one made from `UNDATED` and the name."""
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", path.stem)
    session = stem if SESSION_ID.fullmatch(stem) else f"{UNDATED}-{stem}"
    return session if session.count("-") > 1 else f"{session}-replay"


def _clock(path: Path, names: list[str], ids: list[str], values: NDArray[np.float64]) -> int:
    """Index of the session's clock: the first candidate that always rises, else one that moves."""
    candidates = [ids.index(column) for column in TIME_COLUMNS if column in ids]
    if not candidates:
        raise LapFileError(f"{path}: no time column; expected one of Timestamp, TotalTime, Time")
    if len(values) < 2:
        raise LapFileError(f"{path}: {len(values)} rows; a lap has at least two")
    for index in candidates:
        if np.all(np.diff(values[:, index]) > 0):
            return index
    for index in candidates:
        times = values[:, index]
        if np.isfinite(times).any() and np.nanmax(times) > np.nanmin(times):
            return index
    raise LapFileError(f"{path}: time stands still in column {names[candidates[0]]}")
