"""Retention of the online store and of the telemetry history, both in Cassandra.

Rows are written with their event time as timestamp. A deletion with the wall clock's time would
hide every later row of the session, so each deletion carries the timestamp of the row it deletes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from pitwall.features import load
from pitwall.operations.due import Due, Key, is_over
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import keyspace_of
from pitwall.stores.names import cql_name, online_table

HISTORY = "telemetry_history"
Statement = tuple[str, tuple[Any, ...]]
"""CQL with `%s` for values, and the values."""


def due(settings: Settings, session: Any, now_s: float) -> Iterator[Due]:
    """Sessions over the time of the online store or the history at `now_s`, s since the epoch.

    `session` is a Cassandra session with the keyspace set.
    """
    written: dict[Key, datetime] = {}
    """When a row of the session was last written to the online store."""
    tables = session.cluster.metadata.keyspaces[keyspace_of(settings)].tables
    for features in load(settings.feature_repo):
        table = online_table("pitwall", features.name)
        if table in tables:
            yield from _online(
                settings, session, features.name, table, features.names[0], now_s, written
            )
    if settings.retention_history_days is not None and HISTORY in tables:
        yield from _history(settings, session, now_s, written)


def _online(
    settings: Settings,
    session: Any,
    view: str,
    table: str,
    column: str,
    now_s: float,
    written: dict[Key, datetime],
) -> Iterator[Due]:
    """Rows of one view; fills `written`. `column` is any column that every row has."""
    query = (
        "SELECT vehicle, session, event_timestamp, created_timestamp, "
        f"writetime({cql_name(column)}) FROM {cql_name(table)}"
    )
    for vehicle, name, event, created, timestamp_us in session.execute(query):
        key = (vehicle, name)
        last_written = (created or event).replace(tzinfo=UTC)
        written[key] = max(last_written, written.get(key, last_written))
        if is_over(last_written, settings.retention_online_days, now_s):
            if timestamp_us is None:
                # The column is null; Cassandra gives event times in milliseconds.
                timestamp_us = int(event.replace(tzinfo=UTC).timestamp() * 1_000_000) + 999
            statement = (
                f"DELETE FROM {cql_name(table)} USING TIMESTAMP {timestamp_us} "
                "WHERE vehicle = %s AND session = %s"
            )
            delete = _deletion(settings, [(statement, key)])
            yield Due("online", f"{view}: {vehicle} / {name}", 1, last_written, delete)


def _history(
    settings: Settings, session: Any, now_s: float, written: dict[Key, datetime]
) -> Iterator[Due]:
    """Sessions of the telemetry history, each in buckets of a minute."""
    buckets: dict[Key, list[tuple[int, int, int]]] = {}
    """Bucket, number of rows and newest timestamp (µs), by session."""
    for vehicle, name, bucket in session.execute(
        f"SELECT DISTINCT vehicle, session, bucket FROM {HISTORY}"
    ):
        result = session.execute(
            f"SELECT count(*), max(writetime(times_us)) FROM {HISTORY} "
            "WHERE vehicle = %s AND session = %s AND bucket = %s",
            (vehicle, name, bucket),
        )
        rows, timestamp_us = result.one()
        if rows and timestamp_us is not None:
            buckets.setdefault((vehicle, name), []).append((bucket, rows, timestamp_us))
    for (vehicle, name), of_session in sorted(buckets.items()):
        # Where the online row is gone, the time of driving is the best that is known.
        newest_us = max(timestamp_us for _, _, timestamp_us in of_session)
        driven = datetime.fromtimestamp(newest_us / 1e6, UTC)
        last_written = written.get((vehicle, name), driven)
        if is_over(last_written, settings.retention_history_days, now_s):
            statements: list[Statement] = [
                (
                    f"DELETE FROM {HISTORY} USING TIMESTAMP {timestamp_us} "
                    "WHERE vehicle = %s AND session = %s AND bucket = %s",
                    (vehicle, name, bucket),
                )
                for bucket, _, timestamp_us in of_session
            ]
            total = sum(rows for _, rows, _ in of_session)
            delete = _deletion(settings, statements)
            yield Due("history", f"{vehicle} / {name}", total, last_written, delete)


def _deletion(settings: Settings, statements: list[Statement]) -> Callable[[], None]:
    def delete() -> None:
        session = connect(settings, keyspace=keyspace_of(settings))
        try:
            for statement, values in statements:
                session.execute(statement, values)
        finally:
            session.cluster.shutdown()

    return delete
