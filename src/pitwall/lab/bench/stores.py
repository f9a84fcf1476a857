"""Online stores side by side: Feast's SQLite store, Feast's Cassandra store and ours, behind the
same few calls.
"""

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
SHIPPED = "feast_shipped"
ENTITIES = tuple(
    Entity(name=n, join_keys=[n], value_type=ValueType.STRING) for n in ("vehicle", "session")
)
Key = tuple[str, str]


def view(name: str, features: dict[str, FeastType], ttl: timedelta | None = None) -> FeatureView:
    """A view of vehicle and session with these features."""
    schema = [
        Field(name=n, dtype=t)
        for n, t in {"vehicle": String, "session": String, **features}.items()
    ]
    made = FeatureView(
        name=name,
        entities=list(ENTITIES),
        schema=schema,
        ttl=ttl,
        source=FileSource(
            name=f"{name}_source", path=f"{name}.parquet", timestamp_field="event_timestamp"
        ),
    )
    made.entity_columns = [Field(name="vehicle", dtype=String), Field(name="session", dtype=String)]
    made.features = [Field(name=n, dtype=t) for n, t in features.items()]
    return made


def key(vehicle: str, session: str) -> EntityKey:
    """The entity key as Feast hands it to a store."""
    return EntityKey(
        join_keys=["session", "vehicle"],
        entity_values=[Value(string_val=session), Value(string_val=vehicle)],
    )


class Backend:
    """A store with its configuration."""

    def __init__(self, name: str, store: OnlineStore, config: RepoConfig) -> None:
        self.name, self.store, self.config = name, store, config

    def apply(self, *views: FeatureView, gone: Sequence[FeatureView] = ()) -> None:
        self.store.update(self.config, list(gone), list(views), [], [], False)

    def write(self, view: FeatureView, *rows: tuple[Key, dict[str, Value], datetime]) -> None:
        self.store.online_write_batch(
            self.config, view, [(key(*k), v, at, at) for k, v, at in rows], None
        )

    def read(self, view: FeatureView, *keys: Key, features: list[str] | None = None) -> Any:
        return self.store.online_read(self.config, view, [key(*k) for k in keys], features)

    def read_async(self, view: FeatureView, *keys: Key) -> Any:
        return asyncio.run(
            self.store.online_read_async(self.config, view, [key(*k) for k in keys], None)
        )


def _config(folder: Path, online: dict[str, Any]) -> RepoConfig:
    return RepoConfig(
        project="side",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store=online,
        entity_key_serialization_version=3,
        repo_path=folder,
    )


def sqlite(settings: Settings, folder: Path) -> Backend:
    from feast.infra.online_stores.sqlite import SqliteOnlineStore

    return Backend(
        "sqlite",
        SqliteOnlineStore(),
        _config(folder, {"type": "sqlite", "path": str(folder / "online.db")}),
    )


def shipped(settings: Settings, folder: Path) -> Backend:
    from feast.infra.online_stores.cassandra_online_store.cassandra_online_store import (
        CassandraOnlineStore,
    )

    session = connect(settings)
    session.execute(
        f"CREATE KEYSPACE IF NOT EXISTS {SHIPPED} WITH replication = {settings.replication}"
    )
    session.cluster.shutdown()
    return Backend(
        "shipped",
        CassandraOnlineStore(),
        _config(
            folder,
            {
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
            },
        ),
    )


def ours(settings: Settings, folder: Path, **options: Any) -> Backend:
    from pitwall.stores.online.store import CassandraOnlineStore

    return Backend(
        "ours",
        CassandraOnlineStore(),
        _config(folder, {"type": "pitwall.stores.online.store.CassandraOnlineStore", **options}),
    )


BACKENDS: dict[str, Callable[[Settings, Path], Backend]] = {
    "sqlite": sqlite,
    "shipped": shipped,
    "ours": ours,
}
WIDE = {f"f{i:02d}": Float64 for i in range(30)}
"""Thirty features, as wide as the issue's rows."""


def tick(n: int) -> tuple[dict[str, Value], datetime]:
    """The row of tick `n`: every feature is `n`, at n × 20 ms."""
    return dict.fromkeys(WIDE, Value(double_val=float(n))), T0 + timedelta(milliseconds=20 * n)


def sdk(backend: Backend, *views: FeatureView) -> Any:
    """A Feast `FeatureStore` on this backend with these views applied, tables and registry."""
    from feast import FeatureStore

    store = FeatureStore(config=backend.config)
    store.apply([*ENTITIES, *views])
    return store
