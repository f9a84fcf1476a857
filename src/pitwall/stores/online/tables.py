"""The Cassandra tables of feature views: what `feast apply` changes and refuses, and what `feast plan` shows of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from feast import FeatureView
from feast.infra.infra_object import InfraObject
from feast.protos.feast.core.InfraObject_pb2 import InfraObject as InfraObjectProto

from pitwall.errors import StoreError
from pitwall.stores.names import online_table
from pitwall.stores.online.comment import stored_comment
from pitwall.stores.online.types import cql_type

META = ("event_timestamp", "created_timestamp")


@dataclass(frozen=True)
class Change:
    """One statement, and how it is told."""

    verb: str
    table: str
    what: str
    cql: str


def changes(
    session: Any, keyspace: str, project: str, views: Sequence[FeatureView]
) -> list[Change]:
    """What makes the tables hold these views. Raises `StoreError` for what Cassandra cannot do, before anything is done."""
    return [change for view in views for change in _of_view(session, keyspace, project, view)]


def _of_view(session: Any, keyspace: str, project: str, view: FeatureView) -> list[Change]:
    name = online_table(project, view.name)
    table = f'{keyspace}."{name}"'
    keys = {column.name: cql_type(column.dtype) for column in view.entity_columns}
    features = {}
    for field in view.features:
        if field.name in META:
            raise StoreError(
                f"feature {field.name!r} of view {view.name!r} has the name of a column of the store; rename it"
            )
        try:
            features[field.name] = cql_type(field.dtype)
        except StoreError as error:
            raise StoreError(f"view {view.name!r}, feature {field.name!r}: {error}") from None
    comment = json.dumps(
        {
            "project": project,
            "view": view.name,
            "ttl_s": view.ttl.total_seconds() if view.ttl else None,
        }
    )
    found = {
        column: (kind, role)
        for column, kind, role in session.execute(
            "SELECT column_name, type, kind FROM system_schema.columns WHERE keyspace_name = %s AND table_name = %s",
            (keyspace, name),
        )
    }
    if not found:
        columns = [
            f'"{column}" {kind}'
            for column, kind in {**keys, **dict.fromkeys(META, "timestamp"), **features}.items()
        ]
        partition = ", ".join(f'"{key}"' for key in keys)
        return [
            Change(
                "Created",
                table,
                f"{len(columns)} columns",
                f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(columns)}, PRIMARY KEY (({partition}))) "
                f"WITH comment = '{_quoted(comment)}'",
            )
        ]
    stored_keys = {
        column: kind for column, (kind, role) in found.items() if role == "partition_key"
    }
    if stored_keys != keys:
        raise StoreError(
            f"view {view.name!r} is keyed by {_listed(keys)}, its table {table} by {_listed(stored_keys)}; "
            "a key cannot change: give the view a new name"
        )
    made = []
    for feature, kind in features.items():
        if feature not in found:
            made.append(
                Change(
                    "Updated",
                    table,
                    f"column {feature} {kind}",
                    f'ALTER TABLE {table} ADD "{feature}" {kind}',
                )
            )
        elif found[feature][0] != kind:
            raise StoreError(
                f"feature {feature!r} of view {view.name!r} is {kind}, its column in {table} is "
                f"{found[feature][0]}, which Cassandra cannot convert; give the feature a new name"
            )
    if stored_comment(session, keyspace, name) != json.loads(comment):
        ttl = f"TTL {view.ttl}" if view.ttl else "no TTL"
        made.append(
            Change(
                "Updated", table, ttl, f"ALTER TABLE {table} WITH comment = '{_quoted(comment)}'"
            )
        )
    return made


def orphans(session: Any, keyspace: str, project: str, kept: Sequence[FeatureView]) -> list[Change]:
    """Dropping the tables of views that are gone."""
    names = {online_table(project, view.name) for view in kept}
    made = []
    for (name,) in session.execute(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s", (keyspace,)
    ):
        noted = stored_comment(session, keyspace, name) if name not in names else None
        if noted is not None and noted.get("project") == project:
            made.append(drop(keyspace, project, str(noted["view"])))
    return made


def drop(keyspace: str, project: str, view: str) -> Change:
    """Dropping the table of a view."""
    table = f'{keyspace}."{online_table(project, view)}"'
    return Change("Deleted", table, "with all its rows", f"DROP TABLE IF EXISTS {table}")


def carry_out(session: Any, made: Sequence[Change]) -> None:
    """Run the statements. Raises `StoreError` naming the table and what Cassandra says."""
    for change in made:
        try:
            session.execute(change.cql, timeout=30)
        except Exception as error:
            raise StoreError(
                f"{change.table} could not be changed ({change.what}): {error}"
            ) from error


def ensure_keyspace(
    session: Any, keyspace: str, replication: dict[str, str | int] | None, default: str
) -> None:
    """Make the keyspace where it is missing. Raises `StoreError` where it is replicated otherwise than is asked for."""
    row = session.execute(
        "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s", (keyspace,)
    ).one()
    if row is None:
        options = default
        if replication:
            options = (
                "{"
                + ", ".join(f"'{_quoted(k)}': '{_quoted(str(v))}'" for k, v in replication.items())
                + "}"
            )
        carry_out(
            session,
            [
                Change(
                    "Created",
                    keyspace,
                    "keyspace",
                    f"CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = {options}",
                )
            ],
        )
        return
    stored = {key: value.rsplit(".", 1)[-1] for key, value in row[0].items()}
    if replication and stored != {
        key: str(value).rsplit(".", 1)[-1] for key, value in replication.items()
    }:
        raise StoreError(
            f"online_store.replication is {replication}, keyspace {keyspace} has {stored}; "
            "change it with ALTER KEYSPACE and repair the nodes, or change the option"
        )


class CassandraTable(InfraObject):
    """A change, in the form in which `feast plan` passes it on."""

    def __init__(self, change: Change) -> None:
        super().__init__(change.table)
        self.change = change

    def to_infra_object_proto(self) -> InfraObjectProto:
        """The change as JSON in Feast's field for infrastructure it does not know."""
        proto = InfraObjectProto(infra_object_class_type=f"{__name__}.CassandraTable")
        proto.custom_infra.field = self.to_proto()
        return proto

    def to_proto(self) -> bytes:
        """The change as JSON."""
        return json.dumps(self.change.__dict__).encode()

    @staticmethod
    def from_infra_object_proto(infra_object_proto: InfraObjectProto) -> CassandraTable:
        """What `to_infra_object_proto` made."""
        return CassandraTable(Change(**json.loads(infra_object_proto.custom_infra.field)))

    def update(self) -> None:
        """Done by the store itself in `feast apply`."""

    def teardown(self) -> None:
        """Done by the store itself in `feast teardown`."""


