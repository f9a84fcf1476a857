"""The point-in-time join of entity rows with feature views on Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from pitwall.errors import StoreError
from pitwall.stores.offline.files import Place
from pitwall.stores.offline.scan import Columns, Keys, Scan, cast, keys_of, times
from pitwall.stores.offline.timeline import NO_CREATED, Ints, Known, newest

CHUNK_ROWS = 4_000_000
"""Keys and times of so many feature rows are held at once (about 100 bytes each); more are joined a share of the entities at a time."""


@dataclass(frozen=True)
class Feature:
    """A column to fetch: its name in the files, its name in the result, its type (None: the files' own)."""

    column: str
    name: str
    kind: pa.DataType | None


@dataclass(frozen=True)
class View:
    """A feature view as the join needs it. `given` names the entity rows' column for each key column of the files."""

    name: str
    place: Place
    columns: Columns
    given: dict[str, str]
    features: tuple[Feature, ...]
    ttl_us: int | None
    known: Known


def join(
    entity: pa.Table, time: str, views: Sequence[View], chunk_rows: int = CHUNK_ROWS
) -> pa.Table:
    """`entity` with the features of each view as they stood at the instants in column `time`.

    Every entity row is kept, in order; no row of the view, an expired one or a null key or instant give null.
    """
    at = times(entity[time], time)
    for view in views:
        taken = [feature.name for feature in view.features if feature.name in entity.column_names]
        if taken:
            raise StoreError(
                f"the entity rows already have a column {taken[0]!r}, which is a feature of {view.name!r}; "
                "rename it, or ask with full_feature_names=True"
            )
        for column in _values(entity, at, view, chunk_rows):
            entity = entity.append_column(*column)
    return entity


def _values(
    entity: pa.Table, at: Ints, view: View, chunk_rows: int
) -> list[tuple[pa.Field, pa.ChunkedArray]]:
    columns = {}
    for key, given in view.given.items():
        if given not in entity.column_names:
            raise StoreError(
                f"the entity rows lack the column {given!r}, which view {view.name!r} is joined by"
            )
        column = cast(entity[given], view.columns.keys[key], given)
        columns[key] = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    keys = keys_of(columns) if columns else None
    asked = at != NO_CREATED
    number = keys.numbers([*columns.values()]) if keys else np.zeros(len(at), np.int32)
    use = np.flatnonzero((number >= 0) & asked)
    scan = Scan(view.place)
    found = np.full(len(at), -1, np.int64)
    if len(use) and scan.rows:
        found[use] = _find(scan, view, keys, number[use], at[use], chunk_rows)
    table = scan.gather(found, {feature.column: feature.kind for feature in view.features})
    return [
        (pa.field(feature.name, table.schema.field(feature.column).type), table[feature.column])
        for feature in view.features
    ]


def _find(
    scan: Scan,
    view: View,
    keys: Keys | None,
    number: npt.NDArray[np.int32],
    at: Ints,
    chunk_rows: int,
) -> Ints:
    # A session's own clock needs all of its rows, also those before and after what is asked for.
    whole = view.known == "session"
    low = None if whole or view.ttl_us is None else int(at.min()) - view.ttl_us
    high = None if whole else int(at.max())
    parts = max(1, -(-scan.rows // chunk_rows))
    bounds = np.linspace(0, len(keys.combinations) if keys else 1, parts + 1).astype(int).tolist()
    found = np.full(len(at), -1, np.int64)
    for only in pairwise(bounds):
        mine = np.flatnonzero((number >= only[0]) & (number < only[1]))
        if len(mine):
            rows = scan.narrow(view.columns, keys, low, high, only)
            found[mine] = newest(rows, view.known, number[mine], at[mine], view.ttl_us)
    return found


def latest(
    scan: Scan, columns: Columns, low: int | None, high: int | None, hold: int = CHUNK_ROWS
) -> Ints:
    """Numbers of the newest row (event time, created time, place) of each entity between two instants, rising."""
    best: pl.DataFrame | None = None
    held: list[pl.DataFrame] = []
    order = ["__event", "__created", "__row"]

    def reduce() -> None:
        nonlocal best, held
        together = pl.concat([*([best] if best is not None else []), *held])
        best, held = (
            together.sort(order).unique([*columns.keys] or None, keep="last", maintain_order=True),
            [],
        )
        if not columns.keys:
            best = best.tail(1)

    for table, numbers in scan.batches(columns.names, columns.event, low, high):
        event = times(table[columns.event], columns.event)
        created = (
            times(table[columns.created], columns.created)
            if columns.created
            else np.full(len(event), NO_CREATED)
        )
        frame = table.select([*columns.keys]).append_column("__event", pa.array(event))
        frame = frame.append_column("__created", pa.array(created)).append_column(
            "__row", pa.array(numbers)
        )
        held.append(pl.DataFrame(pl.from_arrow(frame)))
        if sum(len(each) for each in held) > hold:
            reduce()
    if held:
        reduce()
    return np.sort(best["__row"].to_numpy()) if best is not None else np.empty(0, np.int64)
