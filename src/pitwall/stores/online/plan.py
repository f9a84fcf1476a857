"""Shows in `feast plan` what `feast apply` would change in Cassandra's tables."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from feast.infra.infra_object import InfraObject
from feast.protos.feast.core.InfraObject_pb2 import InfraObject as InfraObjectProto

from pitwall.stores.online.tables import Change


class CassandraTable(InfraObject):
    """A change of a table in the form in which `feast plan` passes it on."""

    def __init__(self, change: Change) -> None:
        super().__init__(change.table)
        self.change = change

    def to_infra_object_proto(self) -> InfraObjectProto:
        """The change as JSON, in Feast's field for infrastructure that Feast does not know."""
        proto = InfraObjectProto(infra_object_class_type=f"{__name__}.CassandraTable")
        proto.custom_infra.field = self.to_proto()
        return proto

    def to_proto(self) -> bytes:
        """The change as JSON."""
        return json.dumps(asdict(self.change)).encode()

    @staticmethod
    def from_infra_object_proto(infra_object_proto: InfraObjectProto) -> CassandraTable:
        """The reverse of `to_infra_object_proto`."""
        return CassandraTable(Change(**json.loads(infra_object_proto.custom_infra.field)))

    def update(self) -> None:
        """Does nothing: in `feast apply` the store itself changes the tables."""

    def teardown(self) -> None:
        """Does nothing: in `feast teardown` the store itself drops the tables."""


def show_in_plan() -> None:
    """Make `feast plan` print changes of Cassandra's tables.

    Feast's own function compares only infrastructure that Feast knows by name, SQLite's and
    Datastore's. This one adds ours to its result.
    """
    import feast.feature_store as feast_store
    from feast.diff.infra_diff import InfraObjectDiff
    from feast.diff.property_diff import PropertyDiff, TransitionType

    feasts_own = feast_store.diff_infra_protos
    if getattr(feasts_own, "shows_cassandra", False):
        return
    transitions = {
        "Created": TransitionType.CREATE,
        "Updated": TransitionType.UPDATE,
        "Deleted": TransitionType.DELETE,
    }

    def diff(current: Any, new: Any, *args: Any, **kwargs: Any) -> Any:
        result = feasts_own(current, new, *args, **kwargs)
        for proto in new.infra_objects:
            if proto.infra_object_class_type == f"{__name__}.CassandraTable":
                change = CassandraTable.from_infra_object_proto(proto).change
                properties = (
                    [PropertyDiff(change.what, "none", "new")] if change.verb == "Updated" else []
                )
                result.infra_object_diffs.append(
                    InfraObjectDiff(
                        f"{change.table} ({change.what})",
                        "cassandra table",
                        None,
                        None,
                        properties,
                        transitions[change.verb],
                    )
                )
        return result

    diff.shows_cassandra = True  # type: ignore[attr-defined]
    feast_store.diff_infra_protos = diff
