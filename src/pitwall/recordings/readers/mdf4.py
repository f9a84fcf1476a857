"""ASAM MDF files (`.mf4`, `.mdf`), by the library asammdf: physical channels, and CAN frames.

A group's channels share the times of its master channel. The signals of CAN frames are named by a
DBC file. The library runs in a child process: it follows links that it reads from the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pitwall.errors import LapFileError, listed
from pitwall.recordings import isolated
from pitwall.recordings.readers.parts import check_content, lap_column, longest, told_apart
from pitwall.recordings.recording import Column, Options, Recording

NAME = "mdf4"
SUFFIXES: tuple[str, ...] = (".mf4", ".mdf", ".mdf4", ".dat")

MARKS = (b"MDF     ", b"UnFinMF ")
"""The first eight bytes of a file, and of one that its logger did not end."""
TIME = 1
"""Kind of a master channel that holds seconds."""
MASTERS = {"3": (1,), "4": (2, 3)}
"""Kinds of channels that hold the times of their group, by the format's version."""
BUS_EVENTS = 0x2
"""Flag of a group that holds frames of a bus."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file begins as MDF of version 3 or 4."""
    return head.startswith(MARKS) and head[8:9] in (b"3", b"4")


def read(path: Path, options: Options) -> Sequence[Recording]:
    """The one recording of an MDF file.

    Raises `LapFileError` when asammdf cannot read it, when it holds CAN frames alone and no DBC
    file is given, and when it has no channel of numbers over time.
    """
    check_content(path, recognises, "an MDF file")
    if options.dbc is not None and not options.dbc.is_file():
        raise LapFileError(f"{options.dbc}: no such file; --dbc names the signals of CAN frames")
    return isolated.read(__name__, path, options)


def load() -> None:
    """Load the library."""
    import asammdf  # noqa: F401


@np.errstate(all="ignore")
def read_here(path: Path, options: Options) -> list[Recording]:
    """As `read`, in this process."""
    from asammdf import MDF

    with MDF(path, raise_on_multiple_occurrences=False) as file:
        frames = [i for i, group in enumerate(file.groups) if _is_of_bus(group)]
        left_out: list[str] = []
        columns = list(_columns(file, set(frames), left_out))
        doubts = []
        if frames and options.dbc is None:
            count = sum(int(file.groups[i].channel_group.cycles_nr) for i in frames)
            doubts.append(
                f"{count} CAN frames are left out: give --dbc, which names their signals."
            )
            if not columns:
                raise LapFileError(
                    f"{path}: holds CAN frames and no physical channels; give --dbc FILE, a DBC "
                    "file that names their signals"
                )
        elif frames:
            with file.extract_bus_logging({"CAN": [(options.dbc, 0)]}) as signals:
                found = list(_columns(signals, set(), left_out))
            if not found:
                doubts.append(f"No CAN frame is named in {options.dbc}.")
            columns += found
        start, zone_told = _start(file.header.start_time)
    if not columns:
        raise LapFileError(
            f"{path}: no channel of numbers over time among its {len(file.groups)} groups"
            + (f"; {doubts[0]}" if doubts else "")
        )
    if left_out:
        doubts.append(f"{listed(left_out)}: no numbers over time, left out.")
    told = tuple(told_apart(columns))
    return [
        Recording(
            path,
            NAME,
            told,
            longest(told),
            clock="each group's master channel",
            start=start,
            zone_told=zone_told,
            lap_column=lap_column(told),
            doubts=tuple(doubts),
        )
    ]


def _is_of_bus(group: Any) -> bool:
    names = {channel.name for channel in group.channels}
    return bool(getattr(group.channel_group, "flags", 0) & BUS_EVENTS and "CAN_DataFrame" in names)


def _columns(file: Any, skipped: set[int], left_out: list[str]) -> Iterator[Column]:
    """The channels of the groups that are not skipped; names of others go to `left_out`."""
    kinds = MASTERS[file.version[0]]
    for index, group in enumerate(file.groups):
        if index in skipped or not group.channel_group.cycles_nr:
            continue
        masters = [c for c in group.channels if c.channel_type in kinds]
        others = [i for i, c in enumerate(group.channels) if c.channel_type not in kinds]
        if not masters or getattr(masters[0], "sync_type", TIME) != TIME:
            left_out += [group.channels[i].name for i in others]
            continue
        times = np.asarray(file.get_master(index), dtype=np.float64)
        source = _source(group)
        signals = file.select(
            [(None, index, place) for place in others],
            ignore_value2text_conversions=True,
            copy_master=False,
        )
        for signal in signals:
            samples = signal.samples
            if samples.ndim != 1 or samples.dtype.kind not in "biuf" or len(samples) != len(times):
                left_out.append(signal.name)
                continue
            values = samples.astype(np.float64)
            if signal.invalidation_bits is not None:
                values[np.asarray(signal.invalidation_bits, dtype=bool)] = np.nan
            values[~np.isfinite(values)] = np.nan
            yield Column(signal.name, signal.unit or "", times, values, source)


def _source(group: Any) -> str:
    """The name of the group's message or device; empty where it has none."""
    head = group.channel_group
    return str(getattr(head, "acq_name", "") or "").strip()


def _start(start: datetime) -> tuple[datetime | None, bool]:
    """The start in UTC, and whether the file tells its zone. A clock that was not set is none."""
    if start.year < 1990:
        return None, False
    if start.tzinfo is None:
        return start.replace(tzinfo=UTC), False
    return start.astimezone(UTC), True
