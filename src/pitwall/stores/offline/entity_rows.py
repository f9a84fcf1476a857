"""The entity rows that a point-in-time join starts from, as an Arrow table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pitwall.errors import StoreError
from pitwall.stores.offline.columns import MICROS, cast, instant, times
from pitwall.stores.offline.entity_sql import rows_of
from pitwall.stores.offline.join import View
from pitwall.stores.offline.scan import Scan


def entity_table(rows: Any, memory_limit: str) -> pa.Table:
    """A pandas, Polars or Arrow table, or the result of SQL that DuckDB runs, as an Arrow table.

    `memory_limit` is DuckDB's, for instance "2GB". Raises `StoreError` for SQL that `rows_of`
    refuses and for any other type.
    """
    if isinstance(rows, str):
        return rows_of(rows, memory_limit)
    if isinstance(rows, pd.DataFrame):
        return pa.Table.from_pandas(rows, preserve_index=False)
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, pl.DataFrame):
        return rows.to_arrow()
    raise StoreError(
        f"entity rows are a {type(rows).__name__}; give a pandas, Polars or Arrow table, or SQL"
    )


def time_column(entity: pa.Table) -> str:
    """The column of instants: `event_timestamp`, or else the only column of timestamps.

    Raises `StoreError` when there are several such columns, or none.
    """
    timestamps = [field.name for field in entity.schema if pa.types.is_timestamp(field.type)]
    if "event_timestamp" in entity.column_names:
        return "event_timestamp"
    if len(timestamps) != 1:
        raise StoreError(
            f"the entity rows have {len(timestamps)} columns of timestamps ({timestamps}); "
            "name the one that counts event_timestamp"
        )
    return str(timestamps[0])


def in_utc(entity: pa.Table, name: str) -> pa.Table:
    """`entity` with the times of the column `name` in µs and UTC; text is parsed as ISO 8601.

    Raises `StoreError` naming the column when a text is not a time.
    """
    column = entity[name]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:
            column = pa.array(pd.to_datetime(column.to_pandas(), utc=True, format="ISO8601"))
        except ValueError as error:
            raise StoreError(
                f"column {name!r} of the entity rows is not a time: {str(error).splitlines()[0]}"
            ) from error
    micros = pa.array(times(column, name)).cast(MICROS)
    micros = pc.if_else(pc.is_valid(column), micros, pa.scalar(None, MICROS))
    return entity.set_column(entity.column_names.index(name), pa.field(name, MICROS), micros)


def all_rows_between(views: Sequence[View], start: datetime, end: datetime) -> pa.Table:
    """Keys and event times of all rows of the views from `start` to `end`, both included.

    Equal rows are given once, sorted by time and keys. Raises `StoreError` when the views have
    different keys.
    """
    if len({tuple(sorted(view.given.values())) for view in views}) != 1:
        raise StoreError(
            "without entity rows all views must have the same keys; "
            "give entity rows to join views that have different keys"
        )
    parts = []
    for view in views:
        event = view.columns.event
        for table, _ in Scan(view.place).batches(
            [*view.columns.keys, event], event, instant(start), instant(end)
        ):
            columns = {
                name: cast(table[key], view.columns.keys[key], key)
                for key, name in view.given.items()
            }
            columns["event_timestamp"] = pa.array(times(table[event], event)).cast(MICROS)
            parts.append(pl.DataFrame(pl.from_arrow(pa.table(columns))).unique())
    if not parts:
        kinds = {name: views[0].columns.keys[key] for key, name in views[0].given.items()}
        return pa.schema([*kinds.items(), ("event_timestamp", MICROS)]).empty_table()
    keys = [*views[0].given.values()]
    return (
        pl.concat([part.select(*keys, "event_timestamp") for part in parts])
        .unique()
        .sort("event_timestamp", *keys)
        .to_arrow()
    )
