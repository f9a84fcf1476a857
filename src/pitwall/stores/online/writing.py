"""Writes feature rows with their event time as write timestamp (`docs/adr/0003`)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from feast import FeatureView, RepoConfig
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto

from pitwall.errors import StoreError
from pitwall.stores.cassandra.requests import Request
from pitwall.stores.names import cql_names
from pitwall.stores.online.session import PreparedSession
from pitwall.stores.online.tables import TIME_COLUMNS
from pitwall.stores.online.values import EPOCH, entity_key, from_proto

Row = tuple[EntityKeyProto, dict[str, ValueProto], datetime, datetime | None]
"""Entity, features by name, event time and created time, as Feast passes them."""


def write_requests(
    session: PreparedSession, config: RepoConfig, view: FeatureView, rows: list[Row]
) -> list[Request]:
    """One request a row, in the order of `rows`. A feature that a row lacks is written as null.

    Raises `StoreError` for a null entity key and for a value that its column cannot hold.
    """
    features = [field.name for field in view.features]
    keys = list(view.join_keys)
    insert = session.once(
        (config.project, view.name, "write", *features),
        lambda: _insert(session, config, view.name, [*keys, *TIME_COLUMNS, *features]),
    )
    requests: list[Request] = []
    for entity, values, event, created in rows:
        event = _in_utc(event)
        row = [
            *entity_key(view, keys, entity),
            event,
            _in_utc(created) if created is not None else None,
            *(from_proto(values[name]) if name in values else None for name in features),
            (event - EPOCH) // timedelta(microseconds=1),
        ]
        try:
            requests.append((insert.bind(row), ()))
        except (TypeError, ValueError) as error:
            raise StoreError(
                f"a row of view {view.name!r} does not fit its columns: {error}"
            ) from error
    return requests


def _insert(session: PreparedSession, config: RepoConfig, view: str, columns: list[str]) -> Any:
    marks = ", ".join("?" * len(columns))
    return session.prepare(
        f"INSERT INTO {session.table(config.project, view)} ({cql_names(columns)}) "
        f"VALUES ({marks}) USING TIMESTAMP ?",
        view,
        config.online_store.write_consistency,
    )


def _in_utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
