"""How long each store keeps sessions: what has been kept longer than the settings say.

A session's age counts from when a row of it was last written here (created time), not from when it
was driven: a lap of 2019 that was replayed yesterday is a day old. Kafka deletes by itself, so its
topics are only configured.
"""

from __future__ import annotations

import time

from pitwall.operations import retention_cassandra, retention_offline, retention_topics
from pitwall.operations.due import Due
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import keyspace_of


def due(settings: Settings, now_s: float | None = None) -> list[Due]:
    """Everything over its store's time at `now_s` (s since the epoch; default: now), by store.

    Looks only at stores that have a setting, and deletes nothing. Raises `StoreError` or
    `StackError` when a store does not answer.
    """
    now_s = time.time() if now_s is None else now_s
    overdue: list[Due] = []
    if settings.retention_offline_days is not None:
        overdue += retention_offline.due(settings, settings.retention_offline_days, now_s)
    if settings.retention_online_days is not None or settings.retention_history_days is not None:
        session = connect(settings, keyspace=keyspace_of(settings))
        try:
            overdue += retention_cassandra.due(settings, session, now_s)
        finally:
            session.cluster.shutdown()
    if settings.retention_topics_days is not None:
        overdue += retention_topics.due(settings, settings.retention_topics_days)
    return overdue
