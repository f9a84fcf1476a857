"""Feature rows of the offline store, read with DuckDB from its Parquet files."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np

from pitwall.errors import StoreError
from pitwall.features import FeatureSet
from pitwall.page.data.rows import Floats
from pitwall.settings import Settings
from pitwall.stores.offline.database import database
from pitwall.stores.offline.files import files, recorded

ROWS = (
    "(SELECT * FROM read_parquet($paths, union_by_name = true, hive_partitioning = false)) AS rows"
)
"""What a query selects from: the rows of one feature view."""
Entity = tuple[str, str]
"""Vehicle and session."""
ATTEMPTS = 4
"""So often a query is tried while files are replaced."""


class OfflineRows:
    """Reads the offline store, from several threads.

    Every method raises `StoreError` when the store cannot be read.
    """

    def __init__(self, settings: Settings, feature_sets: dict[str, FeatureSet]) -> None:
        self._settings = settings
        self._feature_sets = feature_sets
        self._lock = threading.Lock()
        self._entities: dict[str, set[Entity]] = {}
        """The entities of the rows in each file, by path. A file never changes. `_lock` guards it.
        """

    def features(
        self,
        view: str,
        entity: Entity,
        names: Sequence[str],
        since_s: float | None = None,
        until_s: float | None = None,
    ) -> Floats:
        """Session time (s) and the features of one entity, by rising time, shape (rows, 1 + names).

        Both ends are included; None leaves an end open. A null, and a feature that the view does
        not have, is NaN. Of rows with the same event time the one created last counts.
        """
        known_names = self._feature_sets[view].names if view in self._feature_sets else []
        columns = ", ".join(
            f'"{name}"' if name in known_names else "NULL::DOUBLE"
            for name in ("session_time", *names)
        )
        rows = self.query(
            view,
            f"SELECT {columns} FROM {ROWS} WHERE vehicle = $vehicle AND session = $session "
            "AND ($since IS NULL OR session_time >= $since) "
            "AND ($until IS NULL OR session_time <= $until) "
            "QUALIFY row_number() OVER "
            "(PARTITION BY event_timestamp ORDER BY created_timestamp DESC) = 1 "
            "ORDER BY event_timestamp",
            {"vehicle": entity[0], "session": entity[1], "since": since_s, "until": until_s},
            entity,
        )
        return np.array(rows, dtype=float) if rows else np.empty((0, 1 + len(names)))

    def query(
        self, view: str, sql: str, parameters: dict[str, Any], entity: Entity | None = None
    ) -> list[tuple[Any, ...]]:
        """The result of an SQL query over `ROWS`; empty where the view has no file yet.

        With an entity, only the files that hold rows of it are read.
        """
        for attempt in range(ATTEMPTS):
            try:
                return self._query(view, sql, parameters, entity)
            except (duckdb.Error, FileNotFoundError) as failed:
                error: Exception = failed
            # A file may be compacted after it was listed; its rows are then in another file.
            if not isinstance(error, duckdb.IOException | FileNotFoundError):
                break
            time.sleep(0.05 * attempt)
        raise StoreError(
            f"the offline store in {self._settings.offline(view)} cannot be read ({error})"
        ) from error

    def _query(
        self, view: str, sql: str, parameters: dict[str, Any], entity: Entity | None
    ) -> list[tuple[Any, ...]]:
        with database(recorded(self._settings, view)) as connection:
            connection.execute("SET threads = 1")
            paths = self._paths(connection, view, entity)
            if not paths:
                return []
            result = connection.execute(sql, {"paths": paths, **parameters})
            rows: list[tuple[Any, ...]] = result.fetchall()
            return rows

    def _paths(
        self, connection: duckdb.DuckDBPyConnection, view: str, entity: Entity | None
    ) -> list[str]:
        """The finished files of a view, or those of them that hold rows of the entity."""
        paths = files(recorded(self._settings, view))
        if entity is None:
            return paths
        with self._lock:
            if new_paths := [path for path in paths if path not in self._entities]:
                entities = connection.execute(
                    "SELECT DISTINCT filename, vehicle, session "
                    "FROM read_parquet($paths, filename = true, hive_partitioning = false)",
                    {"paths": new_paths},
                )
                # Noted only now, because a file whose reading failed is read again.
                known: dict[str, set[Entity]] = {path: set() for path in new_paths}
                for path, vehicle, session in entities.fetchall():
                    known[path].add((vehicle, session))
                self._entities |= known
        return [path for path in paths if entity in self._entities[path]]
