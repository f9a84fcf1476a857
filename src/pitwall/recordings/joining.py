"""Joins recordings that are parts of one session, because the user says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import LapFileError
from pitwall.recordings.recording import Column, Options, Recording
from pitwall.recordings.starts import start_of

Floats = NDArray[np.float64]


def joined(parts: Sequence[Recording], options: Options) -> Recording:
    """One recording of several, in the order of their times, on the axis of the first.

    Where each part tells its start, they lie as far apart as their starts. Otherwise all must be
    on one clock. Raises `LapFileError` for parts that overlap, since nothing tells which comes
    first, and for parts of different formats or vehicles.
    """
    for before, part in pairwise(parts):
        if (part.format, part.vehicle) != (before.format, before.vehicle):
            raise LapFileError(
                f"{before.path} ({before.format}, {before.vehicle or 'no vehicle'}) and "
                f"{part.path} ({part.format}, {part.vehicle or 'no vehicle'}) are no parts of one "
                "session; give them one by one"
            )
    starts = [_own_start(part) for part in parts]
    told = [start for start in starts if start is not None]
    if len(told) == len(parts):
        zero = min(told)
        offsets = [(start - zero).total_seconds() for start in told]
    else:
        zero, offsets = None, [0.0] * len(parts)
    order = sorted(range(len(parts)), key=lambda number: offsets[number] + _span(parts[number])[0])
    for one, other in pairwise(order):
        end = offsets[one] + _span(parts[one])[1]
        begin = offsets[other] + _span(parts[other])[0]
        if begin <= end:
            raise LapFileError(
                f"{parts[one].path} ends at {end:.3f} s and {parts[other].path} begins at "
                f"{begin:.3f} s: they overlap, so they are not one session; give them another "
                "--session each"
            )
    ordered = [(parts[number], offsets[number]) for number in order]
    first = ordered[0][0]
    return replace(
        first,
        columns=_columns(ordered),
        rows=sum(part.rows for part in parts),
        start=zero if zero is not None else first.start,
        beacons_s=tuple(at + offset for part, offset in ordered for at in part.beacons_s),
        left_out=_summed([part.left_out for part in parts]),
        doubts=tuple(dict.fromkeys(doubt for part in parts for doubt in part.doubts)),
    )


def _own_start(part: Recording) -> datetime | None:
    return start_of(part, Options()).moment


def _span(part: Recording) -> tuple[float, float]:
    """First and last time of a part."""
    known = [times for times in _axes(part) if np.isfinite(times).any()]
    if not known:
        raise LapFileError(f"{part.path}: no row has a time; nothing to send")
    return (
        min(float(np.nanmin(times)) for times in known),
        max(float(np.nanmax(times)) for times in known),
    )


def _axes(part: Recording) -> list[Floats]:
    return list({id(column.times_s): column.times_s for column in part.columns}.values())


def _columns(parts: Sequence[tuple[Recording, float]]) -> tuple[Column, ...]:
    """The columns of all parts, those of one name, unit and source joined."""
    pieces: dict[tuple[str, str, str], list[tuple[Column, float]]] = {}
    for part, offset in parts:
        for column in part.columns:
            key = (column.name, column.unit, column.source)
            pieces.setdefault(key, []).append((column, offset))
    axes: dict[tuple[int, ...], Floats] = {}
    result = []
    for columns in pieces.values():
        axis = tuple(id(column.times_s) for column, _ in columns)
        if axis not in axes:
            axes[axis] = np.concatenate([column.times_s + offset for column, offset in columns])
        values = np.concatenate([column.values for column, _ in columns])
        result.append(replace(columns[0][0], times_s=axes[axis], values=values))
    return tuple(result)


def _summed(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for reason, rows in count.items():
            total[reason] = total.get(reason, 0) + rows
    return total
