"""Names and types of the columns in the store's files, and values in the types that are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from pitwall.errors import StoreError
from pitwall.stores.offline.timeline import NO_CREATED, Ints

MICROS = pa.timestamp("us", "UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Columns:
    """The columns of keys and times: the keys' types by name, and the names of the times."""

    keys: dict[str, pa.DataType]
    event: str
    created: str | None

    @property
    def names(self) -> list[str]:
        """The names of all these columns."""
        return [*self.keys, self.event, *([self.created] if self.created else [])]


SESSION_COLUMNS = Columns(
    {"vehicle": pa.string(), "session": pa.string()}, "event_timestamp", "created_timestamp"
)
"""Keys and times of the feature rows that the features job writes."""


def cast(column: Any, kind: pa.DataType, name: str) -> Any:
    """`column` as type `kind`. Raises `StoreError` naming the column where a value does not fit."""
    if column.type == kind:
        return column
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise StoreError(
            f"column {name!r} is {column.type} and cannot be read as {kind}: {error}; "
            "correct the type in the view"
        ) from error


def times(column: Any, name: str) -> Ints:
    """A column of dates or timestamps as µs since the epoch; null becomes `NO_CREATED`.

    Times without a zone are UTC. Raises `StoreError` for a column of another type.
    """
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s"))
    if not pa.types.is_timestamp(column.type):
        raise StoreError(f"column {name!r} is {column.type}, not a timestamp; write it as one")
    micros = column.cast(MICROS, safe=False) if column.type != MICROS else column
    return np.asarray(micros.cast(pa.int64()).fill_null(NO_CREATED).to_numpy(), np.int64)


def instant(value: date | None) -> int | None:
    """A date or datetime as µs since the epoch; one without a zone is UTC."""
    if value is None:
        return None
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return micros_of(value)


def micros_of(value: datetime) -> int:
    """A datetime as µs since the epoch; one without a zone is UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)
