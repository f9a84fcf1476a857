"""Reads one entity's features straight from Cassandra: the same row as the Feast SDK gives.

The SDK costs a multiple of the read itself (docs/performance.md).
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pitwall.errors import StoreError
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import Connection, configured, keyspace_of
from pitwall.stores.cassandra.requests import ask, ask_async
from pitwall.stores.names import cql_name, online_table

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Vector(NamedTuple):
    """One row: event time (exact to the µs), Kafka record time (to the ms), the values asked for.

    A value is None for null.
    """

    event_time: datetime
    created: datetime
    values: list[float | None]


@dataclass
class _Open:
    session: Any
    options: Connection
    table: str
    ttl: timedelta | None
    prepared: dict[tuple[str, ...], Any]


class FeatureReader:
    """Keeps one session of Cassandra and its prepared statements.

    It connects at the first read, to the hosts that `feature_store.yaml` names, and takes the
    view's time to live as `feast apply` last set it before that.
    """

    def __init__(
        self, settings: Settings, view: str = "car_state", project: str = "pitwall"
    ) -> None:
        self.view = view
        self._settings = settings
        self._name = online_table(project, view)
        self._open: _Open | None = None
        self._lock = threading.Lock()

    def read(self, vehicle: str, session: str, names: tuple[str, ...]) -> Vector | None:
        """The newest row; None for an unknown entity or one older than the view's time to live.

        Raises `StoreError` when Cassandra does not answer.
        """
        opened, statement = self._ready(names)
        (rows,) = ask(
            opened.session,
            opened.options,
            [(statement, (vehicle, session))],
            f"reading {opened.table} from Cassandra",
        )
        return self._vector(opened, rows)

    async def read_async(self, vehicle: str, session: str, names: tuple[str, ...]) -> Vector | None:
        """As `read`, without blocking the event loop."""
        ready = self._open is not None and names in self._open.prepared
        opened, statement = (
            self._ready(names) if ready else await asyncio.to_thread(self._ready, names)
        )
        (rows,) = await ask_async(
            opened.session,
            opened.options,
            [(statement, (vehicle, session))],
            f"reading {opened.table} from Cassandra",
        )
        return self._vector(opened, rows)

    def _ready(self, names: tuple[str, ...]) -> tuple[_Open, Any]:
        opened = self._open or self._connect()
        return opened, opened.prepared.get(names) or self._prepare(opened, names)

    def _vector(self, opened: _Open, rows: list[tuple[Any, ...]]) -> Vector | None:
        if not rows or rows[0][0] is None:
            return None
        event_us, created, *values = rows[0]
        event_time = EPOCH + timedelta(microseconds=event_us)
        if opened.ttl is not None and event_time < datetime.now(UTC) - opened.ttl:
            return None
        return Vector(event_time, (created or datetime.min).replace(tzinfo=UTC), values)

    @property
    def ttl(self) -> timedelta | None:
        """The view's time to live; None where it has none, and before the first read."""
        return self._open.ttl if self._open is not None else None

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            if self._open is not None:
                self._open.session.cluster.shutdown()
                self._open = None

    def _connect(self) -> _Open:
        from pitwall.stores.online.comment import stored_comment

        with self._lock:
            if self._open is None:
                options = configured(self._settings)
                keyspace = keyspace_of(self._settings, options)
                session = connect(self._settings, options, role="reader")
                ttl_s = (stored_comment(session, keyspace, self._name) or {}).get("ttl_s")
                ttl = None if ttl_s is None else timedelta(seconds=ttl_s)
                self._open = _Open(session, options, f"{keyspace}.{cql_name(self._name)}", ttl, {})
        return self._open

    def _prepare(self, opened: _Open, names: tuple[str, ...]) -> Any:
        from cassandra import ConsistencyLevel

        columns = "".join(f", {cql_name(name)}" for name in names)
        try:
            prepared = opened.session.prepare(
                f'SELECT WRITETIME("event_timestamp"), created_timestamp{columns} '
                f'FROM {opened.table} WHERE "vehicle" = ? AND "session" = ?'
            )
        except Exception as error:
            raise StoreError(
                f"{opened.table} cannot be read: {error}; "
                "run ./pitwall up, which applies the feature repository"
            ) from error
        prepared.consistency_level = getattr(ConsistencyLevel, opened.options.read_consistency)
        opened.prepared[names] = prepared
        return prepared
