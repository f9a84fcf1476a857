"""Which sessions the telemetry history holds, and the statements that delete one.

As in the online store, a deletion carries the timestamp of the newest row that it deletes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pitwall.settings import Settings
from pitwall.stores.cassandra.options import keyspace_of
from pitwall.stores.names import HISTORY_TABLE, Statement


@dataclass(frozen=True)
class Bucket:
    """One minute of a session, or the list of its minutes."""

    number: int
    rows: int
    timestamp_us: int
    """The newest write timestamp in it, µs."""


@dataclass(frozen=True)
class HistorySession:
    """One session of the history."""

    vehicle: str
    session: str
    buckets: tuple[Bucket, ...]

    @property
    def rows(self) -> int:
        """Number of its rows; each holds about a second of ticks."""
        return sum(bucket.rows for bucket in self.buckets)

    @property
    def last_driven(self) -> datetime:
        """Event time of its newest row, in UTC."""
        newest_us = max(bucket.timestamp_us for bucket in self.buckets)
        return datetime.fromtimestamp(newest_us / 1e6, UTC)

    def deletions(self) -> list[Statement]:
        """The statements that delete its rows, and no later ones."""
        return [
            (
                f"DELETE FROM {HISTORY_TABLE} USING TIMESTAMP {bucket.timestamp_us} "
                "WHERE vehicle = %s AND session = %s AND bucket = %s",
                (self.vehicle, self.session, bucket.number),
            )
            for bucket in self.buckets
        ]


def history_sessions(
    settings: Settings, session: Any, only: str | None = None
) -> Iterator[HistorySession]:
    """The sessions in order of vehicle and name, all of them or those of the name `only`.

    `session` is Cassandra's, with its keyspace set. Nothing is given where there is no history.
    """
    if HISTORY_TABLE not in session.cluster.metadata.keyspaces[keyspace_of(settings)].tables:
        return
    buckets: dict[tuple[str, str], list[Bucket]] = {}
    for vehicle, name, number in session.execute(
        f"SELECT DISTINCT vehicle, session, bucket FROM {HISTORY_TABLE}"
    ):
        if only is not None and name != only:
            continue
        result = session.execute(
            f"SELECT count(*), max(writetime(times_us)) FROM {HISTORY_TABLE} "
            "WHERE vehicle = %s AND session = %s AND bucket = %s",
            (vehicle, name, number),
        )
        rows, timestamp_us = result.one()
        if rows and timestamp_us is not None:
            buckets.setdefault((vehicle, name), []).append(Bucket(number, rows, timestamp_us))
    for (vehicle, name), of_session in sorted(buckets.items()):
        yield HistorySession(vehicle, name, tuple(of_session))
