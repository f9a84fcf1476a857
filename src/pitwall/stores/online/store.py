"""Feast online store on Cassandra: one typed row an entity, written with the event time as write timestamp.

A late row never replaces a newer one, and a reader never sees two ticks mixed (`docs/adr/0003`). Rows of equal event
time are the same row: where they differ, null wins over a value, else the greater value, cell by cell, in any order of
arrival. Writes that carry their time may be repeated, so both writes and reads are sent again after a timeout.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from feast import Entity, FeatureView, RepoConfig
from feast.infra.infra_object import InfraObject
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.supported_async_methods import SupportedAsyncMethods
from feast.protos.feast.core.Registry_pb2 import Registry as RegistryProto
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto
from feast.repo_config import FeastConfigBaseModel

from pitwall.errors import StoreError
from pitwall.settings import Settings
from pitwall.stores.cassandra import Connection, connect
from pitwall.stores.names import online_table
from pitwall.stores.online import tables
from pitwall.stores.online.requests import AT_ONCE, Request, ask, ask_async
from pitwall.stores.online.types import from_proto, to_proto

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
IN_ONE = 20
"""Entities read by one statement where they differ in one key only."""

Row = tuple[EntityKeyProto, dict[str, ValueProto], datetime, datetime | None]
Answer = tuple[datetime | None, dict[str, ValueProto] | None]


class CassandraOnlineStoreConfig(Connection, FeastConfigBaseModel):
    """Where Cassandra is, and how it is asked (`Connection` names the options)."""

    type: Literal["pitwall.stores.online.store.CassandraOnlineStore"] = (
        "pitwall.stores.online.store.CassandraOnlineStore"
    )


class CassandraOnlineStore(OnlineStore):
    """See the module. One connection a process, made at the first request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: tuple[int, Any, str] | None = None
        self._prepared: dict[Any, Any] = {}

    @property
    def async_supported(self) -> SupportedAsyncMethods:
        """Both ways: `feast serve` then reads and writes on its event loop."""
        return SupportedAsyncMethods(read=True, write=True)

    def _connect(self, config: RepoConfig) -> tuple[Any, str]:
        if self._open is None or self._open[0] != os.getpid():
            with self._lock:
                if self._open is None or self._open[0] != os.getpid():
                    settings = Settings()
                    self._prepared = {}
                    self._open = (
                        os.getpid(),
                        connect(settings, config.online_store),
                        config.online_store.keyspace or settings.keyspace,
                    )
        return self._open[1:]

    async def close(self) -> None:
        """End the connection."""
        with self._lock:
            if self._open is not None:
                self._open[1].cluster.shutdown()
                self._open = None

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        found = self._prepared.get(key)
        if found is None:
            with self._lock:
                found = self._prepared[key] = make()
        return found

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

        Raises `StoreError`, before anything is changed, where a feature or a key changed its type: Cassandra cannot
        convert a column. The column of a feature that is gone stays: taken in again, it still holds what it held then.
        """
        session, keyspace = self._connect(config)
        tables.ensure_keyspace(
            session, keyspace, config.online_store.replication, Settings().replication
        )
        made = tables.changes(session, keyspace, config.project, tables_to_keep)
        tables.carry_out(
            session,
            made + [tables.drop(keyspace, config.project, view.name) for view in tables_to_delete],
        )

    def teardown(
        self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]
    ) -> None:
        """Drop the tables of all views."""
        self.update(config, tables, [], entities, [], False)

    def plan(self, config: RepoConfig, desired_registry_proto: RegistryProto) -> list[InfraObject]:
        """What `update` would change, by the tables as they are now. Raises `StoreError` for what it would refuse."""
        tables.show_in_plan()
        session, keyspace = self._connect(config)
        views = [FeatureView.from_proto(proto) for proto in desired_registry_proto.feature_views]
        views = [view for view in views if view.online]
        made = tables.changes(session, keyspace, config.project, views)
        made += tables.orphans(session, keyspace, config.project, views)
        return [tables.CassandraTable(change) for change in made]

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[Row],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write rows with their event time as write timestamp. Raises `StoreError` when one cannot be written."""
        session, _ = self._connect(config)
        requests = self._writes(config, table, data)
        for start in range(0, len(requests), 16 * AT_ONCE):
            part = requests[start : start + 16 * AT_ONCE]
            ask(session, config.online_store, part, f"writing view {table.name!r} to Cassandra")
            if progress:
                progress(len(part))

    async def online_write_batch_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[Row],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """As `online_write_batch`."""
        session, _ = self._connect(config)
        await ask_async(
            session,
            config.online_store,
            self._writes(config, table, data),
            f"writing view {table.name!r} to Cassandra",
        )
        if progress:
            progress(len(data))

    def _writes(self, config: RepoConfig, view: FeatureView, data: list[Row]) -> list[Request]:
        names = [field.name for field in view.features]
        keys = list(view.join_keys)
        insert = self._once(
            (config.project, view.name, "write", *names),
            lambda: self._insert(config, view.name, keys, names),
        )
        requests: list[Request] = []
        for entity, values, event, created in data:
            event = _utc(event)
            row = [
                *_key(view, keys, entity),
                event,
                _utc(created) if created is not None else None,
                *(from_proto(values[name]) if name in values else None for name in names),
                (event - EPOCH) // timedelta(microseconds=1),
            ]
            try:
                requests.append((insert.bind(row), ()))
            except (TypeError, ValueError) as error:
                raise StoreError(
                    f"a row of view {view.name!r} does not fit its columns: {error}"
                ) from error
        return requests

    def _insert(self, config: RepoConfig, view: str, keys: list[str], names: list[str]) -> Any:
        columns = [*keys, *tables.META, *names]
        marks = ", ".join("?" * len(columns))
        return self._prepare(
            config,
            f"INSERT INTO {self._table(config, view)} ({_listed(columns)}) VALUES ({marks}) USING TIMESTAMP ?",
            view,
            config.online_store.write_consistency,
        )

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKeyProto],
        requested_features: list[str] | None = None,
    ) -> list[Answer]:
        """Rows in the order of `entity_keys`; (None, None) for an entity never written or older than the view's TTL.

        Raises `StoreError` when Cassandra cannot answer: a failed read is not an absent row.
        """
        session, requests, answers = self._question(config, table, entity_keys, requested_features)
        found = ask(
            session, config.online_store, requests, f"reading view {table.name!r} from Cassandra"
        )
        return answers(found)

    async def online_read_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKeyProto],
        requested_features: list[str] | None = None,
    ) -> list[Answer]:
        """As `online_read`."""
        session, requests, answers = self._question(config, table, entity_keys, requested_features)
        found = await ask_async(
            session, config.online_store, requests, f"reading view {table.name!r} from Cassandra"
        )
        return answers(found)

    def _question(
        self,
        config: RepoConfig,
        view: FeatureView,
        entities: list[EntityKeyProto],
        requested: list[str] | None,
    ) -> tuple[Any, list[Any], Callable[[Any], list[Answer]]]:
        """The session, what to ask of it, and what makes answers of what it gives."""
        session, _ = self._connect(config)
        reading = self._reading(config, view, requested)
        keys = [_key(view, reading.keys, entity) for entity in entities]
        requests, wholes = reading.requests(keys)
        return session, requests, lambda found: reading.answers(keys, wholes, found, view.ttl)

    def _reading(
        self, config: RepoConfig, view: FeatureView, requested: list[str] | None
    ) -> _Reading:
        key = (config.project, view.name, "read", *(requested or ()))
        kinds = [field.dtype for field in view.features]
        found: _Reading | None = self._prepared.get(key)
        if found is None or found.kinds != kinds:  # The view may have changed since.
            types = dict(zip((field.name for field in view.features), kinds, strict=True))
            names = [name for name in (requested or types) if name in types]
            found = self._prepared[key] = self._new_reading(config, view, names, kinds)
        return found

    def _new_reading(
        self, config: RepoConfig, view: FeatureView, names: list[str], kinds: list[Any]
    ) -> _Reading:
        keys = list(view.join_keys)
        columns = f'WRITETIME("event_timestamp"){"".join(f", {_listed([name])}" for name in names)}'
        level = config.online_store.read_consistency
        table = self._table(config, view.name)

        def prepare(given: str, many: str | None = None) -> Any:
            where = " AND ".join(f'"{key}" {"IN" if key == many else "="} ?' for key in keys)
            return self._prepare(
                config, f"SELECT {given}{columns} FROM {table} WHERE {where}", view.name, level
            )

        types = {field.name: field.dtype for field in view.features}
        return _Reading(
            kinds,
            keys,
            [(name, to_proto(types[name])) for name in names],
            prepare(""),
            [prepare(f'"{key}", ', key) for key in keys],
        )

    def _table(self, config: RepoConfig, view: str) -> str:
        return f'{self._connect(config)[1]}."{online_table(config.project, view)}"'

    def _prepare(self, config: RepoConfig, statement: str, view: str, level: str) -> Any:
        from cassandra import ConsistencyLevel

        try:
            prepared = self._connect(config)[0].prepare(statement)
        except Exception as error:
            raise StoreError(
                f"view {view!r} has no such table in Cassandra ({error}); run `feast apply`"
            ) from error
        prepared.consistency_level = getattr(ConsistencyLevel, level)
        return prepared


