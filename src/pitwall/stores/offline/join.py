"""The point-in-time join of entity rows with feature views on Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pitwall.errors import StoreError
from pitwall.stores.offline.columns import Columns, cast, times
from pitwall.stores.offline.files import Place
from pitwall.stores.offline.keys import Keys, keys_of
from pitwall.stores.offline.scan import CHUNK_ROWS, Scan
from pitwall.stores.offline.timeline import NO_CREATED, Ints, Known, newest


@dataclass(frozen=True)
class Feature:
    """A column to fetch."""

    column: str
    """Name in the files."""
    name: str
    """Name in the result."""
    kind: pa.DataType | None
    """Type in the result; None means the type in the newest file."""


@dataclass(frozen=True)
class View:
    """A feature view as the join needs it."""

    name: str
    place: Place
    columns: Columns
    given: dict[str, str]
    """For each key column of the files, the column of the entity rows that holds its values."""
    features: tuple[Feature, ...]
    ttl_us: int | None
    known: Known
    """The rule that says from when a row counts as known."""


def join(
    entity: pa.Table, time: str, views: Sequence[View], chunk_rows: int = CHUNK_ROWS
) -> pa.Table:
    """`entity` with the features of each view as they were at the instants in the column `time`.

    Every entity row is kept, in order. Features are null where the view has no row for the entity
    at that instant, where the row is older than the TTL, and where a key or the instant is null.
    Keys and times of at most `chunk_rows` feature rows are held at once; larger views are joined
    for a part of the entities at a time.
    """
    instants = times(entity[time], time)
    for view in views:
        taken = [feature.name for feature in view.features if feature.name in entity.column_names]
        if taken:
            raise StoreError(
                f"the entity rows already have a column {taken[0]!r}, which is a feature of "
                f"{view.name!r}; rename it, or ask with full_feature_names=True"
            )
        for field, values in _features(entity, instants, view, chunk_rows):
            entity = entity.append_column(field, values)
    return entity


def _features(
    entity: pa.Table, instants: Ints, view: View, chunk_rows: int
) -> list[tuple[pa.Field, pa.ChunkedArray]]:
    key_columns = {}
    for key, given in view.given.items():
        if given not in entity.column_names:
            raise StoreError(
                f"the entity rows lack the column {given!r}, which view {view.name!r} is joined by"
            )
        column = cast(entity[given], view.columns.keys[key], given)
        key_columns[key] = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    keys = keys_of(key_columns) if key_columns else None
    number = keys.numbers([*key_columns.values()]) if keys else np.zeros(len(instants), np.int32)
    askable = np.flatnonzero((number >= 0) & (instants != NO_CREATED))
    scan = Scan(view.place)
    rows = np.full(len(instants), -1, np.int64)
    if len(askable) and scan.rows:
        rows[askable] = _rows_at(scan, view, keys, number[askable], instants[askable], chunk_rows)
    table = scan.gather(rows, {feature.column: feature.kind for feature in view.features})
    return [
        (pa.field(feature.name, table.schema.field(feature.column).type), table[feature.column])
        for feature in view.features
    ]


def _rows_at(
    scan: Scan,
    view: View,
    keys: Keys | None,
    number: npt.NDArray[np.int32],
    instants: Ints,
    chunk_rows: int,
) -> Ints:
    """The row of the scan that counts for each entity number and instant, or −1."""
    # The session's clock needs all rows of a session, also those outside the instants asked for.
    whole = view.known == "session"
    low = None if whole or view.ttl_us is None else int(instants.min()) - view.ttl_us
    high = None if whole else int(instants.max())
    parts = max(1, -(-scan.rows // chunk_rows))
    bounds = np.linspace(0, len(keys.combinations) if keys else 1, parts + 1).astype(int).tolist()
    result = np.full(len(instants), -1, np.int64)
    for first, end in pairwise(bounds):
        part = np.flatnonzero((number >= first) & (number < end))
        if len(part):
            rows = scan.narrow(view.columns, keys, low, high, (first, end))
            result[part] = newest(rows, view.known, number[part], instants[part], view.ttl_us)
    return result
