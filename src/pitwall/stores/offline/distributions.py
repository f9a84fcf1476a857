"""How the values of features are distributed in the offline store."""

from __future__ import annotations

from collections.abc import Sequence
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
    present = _present(settings, view)
    stored = [name for name in names if name in present]
    shares = ", ".join(map(str, SHARES))
    asked = "".join(
        f", count({_value(name)}), quantile_cont({_value(name)}, [{shares}])" for name in stored
    )
    rows, *found = _ask(settings, view, f"count(*){asked}", sessions)[0] if present else (0,)
    counts = dict(zip(stored, found[::2], strict=True))
    percentiles = {
        name: tuple(map(float, values))
        for name, values in zip(stored, found[1::2], strict=True)
        if values
    }
    bins = "".join(
        f", histogram({_value(name)}, {_edges(values).tolist()}::DOUBLE[])"
        for name, values in percentiles.items()
    )
    maps = _ask(settings, view, f"count(*){bins}", sessions)[0][1:] if percentiles else []
    histograms = {
        name: tuple(int(found.get(edge, 0)) for edge in [*_edges(values).tolist(), np.inf])
        for (name, values), found in zip(percentiles.items(), maps, strict=True)
    }
    return {
        name: Distribution(
            int(rows),
            1 - counts.get(name, 0) / rows if rows else float("nan"),
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
    present = _present(settings, view)
    columns = "".join(
        f", median({_value(name)})" if name in present else ", NULL" for name in names
    )
    found = (
        _ask(settings, view, f"vehicle, session{columns}", None, "vehicle, session")
        if present
        else []
    )
    frame = pd.DataFrame(found, columns=["vehicle", "session", *names])
    return frame.astype(dict.fromkeys(names, float))


def _value(name: str) -> str:
    """A feature's column in SQL, null where it is no finite number."""
    return f'CASE WHEN isfinite("{name}"::DOUBLE) THEN "{name}"::DOUBLE END'


def _present(settings: Settings, view: str) -> set[str]:
    """The columns of the view's files; empty where nothing is recorded."""
    if not files(recorded(settings, view)):
        return set()
    return {str(row[0]) for row in _ask(settings, view, "*", None, describe=True)}


def _ask(
    settings: Settings,
    view: str,
    columns: str,
    sessions: Sequence[str] | None,
    group: str = "",
    *,
    describe: bool = False,
) -> list[tuple[Any, ...]]:
    """The rows of a question to the view's files."""
    import duckdb

    where = recorded(settings, view)
    grouped = f" GROUP BY {group} ORDER BY {group}" if group else ""
    rows = f"SELECT * FROM {ROWS} WHERE {ASKED}"
    arguments = {"paths": files(where), "sessions": None if sessions is None else list(sessions)}
    with database(where) as connection:
        try:
            if describe:
                return [
                    tuple(row)
                    for row in connection.execute(f"DESCRIBE {rows}", arguments).fetchall()
                ]
            written, times = connection.execute(
                f"SELECT count(*), count(DISTINCT ({KEY})) FROM ({rows})", arguments
            ).fetchone()
            if written > times:
                rows += NEWEST
            cursor = connection.execute(f"SELECT {columns} FROM ({rows}){grouped}", arguments)
            return [tuple(row) for row in cursor.fetchall()]
        except duckdb.Error as error:
            raise StoreError(
                f"the offline store in {settings.offline(view)} cannot be read ({error}); try again"
            ) from error
