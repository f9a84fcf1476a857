"""AiM `.xrk` files and their packed form `.xrz`, by the library libxrk.

The library walks over the file's bytes by pointers that it reads from it, so it runs in a child
process.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pitwall.errors import LapFileError
from pitwall.recordings import isolated
from pitwall.recordings.readers.parts import check_content, lap_column, longest
from pitwall.recordings.recording import Column, Options, Recording

NAME = "aim-xrk"
SUFFIXES: tuple[str, ...] = (".xrk", ".xrz")

MARK = b"<h"
"""The first bytes of a file, followed by the name of its first message in capitals."""
PACKED_MARKS = (b"\x78\x01", b"\x78\x9c", b"\x78\xda")
LAP = struct.Struct("<xBHI8xI")
"""Content of a lap's message: segment (0 for the whole lap), number, duration and end in ms."""
GPS_BYTES, TRACK_BYTES = 56, 48
CUT = "The file ends within a message: it is cut off, and what came after is missing."
UNPACKED, ALWAYS_UNPACKED = 10, 256 << 20
"""A packed file may grow by this factor, or to so many bytes, when it is unpacked."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file, or what is packed in it, begins with a message of AiM."""
    if head[:2] in PACKED_MARKS:
        try:
            head = zlib.decompressobj().decompress(head, 64)
        except zlib.error:
            return False
    name = head[2:5]
    return head.startswith(MARK) and len(name) == 3 and name.isalnum() and name.isupper()


def read(path: Path, options: Options) -> Sequence[Recording]:
    """The one recording of an AiM file; its beacons are the ends of its laps.

    Raises `LapFileError` when libxrk cannot read the file or finds no channel in it.
    """
    check_content(path, recognises, "an AiM file")
    return isolated.read(__name__, path, options)


def load() -> None:
    """Load the library."""
    import libxrk  # noqa: F401


@np.errstate(all="ignore")
def read_here(path: Path, options: Options) -> list[Recording]:
    """As `read`, in this process."""
    from libxrk import GPS_CHANNEL_NAMES, aim_track_dbg, aim_xrk

    raw = _unpacked(path)
    whole = raw.rstrip(b"\0")[-1:] in (b")", b">")
    has_position = b"<hGPS" in raw
    if not has_position:
        # libxrk 0.5 fails on a file without positions: it gets two, which are dropped below.
        raw += _message(b"GPS ", bytes(GPS_BYTES)) * 2
    if b"<hTRK" not in raw:
        raw += _message(b"TRK ", bytes(TRACK_BYTES))  # It also fails without a track.
    log = aim_xrk(raw)
    dropped = () if has_position else GPS_CHANNEL_NAMES
    columns = tuple(_columns(log.channels, dropped))
    if not columns:
        raise LapFileError(
            f"{path}: no channel with samples in this AiM file; is it cut off? Copy it from the "
            "logger again"
        )
    laps = [LAP.unpack(message.content) for message in aim_track_dbg(raw).get("LAP", [])]
    start, day_only, doubts = _start(log.metadata, options)
    return [
        Recording(
            path,
            NAME,
            columns,
            longest(columns),
            clock="timecodes in ms",
            start=start,
            zone_told=False,
            day_only=day_only,
            vehicle=log.metadata.get("Vehicle") or None,
            driver=log.metadata.get("Driver") or None,
            beacons_s=_beacons(laps, log.laps if has_position else None),
            lap_column=lap_column(columns),
            doubts=doubts if whole else (*doubts, CUT),
        )
    ]


def _unpacked(path: Path) -> bytes:
    raw = path.read_bytes()
    if raw[:2] not in PACKED_MARKS:
        return raw
    most = max(UNPACKED * len(raw), ALWAYS_UNPACKED)
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(raw, most)
    except zlib.error as error:
        raise LapFileError(f"{path}: damaged .xrz file ({error}); copy it again") from error
    if unpacker.unconsumed_tail:
        raise LapFileError(f"{path}: unpacks to more than {most} bytes; is the file damaged?")
    if not unpacker.eof:
        raise LapFileError(f"{path}: the packed .xrz file is cut off; copy it again")
    return unpacked


def _message(name: bytes, content: bytes) -> bytes:
    """One message of the format. Its content sums up to 0."""
    return (
        b"<h"
        + name
        + struct.pack("<iB", len(content), 1)
        + b">"
        + content
        + (b"<" + name + struct.pack("<H", 0) + b">")
    )


def _columns(channels: dict[str, Any], dropped: Sequence[str]) -> Iterator[Column]:
    for name, table in channels.items():
        values = table.column(1).to_numpy().astype(np.float64)
        if len(values) == 0 or name in dropped:
            continue
        unit = (table.schema.field(1).metadata or {}).get(b"units", b"").decode(errors="replace")
        values[~np.isfinite(values)] = np.nan
        yield Column(name, unit, table.column(0).to_numpy() / 1000, values)


def _beacons(laps: Sequence[tuple[int, int, int, int]], by_position: Any) -> tuple[float, ...]:
    """The ends of the laps that the logger timed; else where the library finds the line passed.

    Like all times of the library, they are counted from the start of the first lap.
    """
    if laps:
        _, _, duration, end = laps[0]
        return tuple(
            sorted({(e - end + duration) / 1000 for segment, _, _, e in laps if not segment})
        )
    if by_position is None:
        return ()
    return tuple(sorted(set(by_position.column("start_time").to_numpy()[1:] / 1000)))


def _start(
    metadata: dict[str, Any], options: Options
) -> tuple[datetime | None, bool, tuple[str, ...]]:
    """The start, whether only its day is told, and what is doubtful about it."""
    day, time = metadata.get("Log Date", ""), metadata.get("Log Time", "")
    day_first = options.day_first is not False
    orders = ["%d/%m/%Y", "%m/%d/%Y"] if day_first else ["%m/%d/%Y", "%d/%m/%Y"]
    dates = []
    for order in (*orders, "%Y-%m-%d"):
        try:
            dates.append(datetime.strptime(day, order).replace(tzinfo=UTC))
        except ValueError:
            continue
    if not dates:
        return None, False, ()
    unsure = len(set(dates)) > 1 and options.day_first is None
    doubt = f"Log Date {day}: the day is taken to stand first (--day-first, --month-first)."
    for pattern in ("%H:%M:%S", "%H:%M"):
        try:
            clock = datetime.strptime(time, pattern)
        except ValueError:
            continue
        start = dates[0].replace(hour=clock.hour, minute=clock.minute, second=clock.second)
        return start, False, (doubt,) if unsure else ()
    return dates[0], True, (doubt,) if unsure else ()
