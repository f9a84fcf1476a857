"""Adds rows to the Parquet files of a source."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pitwall.errors import StoreError
from pitwall.stores.offline.columns import times
from pitwall.stores.offline.files import Place

DAY_US = 86_400_000_000


def add_rows(target: Place, table: pa.Table, event: str) -> None:
    """Add rows to a source; `event` names the column of event times.

    A source that is one file is written again with the rows at its end. A folder gets a new file
    for each day of event time.
    """
    if target.is_file() or target.path.endswith(".parquet"):
        folder, _, name = target.path.rpartition("/")
        if target.is_file():
            old = pq.read_table(target.path, filesystem=target.system)
            table = pa.concat_tables(
                [old, _with_times_as_in(old.schema, table)], promote_options="permissive"
            )
        Place(target.system, folder).write(name, table)
        return
    days = pa.array(times(table[event], event) // DAY_US)
    for day in pc.unique(days).to_pylist():
        date = datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
        target.write(
            f"event_date={date}/written-{uuid.uuid4().hex}.parquet",
            table.filter(pc.equal(days, day)),
        )


def _with_times_as_in(schema: pa.Schema, table: pa.Table) -> pa.Table:
    """The table with its times in the unit and zone of the schema. A time without one is UTC."""
    for place, field in enumerate(table.schema):
        kind = schema.field(field.name).type if field.name in schema.names else field.type
        if kind == field.type or not all(map(pa.types.is_timestamp, (kind, field.type))):
            continue
        column = table[field.name].cast(pa.timestamp(field.type.unit, "UTC"))
        column = column.cast(pa.timestamp(kind.unit, "UTC"), safe=False).cast(kind)
        table = table.set_column(place, field.name, column)
    return table


def in_types(table: pa.Table, types: dict[str, pa.DataType], view: str) -> pa.Table:
    """The table with these columns in these types.

    A whole number becomes a float and a float without fraction a whole number. Raises `StoreError`
    that names column, row, value and type for anything else, such as text in a column of numbers:
    one such file would make every read of the column fail.
    """
    for name, kind in types.items():
        if name in table.column_names and table.schema.field(name).type != kind:
            place = table.column_names.index(name)
            table = table.set_column(place, name, _in_type(table[name], kind, name, view))
    return table


def _in_type(column: pa.ChunkedArray, kind: pa.DataType, name: str, view: str) -> pa.ChunkedArray:
    row = next((i for i, value in enumerate(column) if value.is_valid), None)
    if row is None:
        return pa.chunked_array([pa.nulls(len(column), kind)])
    if _family(column.type) == _family(kind):
        try:
            # The store's times are whole µs.
            return column.cast(kind, safe=not pa.types.is_timestamp(kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            row = next(i for i in range(len(column)) if not _fits(column.slice(i, 1), kind))
    raise StoreError(
        f"column {name!r} of view {view!r} is {kind}, but row {row} has the {column.type} "
        f"{column[row].as_py()!r}; nothing was written; correct the column and send it again"
    )


def _fits(value: pa.ChunkedArray, kind: pa.DataType) -> bool:
    try:
        value.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def _family(kind: pa.DataType) -> object:
    """Types of one family are the same kind of value in other sizes."""
    if pa.types.is_dictionary(kind):
        return _family(kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return ("list", _family(kind.value_type))
    families: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
        "number": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
        "text": (pa.types.is_string, pa.types.is_large_string),
        "bytes": (pa.types.is_binary, pa.types.is_large_binary),
        "time": (pa.types.is_timestamp, pa.types.is_date),
    }
    return next(
        (name for name, tests in families.items() if any(test(kind) for test in tests)), kind
    )
