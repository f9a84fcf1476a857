"""Feast online store on Cassandra: one typed row an entity, written with the event time as write timestamp.

A late row never replaces a newer one, and a reader never sees two ticks mixed (`docs/adr/0003`). Rows of equal event
time are the same row: where they differ, Cassandra keeps the greater value of each cell.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from feast import Entity, FeatureView, RepoConfig
from feast.infra.infra_object import InfraObject
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.core.Registry_pb2 import Registry as RegistryProto
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto
from feast.repo_config import FeastConfigBaseModel

from pitwall.errors import StoreError
from pitwall.flink.jobs import online_table
from pitwall.settings import Settings
from pitwall.store.connection import connect
from pitwall.store.types import cql_type, from_proto, to_proto

META = ("event_timestamp", "created_timestamp")


class CassandraOnlineStoreConfig(FeastConfigBaseModel):
    """Where Cassandra is. What is not given comes from the `PITWALL_` settings."""

    type: Literal["pitwall.store.online.CassandraOnlineStore"] = "pitwall.store.online.CassandraOnlineStore"
    host: str | None = None
    port: int | None = None
    keyspace: str | None = None
    username: str | None = None


class CassandraOnlineStore(OnlineStore):
    """See the module."""

    def __init__(self) -> None:
        self._session: Any = None
        self._prepared: dict[str, Any] = {}
        self._lock = threading.Lock()

    def _connect(self, config: RepoConfig) -> tuple[Any, str]:
        options = config.online_store
        given = {
            "host": options.host,
            "cassandra_port": options.port,
            "keyspace": options.keyspace,
            "cassandra_user": options.username,
        }
        settings = Settings(**{key: value for key, value in given.items() if value is not None})
        with self._lock:
            if self._session is None:
                self._session = connect(settings)
            return self._session, settings.keyspace

    def _prepare(self, session: Any, statement: str) -> Any:
        with self._lock:
            if statement not in self._prepared:
                self._prepared[statement] = session.prepare(statement)
            return self._prepared[statement]

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Create missing tables, add columns of new features, drop tables of deleted views.

        Raises `StoreError` where a feature changed its type: Cassandra cannot convert a column.
        """
        session, keyspace = self._connect(config)
        for view in tables_to_keep:
            table = online_table(config.project, view.name)
            wanted = {field.name: cql_type(field.dtype) for field in view.features}
            keys = list(view.join_keys)
            existing = {
                name: kind
                for name, kind in session.execute(
                    "SELECT column_name, type FROM system_schema.columns WHERE keyspace_name = %s AND table_name = %s",
                    (keyspace, table),
                )
            }
            if not existing:
                types = {column.name: cql_type(column.dtype) for column in view.entity_columns}
                columns = [f'"{key}" {types[key]}' for key in keys]
                columns += [f"{name} timestamp" for name in META]
                columns += [f'"{name}" {kind}' for name, kind in wanted.items()]
                partition = ", ".join(f'"{key}"' for key in keys)
                session.execute(
                    f'CREATE TABLE IF NOT EXISTS {keyspace}."{table}" ({", ".join(columns)}, PRIMARY KEY (({partition})))',
                    timeout=30,
                )
                continue
            for name, kind in wanted.items():
                if name not in existing:
                    session.execute(f'ALTER TABLE {keyspace}."{table}" ADD "{name}" {kind}', timeout=30)
                elif existing[name] != kind:
                    raise StoreError(
                        f"feature {name!r} of view {view.name!r} is {kind}, its column in {keyspace}.{table} is "
                        f"{existing[name]}; give the feature a new name"
                    )
        for view in tables_to_delete:
            session.execute(f'DROP TABLE IF EXISTS {keyspace}."{online_table(config.project, view.name)}"', timeout=30)

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """Drop the tables of all views."""
        session, keyspace = self._connect(config)
        for view in tables:
            session.execute(f'DROP TABLE IF EXISTS {keyspace}."{online_table(config.project, view.name)}"', timeout=30)

    def plan(self, config: RepoConfig, desired_registry_proto: RegistryProto) -> list[InfraObject]:
        """Feast shows feature views itself; the tables follow from them one to one."""
        return []

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[tuple[EntityKeyProto, dict[str, ValueProto], datetime, datetime | None]],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write rows with their event time as write timestamp. Raises `StoreError` when one cannot be written."""
        from cassandra.concurrent import execute_concurrent_with_args

        session, keyspace = self._connect(config)
        names = [field.name for field in table.features]
        keys = list(table.join_keys)
        columns = ", ".join(f'"{name}"' for name in [*keys, *META, *names])
        marks = ", ".join("?" * (len(keys) + len(META) + len(names)))
        insert = self._prepare(
            session,
            f'INSERT INTO {keyspace}."{online_table(config.project, table.name)}" ({columns}) '
            f"VALUES ({marks}) USING TIMESTAMP ?",
        )
        rows = []
        for entity, values, event, created in data:
            event = _utc(event)
            key = dict(zip(entity.join_keys, entity.entity_values, strict=True))
            rows.append(
                [
                    *(from_proto(key[name]) for name in keys),
                    event,
                    _utc(created) if created is not None else None,
                    *(from_proto(values[name]) if name in values else None for name in names),
                    _micros(event),
                ]
            )
        for success, result in execute_concurrent_with_args(session, insert, rows, concurrency=64, raise_on_first_error=False):
            if not success:
                raise StoreError(f"writing view {table.name!r} to Cassandra failed: {result}") from result
            if progress:
                progress(1)

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKeyProto],
        requested_features: list[str] | None = None,
    ) -> list[tuple[datetime | None, dict[str, ValueProto] | None]]:
        """Rows in the order of `entity_keys`; (None, None) for an entity never written or older than the view's TTL.

        Raises `StoreError` when Cassandra cannot answer: a failed read is not an absent row.
        """
        from cassandra.concurrent import execute_concurrent_with_args

        session, keyspace = self._connect(config)
        types = {field.name: field.dtype for field in table.features}
        names = [name for name in (requested_features or types) if name in types]
        keys = list(table.join_keys)
        columns = ", ".join(f'"{name}"' for name in ["event_timestamp", *names])
        where = " AND ".join(f'"{key}" = ?' for key in keys)
        select = self._prepare(
            session, f'SELECT {columns} FROM {keyspace}."{online_table(config.project, table.name)}" WHERE {where}'
        )
        arguments = []
        for entity in entity_keys:
            key = dict(zip(entity.join_keys, entity.entity_values, strict=True))
            arguments.append([from_proto(key[name]) for name in keys])
        answers: list[tuple[datetime | None, dict[str, ValueProto] | None]] = []
        oldest = datetime.now(UTC) - table.ttl if table.ttl else None
        for success, rows in execute_concurrent_with_args(session, select, arguments, concurrency=64, raise_on_first_error=False):
            if not success:
                raise StoreError(f"reading view {table.name!r} from Cassandra failed: {rows}") from rows
            row = rows.one()
            if row is None or row[0] is None or (oldest is not None and _utc(row[0]) < oldest):
                answers.append((None, None))
                continue
            values = {name: to_proto(value, types[name]) for name, value in zip(names, row[1:], strict=True)}
            answers.append((_utc(row[0]), values))
        return answers


def _utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _micros(value: datetime) -> int:
    delta = value - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds
