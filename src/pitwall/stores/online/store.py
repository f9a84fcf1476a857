"""Feast's online store on Cassandra: one typed row an entity, written with its event time.

The event time is the write timestamp, so a late row never replaces a newer one, and a reader never
sees two ticks mixed (`docs/adr/0003`). Of two rows of one event time the one created last counts.
A write that carries its time may be repeated, so reads and writes are sent again after a timeout.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal

from feast import Entity, FeatureView, OnDemandFeatureView, RepoConfig, StreamFeatureView
from feast.infra.infra_object import InfraObject
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.supported_async_methods import SupportedAsyncMethods
from feast.protos.feast.core.Registry_pb2 import Registry as RegistryProto
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.repo_config import FeastConfigBaseModel

from pitwall.settings import Settings
from pitwall.stores.cassandra.options import Connection
from pitwall.stores.cassandra.requests import Request, ResultRow, ask, ask_async
from pitwall.stores.online import plan, tables
from pitwall.stores.online.reading import Answer, select_statements
from pitwall.stores.online.session import PreparedSession
from pitwall.stores.online.values import key_to_read
from pitwall.stores.online.views import stored_name, ttl_of
from pitwall.stores.online.writing import Conversation, Row, write


class CassandraOnlineStoreConfig(Connection, FeastConfigBaseModel):
    """The section `online_store` of `feature_store.yaml`; `Connection` names its options."""

    type: Literal["pitwall.stores.online.store.CassandraOnlineStore"] = (
        "pitwall.stores.online.store.CassandraOnlineStore"
    )


class CassandraOnlineStore(OnlineStore):
    """Opens one connection a process, at the first request. Module docstring: what a row means."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: PreparedSession | None = None

    @property
    def async_supported(self) -> SupportedAsyncMethods:
        """Reading and writing: `feast serve` then does both on its event loop."""
        return SupportedAsyncMethods(read=True, write=True)

    def _is_versioned_read_supported(self) -> bool:
        """Feast asks: each version of a view has its own table, so that `view@v2` can be read."""
        return True

    def _connect(self, config: RepoConfig) -> PreparedSession:
        session = self._session
        if session is None or session.process != os.getpid():
            with self._lock:
                session = self._session
                if session is None or session.process != os.getpid():
                    session = self._session = PreparedSession(config.online_store)
        return session

    async def close(self) -> None:
        """End the connection."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

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

        Raises `StoreError`, before anything is changed, where a feature or a key changed its type,
        because Cassandra cannot convert a column. The column of a deleted feature stays; when the
        feature is defined again, the column still holds its old values.
        """
        session = self._connect(config)
        tables.ensure_keyspace(
            session.cassandra,
            session.keyspace,
            config.online_store.replication,
            Settings().replication,
        )
        where = (session.cassandra, session.keyspace, config.project)
        changes = tables.changes(*where, _by_stored_name(config, tables_to_keep))
        if tables_to_delete:
            deleted = _by_stored_name(config, tables_to_delete)
            changes += tables.drops(*where, deleted, tables_to_keep)
        tables.carry_out(session.cassandra, changes)

    def teardown(
        self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]
    ) -> None:
        """Drop the tables of all views."""
        self.update(config, tables, [], entities, [], False)

    def plan(self, config: RepoConfig, desired_registry_proto: RegistryProto) -> list[InfraObject]:
        """What `update` would change in the tables as they are now.

        Raises `StoreError` for what `update` would refuse.
        """
        plan.show_in_plan()
        session = self._connect(config)
        views = _online_views(desired_registry_proto)
        where = (session.cassandra, session.keyspace, config.project)
        changes = tables.changes(*where, _by_stored_name(config, views))
        changes += tables.orphans(*where, views)
        return [plan.CassandraTable(change) for change in changes]

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[Row],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write rows with their event time as write timestamp.

        Raises `StoreError` when a row cannot be written. `progress` is called with the number of
        rows of each part that was written.
        """
        session = self._connect(config)
        conversation = write(session, config, table, data, progress)
        answers: list[list[ResultRow]] | None = None
        while (requests := _next(conversation, answers)) is not None:
            answers = ask(session.cassandra, config.online_store, requests, _writing(table))

    async def online_write_batch_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[Row],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """As `online_write_batch`, without blocking the event loop."""
        session = self._connect(config)
        conversation = write(session, config, table, data, progress)
        answers: list[list[ResultRow]] | None = None
        while (requests := _next(conversation, answers)) is not None:
            answers = await ask_async(
                session.cassandra, config.online_store, requests, _writing(table)
            )

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKeyProto],
        requested_features: list[str] | None = None,
    ) -> list[Answer]:
        """Answers in the order of `entity_keys`.

        (None, None) stands for an entity that was never written or is older than the view's TTL,
        and for one whose key lacks a part.
        Raises `StoreError` when Cassandra cannot answer: a failed read is not an absent row.
        """
        session, requests, answers = self._question(config, table, entity_keys, requested_features)
        return answers(ask(session, config.online_store, requests, _reading(table)))

    async def online_read_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKeyProto],
        requested_features: list[str] | None = None,
    ) -> list[Answer]:
        """As `online_read`, without blocking the event loop."""
        session, requests, answers = self._question(config, table, entity_keys, requested_features)
        return answers(await ask_async(session, config.online_store, requests, _reading(table)))

    def _question(
        self,
        config: RepoConfig,
        view: FeatureView,
        entities: list[EntityKeyProto],
        requested: list[str] | None,
    ) -> tuple[Any, list[Request], Callable[[list[list[ResultRow]]], list[Answer]]]:
        """The driver's session, the requests, and a function from their rows to the answers."""
        session = self._connect(config)
        statements = select_statements(session, config, view, requested)
        keys = [key_to_read(statements.keys, entity) for entity in entities]
        requests, asked = statements.requests([key for key in keys if key is not None])
        return (
            session.cassandra,
            requests,
            lambda results: statements.answers(keys, asked, results, ttl_of(view)),
        )


def _by_stored_name(config: RepoConfig, views: Sequence[FeatureView]) -> dict[str, FeatureView]:
    return {stored_name(config, view): view for view in views}


def _online_views(registry: RegistryProto) -> list[FeatureView]:
    """The views of every kind whose rows the online store holds."""
    views: list[Any] = [FeatureView.from_proto(proto) for proto in registry.feature_views]
    views += [StreamFeatureView.from_proto(proto) for proto in registry.stream_feature_views]
    on_demand = map(OnDemandFeatureView.from_proto, registry.on_demand_feature_views)
    return [view for view in views if view.online] + [
        view for view in on_demand if view.write_to_online_store
    ]


def _next(
    conversation: Conversation, answers: list[list[ResultRow]] | None
) -> list[Request] | None:
    """The next requests after these answers (None: the first ones); None at the end."""
    try:
        return next(conversation) if answers is None else conversation.send(answers)
    except StopIteration:
        return None


def _reading(view: FeatureView) -> str:
    return f"reading view {view.name!r} from Cassandra"


def _writing(view: FeatureView) -> str:
    return f"writing view {view.name!r} to Cassandra"
