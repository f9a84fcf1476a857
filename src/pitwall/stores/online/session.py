"""A connection to Cassandra with the statements that are prepared on it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from pitwall.errors import StoreError
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import Connection
from pitwall.stores.names import cql_name, online_table


class PreparedSession:
    """One connection, of the process that made it.

    `cassandra` is the driver's session, `keyspace` the keyspace of the tables, and `statements`
    keeps whatever was prepared on the connection.
    """

    def __init__(self, options: Connection) -> None:
        settings = Settings()
        self.process = os.getpid()
        self.cassandra: Any = connect(settings, options)
        self.keyspace = options.keyspace or settings.keyspace
        self.statements: dict[Any, Any] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the connection."""
        self.cassandra.cluster.shutdown()

    def table(self, project: str, view: str) -> str:
        """Name of a view's table with its keyspace, as CQL writes it."""
        return f"{self.keyspace}.{cql_name(online_table(project, view))}"

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """The entry of `statements` for `key`, made at the first call."""
        statement = self.statements.get(key)
        if statement is None:
            with self._lock:
                statement = self.statements[key] = make()
        return statement

    def prepare(self, cql: str, view: str, consistency: str) -> Any:
        """Prepare a statement. Raises `StoreError` naming the view when its table is missing."""
        from cassandra import ConsistencyLevel

        try:
            prepared = self.cassandra.prepare(cql)
        except Exception as error:
            raise StoreError(
                f"view {view!r} has no such table in Cassandra ({error}); run `feast apply`"
            ) from error
        prepared.consistency_level = getattr(ConsistencyLevel, consistency)
        return prepared
