"""Parquet files: one table, a column a channel, of any writer.

The clock is a column of dates, of durations or of numbers. A column's unit stands in its field's
metadata or in brackets behind its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pitwall.errors import LapFileError, listed
from pitwall.recordings.readers import clock as clocks
from pitwall.recordings.readers.clock import Clock
from pitwall.recordings.readers.parts import (
    beacons_of,
    check_content,
    lap_column,
    name_and_unit,
    told_apart,
)
from pitwall.recordings.recording import Column, Options, Recording

NAME = "parquet"
SUFFIXES: tuple[str, ...] = (".parquet", ".pq")

MARK = b"PAR1"
UNIT_KEYS = {"unit", "units", "uom"}
EXPANDS_TO, ALWAYS_ALLOWED = 100, 512 << 20
"""A file may grow by this factor, or to so many bytes, when it is unpacked."""
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file begins as a Parquet file does."""
    return head.startswith(MARK)


@np.errstate(all="ignore")
def read(path: Path, options: Options) -> Sequence[Recording]:
    """The one recording of a Parquet file.

    Raises `LapFileError` when the file is damaged, when it has no clock and `--rate-hz` is not
    given, when the unit of its clock is not told, and when no column has numbers.
    """
    check_content(path, recognises, "a Parquet file")
    table, other = _table(path)
    facts = _facts(table)
    if facts:
        # An export of this product tells its start and laps itself, and its dates only repeat it.
        table = table.select([i for i, f in enumerate(table.schema) if not _is_moment(f.type)])
    fields = list(table.schema)
    named = [_name_and_unit(field) for field in fields]
    place, clock = _clock(path, table, named, options)
    columns = tuple(
        told_apart(
            Column(name, unit, clock.times_s, _numbers(table.column(i)))
            for i, (name, unit) in enumerate(named)
            if i != place and _is_number(fields[i].type) and not _is_index(fields[i].name)
        )
    )
    if not columns:
        raise LapFileError(
            f"{path}: no column of numbers beside the clock; columns are "
            f"{listed([*table.column_names, *other]) or 'none'}"
        )
    other += [fields[i].name for i in _moments(fields) if i != place]
    return [
        Recording(
            path,
            NAME,
            columns,
            table.num_rows,
            clock=fields[place].name if place is not None else "--rate-hz",
            start=clock.start or _date(facts.get("start", "")),
            zone_told=clock.zone_told,
            vehicle=facts.get("vehicle") or None,
            beacons_s=_beacons(facts),
            lap_column=lap_column(columns),
            doubts=(
                *clock.doubts,
                *([f"{listed(other)}: no numbers, left out."] if other else []),
            ),
        )
    ]


def _table(path: Path) -> tuple[pa.Table, list[str]]:
    """The columns that are numbers or times, and the names of the others."""
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            schema = file.schema_arrow
            wanted = [f.name for f in schema if _is_number(f.type) or _is_moment(f.type)]
            other = [f.name for f in schema if not (_is_number(f.type) or _is_moment(f.type))]
            unpacked = file.metadata.num_rows * 8 * max(1, len(wanted))
            size = path.stat().st_size
            if unpacked > max(EXPANDS_TO * size, ALWAYS_ALLOWED):
                raise LapFileError(
                    f"{path}: {file.metadata.num_rows} rows of {len(wanted)} numbers in a file of "
                    f"{size} bytes; that is more than a recording holds: is the file damaged?"
                )
            distinct = len(set(wanted)) == len(wanted)
            table = file.read(columns=wanted if distinct else None, use_threads=False)
            table.validate(full=True)
            kept = [i for i, f in enumerate(table.schema) if f.name in set(wanted)]
            return table.select(kept), other
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise LapFileError(
            f"{path}: not a readable Parquet file ({reason}); write or copy it again"
        ) from error


def _name_and_unit(field: pa.Field) -> tuple[str, str]:
    name: str = field.name
    for key, value in (field.metadata or {}).items():
        if key.decode(errors="replace").lower() in UNIT_KEYS:
            return name, value.decode(errors="replace").strip()
    return name_and_unit(name)


def _is_number(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_floating(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    )


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_duration(kind) or pa.types.is_time(kind))


def _is_index(name: str) -> bool:
    """Whether pandas or a spreadsheet wrote the column as numbers of rows."""
    return name.startswith("__index_level_") or name in ("", "Unnamed: 0")


def _moments(fields: Sequence[pa.Field]) -> list[int]:
    """Places of the columns of dates, then of durations, then of times of day."""
    tests = (pa.types.is_timestamp, pa.types.is_duration, pa.types.is_time)
    return [i for test in tests for i, field in enumerate(fields) if test(field.type)]


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    values = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    return np.where(np.isinf(values), np.nan, values) if np.isinf(values).any() else values


