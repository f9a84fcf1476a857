"""The newest row of each entity between two instants, as `feast materialize` asks for it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from pitwall.stores.offline.columns import Columns, times
from pitwall.stores.offline.scan import CHUNK_ROWS, Scan
from pitwall.stores.offline.timeline import NO_CREATED, Ints

ORDER = ["__event", "__created", "__row"]


def latest(
    scan: Scan, columns: Columns, low: int | None, high: int | None, hold: int = CHUNK_ROWS
) -> Ints:
    """Row numbers, rising, of each entity's newest row from `low` to `high` (µs, both included).

    The newest is decided by event time, then created time, then position in the files. At most
    about `hold` candidate rows are held at once.
    """
    best: pl.DataFrame | None = None
    candidates: list[pl.DataFrame] = []
    for table, numbers in scan.batches(columns.names, columns.event, low, high):
        event = times(table[columns.event], columns.event)
        created = (
            times(table[columns.created], columns.created)
            if columns.created
            else np.full(len(event), NO_CREATED)
        )
        frame = table.select([*columns.keys])
        for name, values in zip(ORDER, (event, created, numbers), strict=True):
            frame = frame.append_column(name, pa.array(values))
        candidates.append(pl.DataFrame(pl.from_arrow(frame)))
        if sum(len(candidate) for candidate in candidates) > hold:
            best, candidates = _newest_of(best, candidates, [*columns.keys]), []
    if candidates:
        best = _newest_of(best, candidates, [*columns.keys])
    return np.sort(best["__row"].to_numpy()) if best is not None else np.empty(0, np.int64)


def _newest_of(
    best: pl.DataFrame | None, candidates: list[pl.DataFrame], keys: list[str]
) -> pl.DataFrame:
    frames = candidates if best is None else [best, *candidates]
    rows = pl.concat(frames).sort(ORDER)
    return rows.unique(keys, keep="last", maintain_order=True) if keys else rows.tail(1)
