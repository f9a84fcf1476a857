"""The Cassandra tables of feature views: what `feast apply` changes in them and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feast import FeatureView

from pitwall.errors import StoreError
from pitwall.stores.names import cql_map, cql_name, cql_names, cql_text, online_table
from pitwall.stores.online.comment import stored_comment, view_comment
from pitwall.stores.online.values import cql_type
from pitwall.stores.online.views import features_of, keys_of, ttl_of

TIME_COLUMNS = ("event_timestamp", "created_timestamp")


@dataclass(frozen=True)
class Change:
    """One statement, and what `feast plan` shows of it."""

    verb: str
    """Created, Updated or Deleted."""
    table: str
    what: str
    """What the statement changes, for instance "column speed_mean double"."""
    cql: str


def changes(
    session: Any, keyspace: str, project: str, views: Mapping[str, FeatureView]
) -> list[Change]:
    """The statements that make the tables hold these views, given by their stored names.

    Changes nothing. Raises `StoreError` for a change that Cassandra cannot make.
    """
    return [
        change
        for stored, view in views.items()
        for change in _of_view(session, keyspace, project, stored, view)
    ]


def _of_view(
    session: Any, keyspace: str, project: str, stored_view: str, view: FeatureView
) -> list[Change]:
    name = online_table(project, stored_view)
    table = f"{keyspace}.{cql_name(name)}"
    keys = {column.name: cql_type(column.dtype) for column in keys_of(view)}
    if not keys:
        return []  # Its entities are not in the registry yet; the apply that brings them goes on.
    features = _feature_types(view)
    comment = view_comment(project, stored_view, ttl_of(view))
    noted = stored_comment(session, keyspace, name)
    if noted and (noted.get("project"), noted.get("view")) != (project, stored_view):
        raise StoreError(
            f"table {table} holds view {noted.get('view')!r} of project {noted.get('project')!r}, "
            f"not view {stored_view!r} of project {project!r}; run `feast apply` in that project "
            "and drop the table, or give the view another name"
        )
    with_comment = f"WITH comment = {cql_text(json.dumps(comment))}"
    stored = {
        column: (cql, role)
        for column, cql, role in session.execute(
            "SELECT column_name, type, kind FROM system_schema.columns "
            "WHERE keyspace_name = %s AND table_name = %s",
            (keyspace, name),
        )
    }
    if not stored:
        columns = {**keys, **dict.fromkeys(TIME_COLUMNS, "timestamp"), **features}
        listed = ", ".join(f"{cql_name(column)} {cql}" for column, cql in columns.items())
        statement = (
            f"CREATE TABLE IF NOT EXISTS {table} "
            f"({listed}, PRIMARY KEY (({cql_names(keys)}))) {with_comment}"
        )
        return [Change("Created", table, f"{len(columns)} columns", statement)]
    stored_keys = {column: cql for column, (cql, role) in stored.items() if role == "partition_key"}
    if stored_keys != keys:
        raise StoreError(
            f"view {view.name!r} is keyed by {_listed(keys)}, "
            f"its table {table} by {_listed(stored_keys)}; "
            "a key cannot change: give the view a new name"
        )
    updates = []
    for feature, cql in features.items():
        if feature not in stored:
            statement = f"ALTER TABLE {table} ADD {cql_name(feature)} {cql}"
            updates.append(Change("Updated", table, f"column {feature} {cql}", statement))
        elif stored[feature][0] != cql:
            raise StoreError(
                f"feature {feature!r} of view {view.name!r} is {cql}, its column in {table} is "
                f"{stored[feature][0]}, which Cassandra cannot convert; give the feature a new name"
            )
    if noted != comment:
        ttl = f"TTL {ttl_of(view)}" if ttl_of(view) else "no TTL"
        updates.append(Change("Updated", table, ttl, f"ALTER TABLE {table} {with_comment}"))
    return updates


def _feature_types(view: FeatureView) -> dict[str, str]:
    """The CQL type of each feature of the view."""
    types = {}
    for field in features_of(view):
        if field.name in TIME_COLUMNS:
            raise StoreError(
                f"feature {field.name!r} of view {view.name!r} has the name of a column "
                "that the store needs itself; rename it"
            )
        try:
            types[field.name] = cql_type(field.dtype)
        except StoreError as error:
            raise StoreError(f"view {view.name!r}, feature {field.name!r}: {error}") from None
    return types


def orphans(session: Any, keyspace: str, project: str, kept: Sequence[FeatureView]) -> list[Change]:
    """Statements that drop the project's tables whose views, in any version, are not `kept`."""
    names = {view.name for view in kept}
    tables = _tables(session, keyspace, project).items()
    return [_drop(keyspace, table) for table, view in tables if plain_name(view) not in names]


def drops(
    session: Any,
    keyspace: str,
    project: str,
    deleted: Mapping[str, FeatureView],
    kept: Sequence[FeatureView],
) -> list[Change]:
    """Statements that drop the tables of deleted views, given by their stored names.

    Where no version of a view is kept, the tables of all its versions are dropped.
    """
    gone = {view.name for view in deleted.values()} - {view.name for view in kept}
    tables = dict.fromkeys(online_table(project, stored) for stored in deleted)
    if gone:
        found = _tables(session, keyspace, project).items()
        tables |= dict.fromkeys(table for table, view in found if plain_name(view) in gone)
    return [_drop(keyspace, table) for table in tables]


def plain_name(stored: str) -> str:
    """The name of the view whose stored name this is."""
    return re.sub(r"@v\d+$", "", stored)


def _tables(session: Any, keyspace: str, project: str) -> dict[str, str]:
    """The project's tables, with the stored name of the view that each holds."""
    tables = {}
    for (table,) in session.execute(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s", (keyspace,)
    ):
        comment = stored_comment(session, keyspace, table)
        if comment is not None and comment.get("project") == project:
            tables[table] = str(comment.get("view"))
    return tables


def _drop(keyspace: str, name: str) -> Change:
    table = f"{keyspace}.{cql_name(name)}"
    return Change("Deleted", table, "with all its rows", f"DROP TABLE IF EXISTS {table}")


def carry_out(session: Any, changes: Sequence[Change]) -> None:
    """Run the statements in order.

    Raises `StoreError` naming the table and Cassandra's reason when one fails.
    """
    for change in changes:
        try:
            session.execute(change.cql, timeout=30)
        except Exception as error:
            raise StoreError(
                f"{change.table} could not be changed ({change.what}): {error}"
            ) from error


def ensure_keyspace(
    session: Any, keyspace: str, replication: dict[str, str | int] | None, default: str
) -> None:
    """Create the keyspace where it is missing, with `replication` or else `default` (a CQL map).

    Raises `StoreError` when the keyspace exists with another replication than `replication`.
    """
    row = session.execute(
        "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s", (keyspace,)
    ).one()
    if row is None:
        options = default
        if replication:
            options = cql_map(replication)
        statement = f"CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = {options}"
        carry_out(session, [Change("Created", keyspace, "keyspace", statement)])
        return
    # Cassandra stores the full name of the class, of which the options may give the last part.
    stored = {key: value.rsplit(".", 1)[-1] for key, value in row[0].items()}
    if replication and stored != {
        key: str(value).rsplit(".", 1)[-1] for key, value in replication.items()
    }:
        raise StoreError(
            f"online_store.replication is {replication}, keyspace {keyspace} has {stored}; "
            "change it with ALTER KEYSPACE and repair the nodes, or change the option"
        )


def _listed(columns: dict[str, str]) -> str:
    return ", ".join(f"{name} {cql}" for name, cql in sorted(columns.items())) or "nothing"
