"""Retention of the offline store: sessions whose newest row was written too long ago."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

from pitwall.features import load
from pitwall.operations.due import Due, Key, is_over
from pitwall.settings import Settings
from pitwall.stores.offline.columns import SESSION_COLUMNS
from pitwall.stores.offline.compact import drop
from pitwall.stores.offline.files import Place, recorded
from pitwall.stores.offline.scan import Scan


def due(settings: Settings, days: float, now_s: float) -> Iterator[Due]:
    """Sessions of each view whose newest row is older than `days` at `now_s`, s since the epoch."""
    for features in load(settings.feature_repo):
        folder = recorded(settings, features.name)
        for vehicle, session, rows, last_written in _sessions(folder).iter_rows():
            if is_over(last_written, days, now_s):
                yield Due(
                    "offline",
                    f"{features.name}: {vehicle} / {session}",
                    rows,
                    last_written,
                    _deletion(folder, (vehicle, session)),
                )


def _sessions(folder: Place) -> pl.DataFrame:
    """Vehicle, session, number of rows and newest created time, in order of session and vehicle.

    Sessions whose rows have no created time are left out.
    """
    columns = ["vehicle", "session", "created_timestamp"]
    keys = ["vehicle", "session"]
    # Each batch is counted by itself, so that memory holds one batch and the counts.
    counts = [
        pl.DataFrame(pl.from_arrow(batch))
        .group_by(keys)
        .agg(rows=pl.len(), last=pl.col("created_timestamp").max())
        for batch, _ in Scan(folder).batches(columns, "event_timestamp", None, None)
    ]
    if not counts:
        return pl.DataFrame()
    return (
        pl.concat(counts)
        .group_by(keys)
        .agg(pl.col("rows").sum(), pl.col("last").max())
        .drop_nulls("last")
        .sort("session", "vehicle")
    )


def _deletion(folder: Place, key: Key) -> Callable[[], None]:
    def delete() -> None:
        drop(folder, SESSION_COLUMNS, [key])

    return delete
