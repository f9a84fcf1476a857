"""Reads feature rows: the SELECT statements of a view, and their rows as Feast's answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from feast import FeatureView, RepoConfig
from feast.protos.feast.types.Value_pb2 import Value as ValueProto

from pitwall.stores.cassandra.requests import Request, ResultRow
from pitwall.stores.names import cql_name
from pitwall.stores.online.session import PreparedSession
from pitwall.stores.online.values import EPOCH, EntityKey, to_proto
from pitwall.stores.online.views import features_of, keys_of, stored_name

IN_ONE = 20
"""Largest number of entities that one statement reads. They differ in one key only."""

Answer = tuple[datetime | None, dict[str, ValueProto] | None]
"""Event time and features by name; (None, None) for an entity without a row."""
KeyOfRows = tuple[int, tuple[Any, ...]]
"""Which entities a request asks for.

The position of the key column that its rows bring with them, and the values of the other key
columns. The position is −1 when the request reads one entity, whose whole key stands here."""


def select_statements(
    session: PreparedSession, config: RepoConfig, view: FeatureView, requested: list[str] | None
) -> SelectStatements:
    """The statements for the requested features (None: all), prepared at the first call.

    Requested names that the view does not have are left out. Raises `StoreError` when the view has
    no table.
    """
    name = stored_name(config, view)
    key = (config.project, name, "read", *(requested or ()))
    dtypes = [field.dtype for field in features_of(view)]
    statements: SelectStatements | None = session.statements.get(key)
    if statements is None or statements.dtypes != dtypes:  # The view may have changed since.
        dtype_of = {field.name: field.dtype for field in features_of(view)}
        names = [name for name in (requested or dtype_of) if name in dtype_of]
        statements = session.statements[key] = _prepare(session, config, view, name, names)
    return statements


def _prepare(
    session: PreparedSession, config: RepoConfig, view: FeatureView, name: str, names: list[str]
) -> SelectStatements:
    keys = [field.name for field in keys_of(view)]
    table = session.table(config.project, name)
    columns = ", ".join(['WRITETIME("event_timestamp")', *map(cql_name, names)])

    def prepare(many_of: str | None = None) -> Any:
        first_column = f"{cql_name(many_of)}, " if many_of else ""
        where = " AND ".join(f"{cql_name(key)} {'IN' if key == many_of else '='} ?" for key in keys)
        return session.prepare(
            f"SELECT {first_column}{columns} FROM {table} WHERE {where}",
            name,
            config.online_store.read_consistency,
        )

    dtype_of = {field.name: field.dtype for field in features_of(view)}
    return SelectStatements(
        dtypes=list(dtype_of.values()),
        keys=keys,
        converters=[(feature, to_proto(dtype_of[feature])) for feature in names],
        one=prepare(),
        many=[prepare(key) for key in keys],
    )


class SelectStatements:
    """Prepared statements for some features of a view.

    `dtypes` are the types of all features of the view at that time, `keys` its join keys,
    `converters` the name of each selected feature with the function that makes Feast's value.
    `one` reads one entity; `many[i]` reads entities that differ only in the key `keys[i]`.
    """

    def __init__(
        self,
        dtypes: list[Any],
        keys: list[str],
        converters: list[tuple[str, Callable[[Any], ValueProto]]],
        one: Any,
        many: list[Any],
    ) -> None:
        self.dtypes = dtypes
        self.keys = keys
        self._converters = converters
        self._one = one
        self._many = many

    def requests(self, entities: list[EntityKey]) -> tuple[list[Request], list[KeyOfRows]]:
        """The requests that read these entities, and which entities each of them asks for.

        Up to `IN_ONE` entities that differ in one key only are read by one request. Where several
        keys would do, the key that makes the fewest groups is taken.
        """
        if not entities:
            return [], []
        if len(entities) == 1:
            return [(self._one, entities[0])], [(-1, entities[0])]
        groups_of: dict[int, dict[tuple[Any, ...], list[Any]]] = {}
        for position in range(len(self.keys)):
            groups = groups_of[position] = {}
            for entity in entities:
                others = (*entity[:position], *entity[position + 1 :])
                groups.setdefault(others, []).append(entity[position])
        position = min(groups_of, key=lambda position: len(groups_of[position]))
        requests: list[Request] = []
        asked: list[KeyOfRows] = []
        for others, values in groups_of[position].items():
            before, after = others[:position], others[position:]
            if len(values) == 1:
                entity = (*before, values[0], *after)
                requests.append((self._one, entity))
                asked.append((-1, entity))
                continue
            for start in range(0, len(values), IN_ONE):
                part = values[start : start + IN_ONE]
                requests.append((self._many[position], (*before, part, *after)))
                asked.append((position, others))
        return requests, asked

    def answers(
        self,
        entities: list[EntityKey | None],
        asked: list[KeyOfRows],
        results: list[list[ResultRow]],
        ttl: timedelta | None,
    ) -> list[Answer]:
        """Feast's answers in the order of `entities`, from the rows of each request.

        A row older than `ttl` counts as absent, and None has no row.
        """
        oldest_us = (datetime.now(UTC) - ttl - EPOCH) // timedelta(microseconds=1) if ttl else None
        answer_of: dict[EntityKey, Answer] = {}
        for (position, key), rows in zip(asked, results, strict=True):
            for row in rows:
                entity = key
                if position >= 0:
                    entity, row = (*key[:position], row[0], *key[position:]), row[1:]
                event_us = row[0]
                if event_us is None or (oldest_us is not None and event_us < oldest_us):
                    continue
                answer_of[entity] = (
                    EPOCH + timedelta(microseconds=event_us),
                    {
                        name: convert(value)
                        for (name, convert), value in zip(self._converters, row[1:], strict=True)
                    },
                )
        return [
            (None, None) if entity is None else answer_of.get(entity, (None, None))
            for entity in entities
        ]
