"""Feast's value types in CQL, and exact conversion of values in both directions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from feast import FeatureView
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto
from feast.types import (
    Array,
    Bool,
    Bytes,
    FeastType,
    Float32,
    Float64,
    Int32,
    Int64,
    String,
    UnixTimestamp,
)

from pitwall.errors import StoreError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EntityKey = tuple[Any, ...]
"""Values of a view's join keys, in the view's order."""

_SCALARS: dict[FeastType, tuple[str, str]] = {
    String: ("text", "string_val"),
    Bytes: ("blob", "bytes_val"),
    Bool: ("boolean", "bool_val"),
    Int32: ("int", "int32_val"),
    Int64: ("bigint", "int64_val"),
    Float32: ("float", "float_val"),
    Float64: ("double", "double_val"),
    UnixTimestamp: ("bigint", "unix_timestamp_val"),
}
"""CQL type and field of Feast's `Value` for each scalar type.

A timestamp is a number of whole seconds since the epoch, as in Feast: Feast's null among timestamps
is −2⁶³, which the CQL type `timestamp` cannot hold."""


def cql_type(dtype: FeastType) -> str:
    """The CQL type of a column. Raises `StoreError` for a type that the store cannot hold."""
    if isinstance(dtype, Array) and dtype.base_type in _SCALARS:
        return f"frozen<list<{cql_type(dtype.base_type)}>>"
    if dtype not in _SCALARS:
        raise StoreError(
            f"feature type {dtype} is not supported by the Cassandra store; "
            "use a scalar or a list of scalars"
        )
    return _SCALARS[dtype][0]


def from_proto(value: ValueProto) -> Any:
    """The Python value that the Cassandra driver writes; None for null."""
    field = value.WhichOneof("val")
    if field is None or field == "null_val":
        return None
    inner = getattr(value, field)
    return list(inner.val) if field.endswith("_list_val") else inner


def to_proto(dtype: FeastType) -> Callable[[Any], ValueProto]:
    """A function from a value that the Cassandra driver read to Feast's value.

    It gives an empty `Value` for null.
    """
    if isinstance(dtype, Array):
        list_field = _SCALARS[dtype.base_type][1].replace("_val", "_list_val")

        def make_list(value: Any) -> ValueProto:
            proto = ValueProto()
            if value is not None:
                target = getattr(proto, list_field)
                target.SetInParent()
                target.val.extend(value)
            return proto

        return make_list
    field = _SCALARS[dtype][1]
    if field == "double_val":
        return _double
    return lambda value: ValueProto() if value is None else ValueProto(**{field: value})


def _double(value: float | None) -> ValueProto:
    # Most features are doubles; setting the field takes half the time of a keyword argument.
    proto = ValueProto()
    if value is not None:
        proto.double_val = value
    return proto


def key_to_read(join_keys: list[str], entity: EntityKeyProto) -> EntityKey | None:
    """The values of `join_keys` in their order; None for a key that no row can have.

    That is a key of which a part is missing or null, and an empty text that is the whole key.
    """
    given = dict(zip(entity.join_keys, entity.entity_values, strict=True))
    values = tuple(from_proto(given[name]) if name in given else None for name in join_keys)
    return None if None in values or values in (("",), (b"",)) else values


def entity_key(view: FeatureView, join_keys: list[str], entity: EntityKeyProto) -> EntityKey:
    """The values of `join_keys` in their order. Raises `StoreError` when one of them is null."""
    given = dict(zip(entity.join_keys, entity.entity_values, strict=True))
    values = tuple(from_proto(given[name]) for name in join_keys)
    if None in values:
        raise StoreError(
            f"the entity key {join_keys[values.index(None)]!r} of view {view.name!r} is null; "
            "give a value"
        )
    return values