class _Reading:
    """Statements for some features of a view, and how their rows become Feast's answers."""

    def __init__(
        self,
        kinds: list[Any],
        keys: list[str],
        features: list[tuple[str, Callable[[Any], ValueProto]]],
        one: Any,
        many: list[Any],
    ) -> None:
        self.kinds, self.keys, self._features, self._one, self._many = (
            kinds,
            keys,
            features,
            one,
            many,
        )

    def requests(
        self, keys: list[tuple[Any, ...]]
    ) -> tuple[list[Request], list[tuple[int, tuple[Any, ...]]]]:
        """Statements that read these entities, and for each which key its rows tell (−1: none) and the whole or other keys.

        Entities that differ in one key only are read by one statement; of several such keys the one that makes fewest.
        """
        if len(keys) == 1:
            return [(self._one, keys[0])], [(-1, keys[0])]
        grouped: dict[int, dict[tuple[Any, ...], list[Any]]] = {}
        for at in range(len(self.keys)):
            groups = grouped[at] = {}
            for key in keys:
                groups.setdefault((*key[:at], *key[at + 1 :]), []).append(key[at])
        at = min(grouped, key=lambda position: len(grouped[position]))
        requests: list[Request] = []
        wholes: list[tuple[int, tuple[Any, ...]]] = []
        for others, values in grouped[at].items():
            if len(values) == 1:
                whole = (*others[:at], values[0], *others[at:])
                requests.append((self._one, whole))
                wholes.append((-1, whole))
                continue
            for start in range(0, len(values), IN_ONE):
                requests.append(
                    (self._many[at], (*others[:at], values[start : start + IN_ONE], *others[at:]))
                )
                wholes.append((at, others))
        return requests, wholes

    def answers(
        self,
        keys: list[tuple[Any, ...]],
        wholes: list[tuple[int, tuple[Any, ...]]],
        found: list[list[tuple[Any, ...]]],
        ttl: timedelta | None,
    ) -> list[Answer]:
        """Feast's answers for these entities, in their order."""
        oldest_us = (datetime.now(UTC) - ttl - EPOCH) // timedelta(microseconds=1) if ttl else None
        rows: dict[tuple[Any, ...], Answer] = {}
        for (at, key), result in zip(wholes, found, strict=True):
            for row in result:
                whole = key
                if at >= 0:
                    whole, row = (*key[:at], row[0], *key[at:]), row[1:]
                event_us = row[0]
                if event_us is None or (oldest_us is not None and event_us < oldest_us):
                    continue
                rows[whole] = (
                    EPOCH + timedelta(microseconds=event_us),
                    {
                        name: make(value)
                        for (name, make), value in zip(self._features, row[1:], strict=True)
                    },
                )
        return [rows.get(key, (None, None)) for key in keys]


def _key(view: FeatureView, keys: list[str], entity: EntityKeyProto) -> tuple[Any, ...]:
    given = dict(zip(entity.join_keys, entity.entity_values, strict=True))
    values = tuple(from_proto(given[name]) for name in keys)
    if None in values:
        raise StoreError(
            f"the entity key {keys[values.index(None)]!r} of view {view.name!r} is null; give a value"
        )
    return values


def _listed(columns: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)
