"""Retention of the online store and of the telemetry history, both in Cassandra."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pitwall.operations.due import Due, Key, is_over
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import running
from pitwall.stores.history_sessions import history_sessions
from pitwall.stores.online.sessions import online_rows


def due(settings: Settings, session: Any, now_s: float) -> Iterator[Due]:
    """Sessions over the time of the online store or the history at `now_s`, s since the epoch.

    `session` is a Cassandra session with the keyspace set.
    """
    written: dict[Key, datetime] = {}
    """When a row of the session was last written to the online store."""
    for row in online_rows(settings, session):
        key = (row.vehicle, row.session)
        written[key] = max(row.last_written, written.get(key, row.last_written))
        if is_over(row.last_written, settings.retention_online_days, now_s):
            what = f"{row.view}: {row.vehicle} / {row.session}"
            delete = running(settings, [row.deletion()])
            yield Due("online", what, 1, row.last_written, delete)
    if settings.retention_history_days is None:
        return
    for held in history_sessions(settings, session):
        # Where the online row is gone, the time of driving is the best that is known.
        last_written = written.get((held.vehicle, held.session), held.last_driven)
        if is_over(last_written, settings.retention_history_days, now_s):
            what = f"{held.vehicle} / {held.session}"
            delete = running(settings, held.deletions())
            yield Due("history", what, held.rows, last_written, delete)
