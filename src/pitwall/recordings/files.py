"""Finds recordings and reads each as a session, by the reader of its format.

A format is a module of this room with a reader, and one line in `READERS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pitwall.car.session import Session
from pitwall.channels import names
from pitwall.channels.channel import Channel
from pitwall.channels.table import CHANNELS
from pitwall.errors import LapFileError
from pitwall.recordings import archives
from pitwall.recordings.joining import joined
from pitwall.recordings.others import other
from pitwall.recordings.readers import (
    aim_csv,
    aim_xrk,
    delimited,
    haltech,
    harrys,
    iracing_ibt,
    lmu_duckdb,
    mcap,
    mdf4,
    motec_csv,
    motec_ld,
    parquet,
    racecapture,
    racechrono,
    trackaddict,
    vbo,
)
from pitwall.recordings.recording import Options, Reader, Recording
from pitwall.recordings.sessions import Reading, interpret
from pitwall.settings import Settings

READERS: tuple[Reader, ...] = (
    parquet,
    motec_ld,
    iracing_ibt,
    aim_xrk,
    mdf4,
    mcap,
    lmu_duckdb,
    vbo,
    motec_csv,
    aim_csv,
    racechrono,
    trackaddict,
    racecapture,
    harrys,
    haltech,
    delimited,
)
"""The reader of each format. Of several that know a file the first reads it, so that those which
know any table come last."""
HEAD_BYTES = 1 << 16
"""So much of a file tells its format."""
OF_ANY_TEXT = (".txt", ".log", ".dat", ".asc", ".msl")
"""Suffixes that texts without telemetry have, too: in a folder these are read by content only."""
INDEX_FILE = "laps.csv"
"""Name of an index of laps that may lie beside them; it is no lap itself."""
MOST_FILES = 10_000
"""A folder with more recordings is refused."""


def find(paths: Iterable[Path]) -> list[Path]:
    """The recordings of `paths`: files as given, and those of known suffixes below a folder.

    Raises `LapFileError` for a path that does not exist and for a folder without recordings.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if _is_recording(file, path))
            if not inside:
                raise LapFileError(
                    f"{path}: no lap in this folder; expected {' or '.join(_suffixes())} files"
                )
            if len(inside) > MOST_FILES:
                raise LapFileError(
                    f"{path}: {len(inside):,} recordings, at most {MOST_FILES:,} are read at a "
                    "time; name a smaller folder"
                )
            files += inside
        elif path.is_file():
            files.append(path)
        else:
            raise LapFileError(f"{path}: no such file or folder")
    return files


def read(path: Path, vehicle: str | None = None, options: Options | None = None) -> Session:
    """One recording as a session of `vehicle` (default: that of the file).

    Rows that give nothing are left out and counted in `skipped`. Raises `LapFileError` when no
    reader knows the file, when it is damaged, when it has no time or no known channel, and when it
    holds several drives.
    """
    first, *more = readings([path], _of(options, vehicle))
    if more:
        raise LapFileError(f"{path}: holds {len(more) + 1} drives; one is expected here")
    return first.session


def read_all(
    paths: Iterable[Path], vehicle: str | None = None, options: Options | None = None
) -> list[Session]:
    """All recordings below `paths`. Raises `LapFileError` as `readings` does."""
    return [each.session for each in readings(paths, _of(options, vehicle))]


def readings(
    paths: Iterable[Path],
    options: Options | None = None,
    channels: Mapping[str, Channel] = CHANNELS,
) -> list[Reading]:
    """How each recording below `paths` is read. `channels` are the known channels by id.

    With a session in the options, all recordings are parts of that one session. Raises
    `LapFileError` before any session is used, also for two recordings that would become one
    session because they have the same start and name.
    """
    options = options or Options()
    known_names = names.load(Settings().feature_repo)
    found: Iterable[Recording] = (
        recording for path in find(paths) for recording in recordings(path, options)
    )
    if options.session is not None:
        parts = list(found)
        found = [joined(parts, options)] if len(parts) > 1 else parts
    result: list[Reading] = []
    paths_of: dict[tuple[str, str], Path] = {}
    for recording in found:
        reading = interpret(recording, options, known_names, channels)
        key = (reading.session.vehicle, reading.session.session)
        if key in paths_of:
            raise LapFileError(
                f"{paths_of[key]} and {recording.path} would both become session {key[1]!r}; give "
                "--session NAME if they are parts of one drive, else rename one of them"
            )
        paths_of[key] = recording.path
        result.append(reading)
        del recording  # Its columns need not stay in memory while the next file is read.
    return result


def recordings(path: Path, options: Options) -> Sequence[Recording]:
    """What one file holds, by the reader that knows its content; of an archive, what its files do.

    Raises `LapFileError` when no reader knows it, and whatever its reader raises.
    """
    head = _head(path)
    kind = other(head)
    if kind is None and archives.recognises(path, head):
        return archives.read(path, options, _recordings_below)
    suffix = path.suffix.lower()
    reader = next(_knowing(path, head), None)
    if reader is None:
        if kind is not None:
            raise LapFileError(f"{path}: this is {kind.kind}, which is not read; {kind.remedy}")
        named = next((each for each in READERS if suffix in each.SUFFIXES), None)
        if named is not None:
            return named.read(path, options)
        raise LapFileError(
            f"{path}: {path.suffix or 'no suffix'} is no lap format, and the content is of none "
            f"either; give a {' or '.join(_suffixes())} file"
        )
    return reader.read(path, options)


def _recordings_below(folder: Path, options: Options) -> Sequence[Recording]:
    """The recordings in the folder of an archive. An archive in an archive is left out."""
    files = [file for file in find([folder]) if file.suffix.lower() not in archives.SUFFIXES]
    return [recording for file in files for recording in recordings(file, options)]


def _head(path: Path) -> bytes:
    """The first bytes of a file, which tell its format."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise LapFileError(f"{path}: cannot be read ({error.strerror or error})") from error


def _knowing(path: Path, head: bytes) -> Iterator[Reader]:
    """The readers that know the content of a file. Each is asked once it is its turn."""
    return (reader for reader in READERS if reader.recognises(path, head))


def _of(options: Options | None, vehicle: str | None) -> Options:
    options = options or Options()
    return options if vehicle is None else replace(options, vehicle=vehicle)


def _is_recording(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    suffix = file.suffix.lower()
    known = suffix in _suffixes()
    if hidden or not known or file.name == INDEX_FILE or not file.is_file():
        return False
    return suffix not in OF_ANY_TEXT or any(_knowing(file, _head(file)))


def _suffixes() -> list[str]:
    """Suffixes of files that can be read."""
    of_readers = [suffix for reader in READERS for suffix in reader.SUFFIXES]
    return list(dict.fromkeys([*of_readers, *archives.SUFFIXES]))
