"""Reads one entity's features straight from Cassandra: the same row the Feast SDK would give."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

from pitwall.errors import StoreError
from pitwall.flink.jobs import online_table
from pitwall.settings import Settings
from pitwall.store.connection import connect


class FeatureReader:
    """Keeps a session and prepared statements; connects at the first read."""

    def __init__(self, settings: Settings, view: str = "car_state", project: str = "pitwall") -> None:
        self._settings = settings
        self._table = f'{settings.keyspace}."{online_table(project, view)}"'
        self._session: Any = None
        self._prepared: dict[tuple[str, ...], Any] = {}
        self._lock = threading.Lock()

    def read(self, vehicle: str, session: str, names: tuple[str, ...]) -> tuple[datetime, datetime, list[float | None]] | None:
        """Event time, record time and the values in the order of `names`; None for an unknown entity.

        Raises `StoreError` when Cassandra does not answer.
        """
        with self._lock:
            if self._session is None:
                self._session = connect(self._settings)
            if names not in self._prepared:
                columns = "".join(f', "{name}"' for name in names)
                self._prepared[names] = self._session.prepare(
                    f"SELECT event_timestamp, created_timestamp{columns} FROM {self._table} "
                    'WHERE "vehicle" = ? AND "session" = ?'
                )
        try:
            row = self._session.execute(self._prepared[names], (vehicle, session)).one()
        except Exception as error:
            raise StoreError(f"Cassandra did not answer: {error}") from error
        if row is None or row[0] is None:
            return None
        return row[0].replace(tzinfo=UTC), row[1].replace(tzinfo=UTC), list(row[2:])
