"""iRacing `.ibt` files: one row of all variables a tick, 60 or 360 times a second.

The package pyirsdk reads such a file value by value and checks no bounds, so only the layout is
taken from it: a head, a head of the disk file, a block for each variable, and the rows.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import LapFileError, listed
from pitwall.recordings.readers.parts import check_content, lap_column, longest, text_of
from pitwall.recordings.recording import Column, Options, Recording

NAME = "iracing-ibt"
SUFFIXES: tuple[str, ...] = (".ibt",)

HEAD = struct.Struct("<iiiiiiiiiiiB3x")
"""Version, status, ticks a second, count, length and offset of the session's text, variables,
offset of their blocks, buffers, bytes a row, tick, buffer."""
ROWS_AT = 52
"""Offset of the offset of the first row."""
DISK_HEAD = struct.Struct("<QddiI")
"""Start in s since 1970, session time at start and end in s, laps, rows."""
DISK_HEAD_AT = 112
FIRST_BYTES = DISK_HEAD_AT + DISK_HEAD.size
BLOCK = struct.Struct("<iiiB3x32s64s32s")
"""Kind of number, offset in the row, numbers, whether they are samples within the tick, name,
description, unit."""
KINDS: dict[int, np.dtype[np.generic]] = {
    1: np.dtype("u1"),
    2: np.dtype("<i4"),
    3: np.dtype("<u4"),
    4: np.dtype("<f4"),
    5: np.dtype("<f8"),
}
CLOCK = "SessionTime"
RATES_HZ = range(1, 10_001)


class Variable(NamedTuple):
    """One column of the rows."""

    name: str
    unit: str
    dtype: np.dtype[np.generic]
    offset: int
    numbers: int
    """So many in each row."""
    within_tick: bool
    """Whether the numbers of a row are samples after each other."""


class Layout(NamedTuple):
    """Where things stand in the file."""

    rate_hz: int
    text: str
    """What the simulator says of the session: YAML of iRacing's own kind."""
    variables: list[Variable]
    left_out: list[str]
    rows_at: int
    row_bytes: int
    rows: int
    start_s: int


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file's head is one of iRacing: its version, rate and offsets fit together."""
    if len(head) < HEAD.size:
        return False
    version, status, rate, _, _, _, variables, blocks_at, buffers, row_bytes, *_ = HEAD.unpack_from(
        head
    )
    return (
        version in (1, 2)
        and status in (0, 1)
        and rate in RATES_HZ
        and 0 < variables < 1 << 16
        and blocks_at == FIRST_BYTES
        and 1 <= buffers <= 4
        and row_bytes > 0
    )


@np.errstate(all="ignore")
def read(path: Path, options: Options) -> Sequence[Recording]:
    """The one recording of an `.ibt` file.

    A row's time is its `SessionTime`, counted from the first row; where that does not always rise
    (a new session begins), rows are a tick apart. Raises `LapFileError` when the head, a
    variable's block or the rows lie outside the file.
    """
    size = path.stat().st_size
    if size < FIRST_BYTES:
        raise LapFileError(
            f"{path}: iRacing file of {size} bytes, its heads alone have {FIRST_BYTES}: the file "
            "is cut off; copy it again"
        )
    check_content(path, recognises, "an iRacing .ibt file")
    raw = np.memmap(path, dtype=np.uint8, mode="r")
    layout = _layout(path, raw)
    doubts = [f"{listed(layout.left_out)}: left out, no single number a tick."]
    if not layout.left_out:
        doubts = []
    times, doubt = _times(raw, layout)
    doubts += [doubt] if doubt else []
    columns = tuple(_columns(raw, layout, times))
    if not columns:
        raise LapFileError(f"{path}: none of its variables is a number; is the file damaged?")
    vehicle, driver = _who(layout.text)
    return [
        Recording(
            path,
            NAME,
            columns,
            longest(columns),
            clock=CLOCK,
            start=datetime.fromtimestamp(layout.start_s, UTC) if layout.start_s else None,
            vehicle=vehicle,
            driver=driver,
            lap_column=lap_column(columns),
            doubts=tuple(doubts),
        )
    ]


def _layout(path: Path, raw: NDArray[np.uint8]) -> Layout:
    head = raw[:FIRST_BYTES].tobytes()
    _, _, rate, _, text_bytes, text_at, count, blocks_at, _, row_bytes, *_ = HEAD.unpack_from(head)
    rows_at = struct.unpack_from("<i", head, ROWS_AT)[0]
    start_s, _, _, _, rows = DISK_HEAD.unpack_from(head, DISK_HEAD_AT)
    blocks_end = blocks_at + count * BLOCK.size
    if not (rate in RATES_HZ and count > 0 and row_bytes > 0 and blocks_at > 0):
        raise LapFileError(
            f"{path}: {count} variables of {row_bytes} bytes, {rate} times a second: the head is "
            "damaged; copy the file again"
        )
    if blocks_end > len(raw) or not 0 < rows_at <= len(raw):
        raise LapFileError(
            f"{path}: variables in bytes {blocks_at} to {blocks_end} and rows from byte {rows_at} "
            f"on, of a file of {len(raw)} bytes: the file is cut off or damaged; copy it again"
        )
    whole_rows = (len(raw) - rows_at) // row_bytes
    if rows > whole_rows:
        raise LapFileError(
            f"{path}: its head tells {rows} rows, the file has {whole_rows}: the file is cut off; "
            "copy it again"
        )
    blocks = raw[blocks_at:blocks_end].tobytes()
    variables, left_out = _variables(path, blocks, row_bytes)
    text = ""
    if text_at > 0 and 0 < text_bytes <= len(raw) - text_at:
        text = raw[text_at : text_at + text_bytes].tobytes().decode("cp1252", errors="replace")
    # A simulator that ended early leaves 0 rows in the head.
    count = rows or whole_rows
    if count < 2:
        raise LapFileError(f"{path}: {count} rows; a recording has at least two")
    in_time = start_s if start_s < 1 << 32 else 0
    return Layout(rate, text, variables, left_out, rows_at, row_bytes, count, in_time)


def _variables(path: Path, blocks: bytes, row_bytes: int) -> tuple[list[Variable], list[str]]:
    """The variables with one number a tick or sample, and the names of the others."""
    variables: list[Variable] = []
    left_out: list[str] = []
    used = 0
    for kind, offset, count, within_tick, name, _, unit in BLOCK.iter_unpack(blocks):
        label = text_of(name) or f"variable {len(variables) + len(left_out) + 1}"
        dtype = KINDS.get(kind)
        if dtype is None or (count != 1 and not within_tick):
            left_out.append(label)
            continue
        end = offset + count * dtype.itemsize
        used += count * dtype.itemsize
        if offset < 0 or count < 1 or end > row_bytes or used > row_bytes:
            raise LapFileError(
                f"{path}: variable {label!r} has {count} numbers in bytes {offset} to {end} of a "
                f"row of {row_bytes}: the file is damaged; copy it again"
            )
        variables.append(Variable(label, text_of(unit), dtype, offset, count, bool(within_tick)))
    return variables, left_out


def _stored(raw: NDArray[np.uint8], layout: Layout, variable: Variable) -> NDArray[np.float64]:
    """The numbers of a variable, shape (rows * numbers,)."""
    rows: NDArray[np.generic] = np.ndarray(
        (layout.rows, variable.numbers),
        variable.dtype,
        raw,
        layout.rows_at + variable.offset,
        (layout.row_bytes, variable.dtype.itemsize),
    )
    values = rows.astype(np.float64).ravel()
    if not np.isfinite(values).all():
        values[~np.isfinite(values)] = np.nan
    return values


def _times(raw: NDArray[np.uint8], layout: Layout) -> tuple[NDArray[np.float64], str]:
    """The rows' times in s, shape (rows,), and what is doubtful about them."""
    steady = np.arange(layout.rows) / layout.rate_hz
    clock = next((v for v in layout.variables if v.name == CLOCK and v.numbers == 1), None)
    if clock is None:
        return steady, f"There is no {CLOCK}: rows are taken as 1/{layout.rate_hz} s apart."
    times = _stored(raw, layout, clock)
    if bool((np.diff(times) > 0).all()):
        return times - times[0], ""
    return steady, f"{CLOCK} does not always rise: rows are taken as 1/{layout.rate_hz} s apart."


def _columns(
    raw: NDArray[np.uint8], layout: Layout, times: NDArray[np.float64]
) -> Iterator[Column]:
    within: dict[int, NDArray[np.float64]] = {1: times}
    for variable in layout.variables:
        if variable.name == CLOCK and variable.numbers == 1:
            continue
        parts = variable.numbers
        if parts not in within:
            steps = np.arange(parts) / (parts * layout.rate_hz)
            within[parts] = (times[:, None] + steps).ravel()
        yield Column(variable.name, variable.unit, within[parts], _stored(raw, layout, variable))


def _who(text: str) -> tuple[str | None, str | None]:
    """Car and name of the driver, from the session's text.

    It is searched and not parsed: iRacing writes names into it unquoted, which is no valid YAML.
    """
    own = re.search(r"^ *DriverCarIdx: *(\d+)", text, re.MULTILINE)
    if own is None:
        return None, None
    entry = re.search(
        rf"^ *- CarIdx: *{own[1]} *$((?:\n(?! *- ).*)*)", text.replace("\r", ""), re.MULTILINE
    )
    facts = dict(
        re.findall(r"^ *(UserName|CarScreenName): *(.*?) *$", entry[1] if entry else "", re.M)
    )
    quoted = {key: value.strip("\"'") or None for key, value in facts.items()}
    return quoted.get("CarScreenName"), quoted.get("UserName")
