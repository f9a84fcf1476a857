"""Writes feature rows with their event time as write timestamp (`docs/adr/0003`).

Where the store holds a row of the same entity and event time, the row that was created last counts,
as in the offline store (`docs/adr/0009`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from feast import FeatureView, RepoConfig
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto

from pitwall.errors import StoreError
from pitwall.stores.cassandra.requests import AT_ONCE, Request, ResultRow
from pitwall.stores.names import cql_names
from pitwall.stores.online.session import PreparedSession
from pitwall.stores.online.values import EPOCH, EntityKey, entity_key, from_proto
from pitwall.stores.online.views import features_of, keys_of, stored_name

Row = tuple[EntityKeyProto, dict[str, ValueProto], datetime, datetime | None]
"""Entity, features by name, event time and created time, as Feast passes them."""
Conversation = Generator[list[Request], list[list[ResultRow]], None]
"""Yields requests that may be asked at the same time, and takes the rows of each."""
MICROSECOND = timedelta(microseconds=1)


def write(
    session: PreparedSession,
    config: RepoConfig,
    view: FeatureView,
    rows: list[Row],
    progress: Callable[[int], Any] | None = None,
) -> Conversation:
    """The requests that write these rows. A feature that a row lacks is written as null.

    First it asks what the store holds of the entities. A row that was created before one of the
    same event time, or that equals it, is not written. `progress` is called with the number of rows
    of each part that is done. Raises `StoreError` for a null entity key and for a value that its
    column cannot hold, before anything is asked.
    """
    statements = _statements(session, config, view)
    new_rows = [_new_row(view, statements, row) for row in rows]
    for part in _parts(new_rows):
        stored_times = yield [(statements.times, row.key) for row in part]
        ties: list[tuple[_NewRow, int]] = []
        writes: list[Request] = []
        for row, stored in zip(part, stored_times, strict=True):
            event_us, newest_us, created = stored[0] if stored else (None, None, None)
            if event_us != row.event_us:
                writes.append(row.insert)
            elif created is None or _milliseconds(row.created) >= _milliseconds(created):
                ties.append((row, max(event_us, newest_us or 0)))
        if ties:
            stored_values = yield [(statements.features, row.key) for row, _ in ties]
            for (row, newest_us), (values,) in zip(ties, stored_values, strict=True):
                if not _same(row.values, values[1:]):
                    writes.append(statements.correct_row(row, newest_us + 1))
        if writes:
            yield writes
        if progress:
            progress(len(part))


@dataclass(frozen=True)
class _NewRow:
    key: EntityKey
    event_us: int
    created: datetime
    values: tuple[Any, ...]
    insert: Request
    """Writes the whole row at its event time."""


@dataclass(frozen=True)
class _Statements:
    names: tuple[str, ...]
    """The view's features when these statements were prepared."""
    keys: list[str]
    times: Any
    features: Any
    insert: Any
    correct: Any

    def correct_row(self, row: _NewRow, timestamp_us: int) -> Request:
        """Writes all but the event time, at a write timestamp after that of the stored cells."""
        return self.correct.bind((*row.key, row.created, *row.values, timestamp_us)), ()


def _statements(session: PreparedSession, config: RepoConfig, view: FeatureView) -> _Statements:
    names = tuple(field.name for field in features_of(view))
    keys = [field.name for field in keys_of(view)]
    name = stored_name(config, view)
    table = session.table(config.project, name)
    options = config.online_store

    def insert(columns: list[str]) -> Any:
        marks = ", ".join("?" * len(columns))
        return session.prepare(
            f"INSERT INTO {table} ({cql_names(columns)}) VALUES ({marks}) USING TIMESTAMP ?",
            name,
            options.write_consistency,
        )

    def select(columns: str) -> Any:
        where = " AND ".join(f"{cql_names([key])} = ?" for key in keys)
        return session.prepare(
            f"SELECT {columns} FROM {table} WHERE {where}", name, options.read_consistency
        )

    def prepare() -> _Statements:
        return _Statements(
            names,
            keys,
            select("WRITETIME(event_timestamp), WRITETIME(created_timestamp), created_timestamp"),
            select(cql_names([keys[0], *names])),
            insert([*keys, "event_timestamp", "created_timestamp", *names]),
            insert([*keys, "created_timestamp", *names]),
        )

    statements: _Statements = session.once((config.project, name, "write", *names), prepare)
    return statements


def _new_row(view: FeatureView, statements: _Statements, row: Row) -> _NewRow:
    entity, values_by_name, event, created = row
    key = entity_key(view, statements.keys, entity)
    event = _in_utc(event)
    event_us = (event - EPOCH) // MICROSECOND
    created = datetime.now(UTC) if created is None else _in_utc(created)
    dtypes = {field.name: field.dtype for field in features_of(view)}
    values = tuple(
        from_proto(values_by_name[name], dtypes[name]) if name in values_by_name else None
        for name in statements.names
    )
    try:
        bound = statements.insert.bind((*key, event, created, *values, event_us))
    except (TypeError, ValueError) as error:
        raise StoreError(
            f"a row of view {view.name!r} does not fit its columns: {error}"
        ) from error
    return _NewRow(key, event_us, created, values, (bound, ()))


def _parts(rows: list[_NewRow]) -> Iterator[list[_NewRow]]:
    """The rows in parts without an entity twice, so that a later row finds the earlier one."""
    part: list[_NewRow] = []
    entities: set[EntityKey] = set()
    for row in rows:
        if row.key in entities or len(part) == 16 * AT_ONCE:
            yield part
            part, entities = [], set()
        part.append(row)
        entities.add(row.key)
    if part:
        yield part


def _same(new: tuple[Any, ...], stored: ResultRow) -> bool:
    """Whether the values are equal to the bit. NaN equals NaN, and −0 does not equal 0."""
    return repr(list(new)) == repr(list(stored))


def _milliseconds(time: datetime) -> int:
    return (_in_utc(time) - EPOCH) // timedelta(milliseconds=1)


def _in_utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
