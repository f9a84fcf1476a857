"""How the values of features are distributed in the offline store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitwall.errors import StoreError
from pitwall.settings import Settings
from pitwall.stores.offline.database import database
from pitwall.stores.offline.files import files, recorded

Array = NDArray[np.float64]
SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
"""The shares of the values below each of a distribution's percentiles."""
BINS = 20
ROWS = "read_parquet($paths, union_by_name = true, hive_partitioning = false)"
ASKED = "$sessions::VARCHAR[] IS NULL OR list_contains($sessions::VARCHAR[], session)"
KEY = "vehicle, session, event_timestamp"
NEWEST = (
    f" QUALIFY row_number() OVER (PARTITION BY {KEY} ORDER BY created_timestamp DESC NULLS LAST)"
    " = 1"
)
"""Where rows were written again, the newest of each key and event time counts."""


@dataclass(frozen=True)
class Distribution:
    """The values of one feature. NaN and infinite values count as null."""

    rows: int
    null_share: float
    """0 to 1; NaN without rows."""
    percentiles: tuple[float, ...]
    """One for each of `SHARES`, in the feature's unit; empty without values."""
    histogram: tuple[int, ...]
    """Values in `BINS` bins of equal width from the least to the greatest, or half a unit on both
    sides of a value that is alone; empty without values."""


def of_values(values: Array) -> Distribution:
    """The distribution of values of shape (rows,), NaN for null."""
    known = values[np.isfinite(values)]
    null_share = 1 - len(known) / len(values) if len(values) else float("nan")
    if not len(known):
        return Distribution(len(values), null_share, (), ())
    percentiles = np.quantile(known, SHARES).tolist()
    places = np.searchsorted(_edges(percentiles), known, side="left")
    counts = np.bincount(places, minlength=BINS)
    return Distribution(len(values), null_share, tuple(percentiles), tuple(counts.tolist()))


def _edges(percentiles: Sequence[float]) -> Array:
    """The inner borders of a histogram's bins; each belongs to the bin below it."""
    least, greatest = percentiles[0], percentiles[-1]
    if least == greatest:
        least, greatest = least - 0.5, greatest + 0.5
    return np.linspace(least, greatest, BINS + 1)[1:-1]


def distributions(
    settings: Settings, view: str, names: Sequence[str], sessions: Sequence[str] | None = None
) -> dict[str, Distribution]:
    """The distribution of each named feature of a view, over these sessions or over all.

    A feature that no file has a column of is null in all rows. Raises `StoreError` when the store
    cannot be read.
    """
    with _opened(settings, view, sessions) as rows:
        stored = [name for name in names if name in rows.columns]
        shares = ", ".join(map(str, SHARES))
        asked = "".join(
            f", count({_value(name)}), quantile_cont({_value(name)}, [{shares}])" for name in stored
        )
        count, *found = rows.ask(f"count(*){asked}")[0] if rows.columns else (0,)
        known = dict(zip(stored, found[::2], strict=True))
        percentiles = {
            name: tuple(map(float, values))
            for name, values in zip(stored, found[1::2], strict=True)
            if values
        }
        bins = "".join(
            f", histogram({_value(name)}, {_edges(values).tolist()}::DOUBLE[])"
            for name, values in percentiles.items()
        )
        maps = rows.ask(f"count(*){bins}")[0][1:] if percentiles else []
    histograms = {
        name: tuple(int(found.get(edge, 0)) for edge in [*_edges(values).tolist(), np.inf])
        for (name, values), found in zip(percentiles.items(), maps, strict=True)
    }
    return {
        name: Distribution(
            int(count),
            1 - known.get(name, 0) / count if count else float("nan"),
            percentiles.get(name, ()),
            histograms.get(name, ()),
        )
        for name in names
    }


def medians(settings: Settings, view: str, names: Sequence[str]) -> pd.DataFrame:
    """The middle value of each named feature in each session, NaN where it has none.

    The columns are vehicle, session and the names. Raises `StoreError` when the store cannot be
    read.
    """
    with _opened(settings, view, None) as rows:
        columns = "".join(
            f", median({_value(name)})" if name in rows.columns else ", NULL" for name in names
        )
        key = "vehicle, session"
        found = rows.ask(f"{key}{columns}", key) if rows.columns else []
    frame = pd.DataFrame(found, columns=["vehicle", "session", *names])
    return frame.astype(dict.fromkeys(names, float))


def _value(name: str) -> str:
    """A feature's column in SQL, null where it is no finite number."""
    return f'CASE WHEN isfinite("{name}"::DOUBLE) THEN "{name}"::DOUBLE END'


class _Rows:
    """The rows of a view: of some sessions or of all, and the newest where they were rewritten."""

    def __init__(self, connection: Any, paths: list[str], sessions: Sequence[str] | None) -> None:
        self._connection = connection
        self._arguments = {
            "paths": paths,
            "sessions": None if sessions is None else list(sessions),
        }
        self._rows = f"SELECT * FROM {ROWS} WHERE {ASKED}"
        self.columns: set[str] = set()
        """The columns of the files; empty where nothing is recorded."""
        if paths:
            self.columns = {row[0] for row in self._fetch(f"DESCRIBE {self._rows}")}
            [(written, times)] = self.ask(f"count(*), count(DISTINCT ({KEY}))")
            if written > times:
                self._rows += NEWEST

    def ask(self, columns: str, group: str = "") -> list[tuple[Any, ...]]:
        """The answer to a question to these rows, by group where one is named."""
        grouped = f" GROUP BY {group} ORDER BY {group}" if group else ""
        return self._fetch(f"SELECT {columns} FROM ({self._rows}){grouped}")

    def _fetch(self, question: str) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(question, self._arguments)
        return [tuple(row) for row in cursor.fetchall()]


@contextmanager
def _opened(settings: Settings, view: str, sessions: Sequence[str] | None) -> Iterator[_Rows]:
    """The rows of a view while the block runs. Raises `StoreError` when they cannot be read."""
    import duckdb

    where = recorded(settings, view)
    with database(where) as connection:
        try:
            yield _Rows(connection, files(where), sessions)
        except duckdb.Error as error:
            raise StoreError(
                f"the offline store in {settings.offline(view)} cannot be read ({error}); try again"
            ) from error
