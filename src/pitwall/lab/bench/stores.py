"""Feast's online stores SQLite, Cassandra and Redis and ours, behind the same few calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from feast import Entity, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import FeastType, Float64, String

from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect

T0 = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
"""Event time of tick 0."""
SHIPPED = "feast_shipped"
"""Keyspace of the Cassandra store that Feast ships."""
ENTITIES = tuple(
    Entity(name=name, join_keys=[name], value_type=ValueType.STRING)
    for name in ("vehicle", "session")
)
WIDE = {f"f{number:02d}": Float64 for number in range(30)}
"""Thirty features."""

Key = tuple[str, str]
"""Vehicle and session."""
Row = tuple[Key, dict[str, Value], datetime]
"""Key, values by feature name, and event time."""


def view(name: str, features: dict[str, FeastType], ttl: timedelta | None = None) -> FeatureView:
    """A feature view of vehicle and session with these features."""
    keys: dict[str, FeastType] = {"vehicle": String, "session": String}
    return FeatureView(
        name=name,
        entities=list(ENTITIES),
        schema=[Field(name=field, dtype=dtype) for field, dtype in {**keys, **features}.items()],
        ttl=ttl,
        source=FileSource(
            name=f"{name}_source", path=f"{name}.parquet", timestamp_field="event_timestamp"
        ),
    )


def tick(number: int) -> tuple[dict[str, Value], datetime]:
    """Values and event time of a tick: every feature of `WIDE` is `number`, at 50 Hz."""
    values = dict.fromkeys(WIDE, Value(double_val=float(number)))
    return values, T0 + timedelta(milliseconds=20 * number)


def _entity_key(vehicle: str, session: str) -> EntityKey:
    """The entity key as Feast passes it to a store: its parts in the order of their names."""
    return EntityKey(
        join_keys=["session", "vehicle"],
        entity_values=[Value(string_val=session), Value(string_val=vehicle)],
    )


class Backend:
    """An online store with its configuration."""

    def __init__(self, name: str, store: OnlineStore, config: RepoConfig) -> None:
        self.name, self.store, self.config = name, store, config

    def apply(self, *views: FeatureView, gone: Sequence[FeatureView] = ()) -> None:
        """Create the tables of these views, and drop those of the views that are `gone`."""
        self.store.update(self.config, list(gone), list(views), [], [], False)

    def write(self, view: FeatureView, *rows: Row) -> None:
        """Write these rows; their record time is their event time."""
        data = [(_entity_key(*key), values, at, at) for key, values, at in rows]
        self.store.online_write_batch(self.config, view, data, None)

    def read(self, view: FeatureView, *keys: Key, features: list[str] | None = None) -> Any:
        """For each key its event time and values by name, both None where there is no row.

        `features` names the values; None stands for all.
        """
        entity_keys = [_entity_key(*key) for key in keys]
        return self.store.online_read(self.config, view, entity_keys, features)

    def read_async(self, view: FeatureView, *keys: Key) -> Any:
        """As `read`, by the store's asynchronous call."""
        entity_keys = [_entity_key(*key) for key in keys]
        return asyncio.run(self.store.online_read_async(self.config, view, entity_keys, None))


def sdk(backend: Backend, *views: FeatureView) -> Any:
    """A Feast `FeatureStore` on this backend, with these views in its registry and their tables."""
    from feast import FeatureStore

    store = FeatureStore(config=backend.config)
    store.apply([*ENTITIES, *views])
    return store


def sqlite(settings: Settings, folder: Path) -> Backend:
    """Feast's SQLite store, in a file in `folder`."""
    from feast.infra.online_stores.sqlite import SqliteOnlineStore

    options = {"type": "sqlite", "path": str(folder / "online.db")}
    return Backend("sqlite", SqliteOnlineStore(), _config(folder, options))


def shipped(settings: Settings, folder: Path) -> Backend:
    """The Cassandra store that Feast ships, in a keyspace of its own."""
    from feast.infra.online_stores.cassandra_online_store.cassandra_online_store import (
        CassandraOnlineStore,
    )

    session = connect(settings)
    session.execute(
        f"CREATE KEYSPACE IF NOT EXISTS {SHIPPED} WITH replication = {settings.replication}"
    )
    session.cluster.shutdown()
    options = {
        "type": "cassandra",
        "hosts": [settings.host],
        "port": settings.cassandra_port,
        "keyspace": SHIPPED,
        "username": settings.cassandra_user,
        "password": settings.secret("cassandra").get_secret_value(),
        "protocol_version": 5,
        "request_timeout": 5.0,
        "load_balancing": {
            "load_balancing_policy": "DCAwareRoundRobinPolicy",
            "local_dc": "datacenter1",
        },
    }
    return Backend("shipped", CassandraOnlineStore(), _config(folder, options))


def ours(settings: Settings, folder: Path, **options: Any) -> Backend:
    """Our Cassandra store; `options` are those of `feature_store.yaml`."""
    from pitwall.stores.online.store import CassandraOnlineStore

    online = {"type": "pitwall.stores.online.store.CassandraOnlineStore", **options}
    return Backend("ours", CassandraOnlineStore(), _config(folder, online))


def redis(settings: Settings, folder: Path, port: int) -> Backend:
    """Feast's Redis store, on a server at this port."""
    from feast.infra.online_stores.redis import RedisOnlineStore

    options = {"type": "redis", "connection_string": f"{settings.host}:{port}"}
    return Backend("redis", RedisOnlineStore(), _config(folder, options))


def _config(folder: Path, online: dict[str, Any]) -> RepoConfig:
    return RepoConfig(
        project="side",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store=online,
        entity_key_serialization_version=3,
        repo_path=folder,
    )


BACKENDS: dict[str, Callable[[Settings, Path], Backend]] = {
    "sqlite": sqlite,
    "shipped": shipped,
    "ours": ours,
}
