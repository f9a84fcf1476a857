"""Writes small iRacing `.ibt` files, to be read by tests."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

KINDS = {"S1": 0, "?": 1, "<i4": 2, "<u4": 3, "<f4": 4, "<f8": 5}

SESSION_TEXT = """---
WeekendInfo:
 TrackName: nowhere
DriverInfo:
 DriverCarIdx: 2
 Drivers:
 - CarIdx: 0
   UserName: Pace Car
   CarScreenName: Safety Car
 - CarIdx: 2
   UserName: Ann: "the" Driver
   CarScreenName: Formula Vee
 - CarIdx: 22
   UserName: Other
   CarScreenName: Other Car
...
"""


@dataclass
class IbtVariable:
    """One variable. `values` has a row a tick; more than one number a row makes an array."""

    name: str
    unit: str
    values: Sequence[object] | np.ndarray
    dtype: str = "<f4"
    within_tick: bool = False


def write_ibt(
    path: Path,
    variables: Sequence[IbtVariable],
    rate_hz: int = 60,
    start_s: int = 1_709_561_106,
    text: str = SESSION_TEXT,
    rows_told: int | None = None,
) -> Path:
    """Write an `.ibt` file. `rows_told`: rows in the head, if not the rows there are."""
    arrays = [np.asarray(v.values, dtype=v.dtype) for v in variables]
    rows = len(arrays[0])
    counts = [1 if a.ndim == 1 else a.shape[1] for a in arrays]
    offsets = np.cumsum([0] + [c * a.itemsize for c, a in zip(counts, arrays, strict=True)])
    row_bytes = int(offsets[-1])
    raw_text = text.encode("cp1252")
    blocks_at = 144
    text_at = blocks_at + 144 * len(variables)
    rows_at = text_at + len(raw_text)
    head = struct.pack(
        "<12i",
        *(2, 1, rate_hz, 1, len(raw_text), text_at, len(variables), blocks_at),
        *(1, row_bytes, 0, 0),
    )
    head += struct.pack("<iii", 0, rows_at, 0).ljust(64, b"\0")
    told = rows if rows_told is None else rows_told
    head += struct.pack("<QddiI", start_s, 0.0, rows / rate_hz, 0, told)
    blocks = b"".join(
        struct.pack(
            "<iii?3x32s64s32s",
            KINDS[variable.dtype],
            offset,
            count,
            variable.within_tick,
            variable.name.encode(),
            b"",
            variable.unit.encode(),
        )
        for variable, offset, count in zip(variables, offsets, counts, strict=False)
    )
    body = b"".join(b"".join(array[row].tobytes() for array in arrays) for row in range(rows))
    path.write_bytes(head + blocks + raw_text + body)
    return path
