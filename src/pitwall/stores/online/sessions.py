"""Which sessions the online store holds, and the statement that deletes one.

Rows are written with their event time as timestamp. A deletion with the wall clock's time would
hide every later row of the session, so each deletion carries the timestamp of the row it deletes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pitwall.features import load
from pitwall.settings import Settings
from pitwall.stores.cassandra.options import keyspace_of
from pitwall.stores.names import Statement, cql_name, online_table


@dataclass(frozen=True)
class OnlineRow:
    """The newest row of one session in one view."""

    view: str
    vehicle: str
    session: str
    last_written: datetime
    """Its created time, else its event time; in UTC."""
    timestamp_us: int
    """Its write timestamp, µs."""

    def deletion(self) -> Statement:
        """The statement that deletes the row, and no later one."""
        return (
            f"DELETE FROM {cql_name(online_table('pitwall', self.view))} USING TIMESTAMP "
            f"{self.timestamp_us} WHERE vehicle = %s AND session = %s",
            (self.vehicle, self.session),
        )


def online_rows(settings: Settings, session: Any) -> Iterator[OnlineRow]:
    """The rows of all views that have a table. `session` is Cassandra's, with its keyspace set."""
    tables = session.cluster.metadata.keyspaces[keyspace_of(settings)].tables
    for features in load(settings.feature_repo):
        table = online_table("pitwall", features.name)
        if table not in tables:
            continue
        query = (
            "SELECT vehicle, session, event_timestamp, created_timestamp, "
            f"writetime({cql_name(features.names[0])}) FROM {cql_name(table)}"
        )
        for vehicle, name, event, created, timestamp_us in session.execute(query):
            if timestamp_us is None:
                # The column is null; Cassandra gives event times in milliseconds.
                timestamp_us = int(event.replace(tzinfo=UTC).timestamp() * 1_000_000) + 999
            last_written = (created or event).replace(tzinfo=UTC)
            yield OnlineRow(features.name, vehicle, name, last_written, timestamp_us)