def show_in_plan() -> None:
    """Let `feast plan` tell our tables too: what it compares it knows by name, SQLite's and Datastore's."""
    import feast.feature_store as feast_store
    from feast.diff.infra_diff import InfraObjectDiff
    from feast.diff.property_diff import PropertyDiff, TransitionType

    known = feast_store.diff_infra_protos
    if getattr(known, "tells_cassandra", False):
        return
    kinds = {
        "Created": TransitionType.CREATE,
        "Updated": TransitionType.UPDATE,
        "Deleted": TransitionType.DELETE,
    }

    def diff(current: Any, new: Any, *args: Any, **kwargs: Any) -> Any:
        found = known(current, new, *args, **kwargs)
        for proto in new.infra_objects:
            if proto.infra_object_class_type == f"{__name__}.CassandraTable":
                change = CassandraTable.from_infra_object_proto(proto).change
                told = (
                    [PropertyDiff(change.what, "none", "new")] if change.verb == "Updated" else []
                )
                name = f"{change.table} ({change.what})"
                found.infra_object_diffs.append(
                    InfraObjectDiff(name, "cassandra table", None, None, told, kinds[change.verb])
                )
        return found

    diff.tells_cassandra = True  # type: ignore[attr-defined]
    feast_store.diff_infra_protos = diff


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _listed(columns: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in sorted(columns.items())) or "nothing"
