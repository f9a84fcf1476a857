"""Which sessions a folder of the offline store holds, with rows and bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pitwall.stores.offline.files import Place
from pitwall.stores.offline.scan import Scan

KEYS = ["vehicle", "session"]


@dataclass(frozen=True)
class OfflineSession:
    """One session in one folder."""

    vehicle: str
    session: str
    rows: int
    size: int
    """Bytes of its rows in their files: their share of their row groups, compressed."""
    last_written: datetime | None
    """The newest created time; None where no row has one."""


def offline_sessions(folder: Place) -> Iterator[OfflineSession]:
    """The sessions, in order of session and vehicle. Nothing is given for an empty folder."""
    scan = Scan(folder)
    # Each batch is counted by itself, so that memory holds one batch and the counts.
    counts = [
        pl.DataFrame(pl.from_arrow(batch))
        .with_columns(size=pl.Series(scan.bytes_of(numbers), dtype=pl.Float64))
        .group_by(KEYS)
        .agg(
            rows=pl.len(),
            size=pl.col("size").sum(),
            last=pl.col("created_timestamp").max().cast(pl.Datetime("us", "UTC")),
        )
        for batch, numbers in scan.batches(
            [*KEYS, "created_timestamp"], "event_timestamp", None, None
        )
    ]
    if not counts:
        return
    sums = (
        pl.concat(counts)
        .group_by(KEYS)
        .agg(pl.col("rows").sum(), pl.col("size").sum(), pl.col("last").max())
        .drop_nulls(KEYS)
        .sort("session", "vehicle")
    )
    for vehicle, session, rows, size, last in sums.iter_rows():
        yield OfflineSession(vehicle, session, rows, round(size), last)