def _clock(
    path: Path, table: pa.Table, named: Sequence[tuple[str, str]], options: Options
) -> tuple[int | None, Clock]:
    """The clock and the place of its column: the first candidate that always rises, else one that
    moves. Without one, rows are `--rate-hz` apart."""
    if table.num_rows < 2:
        raise LapFileError(f"{path}: {table.num_rows} rows; a recording has at least two")
    candidates = list(_candidates(table, named))
    for strictly in (True, False):
        for place in candidates:
            if _rises(table.column(place), strictly):
                return place, _read_clock(path, table, place, *named[place], options)
    if options.rate_hz is not None:
        return None, Clock(np.arange(table.num_rows) / options.rate_hz)
    if candidates:
        raise LapFileError(
            f"{path}: time stands still in column {named[candidates[0]][0]!r}; give --rate-hz"
        )
    raise LapFileError(
        f"{path}: no clock, such as a column Timestamp or Time, among "
        f"{listed([name for name, _ in named]) or 'no columns'}; give --rate-hz, the rows a second"
    )


def _candidates(table: pa.Table, named: Sequence[tuple[str, str]]) -> Iterator[int]:
    yield from _moments(list(table.schema))
    ranks = [
        (best, i)
        for i, (name, _) in enumerate(named)
        if _is_number(table.schema.field(i).type) and (best := clocks.rank(name)) is not None
    ]
    yield from (i for _, i in sorted(ranks))


def _rises(column: pa.ChunkedArray, strictly: bool) -> bool:
    """Whether all steps go up; if not `strictly`, whether time moves at all."""
    if _is_moment(column.type):
        ticks, missing = _ticks(column)
        if strictly:
            return not missing.any() and bool((np.diff(ticks) > 0).all())
        ticks = ticks[~missing]
        return len(ticks) > 1 and bool(ticks.max() > ticks.min())
    values = _numbers(column)
    if strictly:
        return bool((np.diff(values) > 0).all())
    values = values[np.isfinite(values)]
    return len(values) > 1 and bool(values.max() > values.min())


def _ticks(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The stored whole numbers of dates or durations, and where there are none."""
    width = pa.int32() if pa.types.is_time32(column.type) else pa.int64()
    ticks = column.cast(width).fill_null(0).cast(pa.int64()).to_numpy()
    return ticks, np.asarray(column.is_null().to_numpy(), dtype=bool)


def _read_clock(
    path: Path, table: pa.Table, place: int, name: str, unit: str, options: Options
) -> Clock:
    column = table.column(place)
    if not _is_moment(column.type):
        whole = pa.types.is_integer(column.type)
        return clocks.of_numbers(path, name, unit, _numbers(column), whole, options)
    ticks, missing = _ticks(column)
    scale = PER_SECOND[column.type.unit]
    if pa.types.is_duration(column.type):
        times_s = ticks / scale
        times_s[missing] = np.nan
        return Clock(times_s)
    first = int(ticks[np.argmin(missing)])
    if pa.types.is_timestamp(column.type):
        first = first // max(1, scale // 10**6) * max(1, scale // 10**6)  # whole microseconds
    times_s = (ticks - first) / scale
    times_s[missing] = np.nan
    if pa.types.is_time(column.type):
        doubt = f"{name} is a time of day: the day is not told (--start)."
        return Clock(times_s, doubts=(doubt,))
    try:
        start = clocks.EPOCH + timedelta(seconds=first // scale, microseconds=0)
        start += timedelta(microseconds=(first % scale) * 10**6 // scale)
    except OverflowError as error:
        raise LapFileError(
            f"{path}: column {name!r} begins at {first} {column.type.unit} since 1970, which is "
            "no date; is the file damaged?"
        ) from error
    return Clock(times_s, start, zone_told=column.type.tz is not None)


def _facts(table: pa.Table) -> dict[str, Any]:
    """What an export of this product tells of its session; empty for files of other writers."""
    try:
        facts = json.loads((table.schema.metadata or {}).get(b"pitwall", b""))
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) and "Timestamp" in table.column_names else {}


def _date(written: object) -> datetime | None:
    """A date with its zone."""
    try:
        date = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return date.astimezone(UTC) if date.tzinfo else None


def _beacons(facts: dict[str, Any]) -> tuple[float, ...]:
    try:
        laps = [
            (float(lap["start_s"]), float(lap["end_s"]), bool(lap["whole"]))
            for lap in facts["laps"]
        ]
    except (KeyError, TypeError, ValueError):
        return ()
    return beacons_of(laps)
