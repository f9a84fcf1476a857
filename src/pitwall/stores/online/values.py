"""Feast's value types in CQL, and exact conversion of values in both directions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from feast import FeatureView
from feast.feature_view import DUMMY_ENTITY_ID
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto
from feast.types import (
    Array,
    Bool,
    Bytes,
    Decimal,
    FeastType,
    Float32,
    Float64,
    ImageBytes,
    Int32,
    Int64,
    Invalid,
    Json,
    PdfBytes,
    Set,
    String,
    TimeUuid,
    UnixTimestamp,
    Uuid,
)

from pitwall.errors import StoreError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EntityKey = tuple[Any, ...]
"""Values of a view's join keys, in the view's order."""

_SCALARS: dict[FeastType, tuple[str, str]] = {
    String: ("text", "string_val"),
    Bytes: ("blob", "bytes_val"),
    PdfBytes: ("blob", "bytes_val"),
    ImageBytes: ("blob", "bytes_val"),
    Bool: ("boolean", "bool_val"),
    Int32: ("int", "int32_val"),
    Int64: ("bigint", "int64_val"),
    Float32: ("float", "float_val"),
    Float64: ("double", "double_val"),
    UnixTimestamp: ("bigint", "unix_timestamp_val"),
    Json: ("text", "json_val"),
    Uuid: ("text", "uuid_val"),
    TimeUuid: ("text", "time_uuid_val"),
    Decimal: ("text", "decimal_val"),
}
"""CQL type and field of Feast's `Value` for each scalar type.

A timestamp is a number of whole seconds since the epoch, as in Feast: Feast's null among timestamps
is −2⁶³, which the CQL type `timestamp` cannot hold."""
_FIELDS = {field.name: field for field in ValueProto.DESCRIPTOR.fields}


def cql_type(dtype: FeastType) -> str:
    """The CQL type of a column: of a scalar its own, and a list for an array or a set of scalars.

    Any other value (a map, a struct, an array of arrays) is a blob with Feast's own bytes of it.
    Raises `StoreError` for a feature without a type.
    """
    if dtype == Invalid:
        raise StoreError("it has no type; give its field a dtype")
    if _repeated_field(dtype):
        return f"frozen<list<{cql_type(dtype.base_type)}>>"
    return _SCALARS[dtype][0] if dtype in _SCALARS else "blob"


def _repeated_field(dtype: FeastType) -> str:
    """The field of `Value` with an array or a set of scalars; empty for any other type."""
    if not isinstance(dtype, Array | Set) or dtype.base_type not in _SCALARS:
        return ""
    many = "_list_val" if isinstance(dtype, Array) else "_set_val"
    field = _SCALARS[dtype.base_type][1].removesuffix("_val") + many
    return field if field in _FIELDS else ""


def from_proto(value: ValueProto, dtype: FeastType | None = None) -> Any:
    """The Python value that the Cassandra driver writes; None for null.

    `dtype` is the type of the column; without one it is a key's, which is a scalar.
    """
    field = value.WhichOneof("val")
    if field is None or field == "null_val":
        return None
    if dtype is not None and dtype not in _SCALARS and not _repeated_field(dtype):
        return value.SerializeToString(deterministic=True)
    inner = getattr(value, field)
    return list(inner.val) if field.endswith(("_list_val", "_set_val")) else inner


def to_proto(dtype: FeastType) -> Callable[[Any], ValueProto]:
    """A function from a value that the Cassandra driver read to Feast's value.

    It gives an empty `Value` for null.
    """
    if list_field := _repeated_field(dtype):

        def make_list(value: Any) -> ValueProto:
            proto = ValueProto()
            if value is not None:
                target = getattr(proto, list_field)
                target.SetInParent()
                target.val.extend(value)
            return proto

        return make_list
    if dtype not in _SCALARS:
        return _from_bytes
    field = _SCALARS[dtype][1]
    if field == "double_val":
        return _double
    return lambda value: ValueProto() if value is None else ValueProto(**{field: value})


def _from_bytes(value: bytes | None) -> ValueProto:
    try:
        return ValueProto() if value is None else ValueProto.FromString(value)
    except Exception as error:  # DecodeError, of a package that only Feast depends on
        raise StoreError(
            "a column holds bytes that are no value of Feast; the feature had another type when "
            "they were written: give it a new name"
        ) from error


def _double(value: float | None) -> ValueProto:
    # Most features are doubles; setting the field takes half the time of a keyword argument.
    proto = ValueProto()
    if value is not None:
        proto.double_val = value
    return proto


def key_to_read(join_keys: list[str], entity: EntityKeyProto) -> EntityKey | None:
    """The values of `join_keys` in their order; None for a key of which a part is missing or null.

    A key that is one text alone is written as `_alone` says.
    """
    given = _given(entity)
    values = tuple(from_proto(given[name]) if name in given else None for name in join_keys)
    return None if None in values else _alone(values)


def entity_key(view: FeatureView, join_keys: list[str], entity: EntityKeyProto) -> EntityKey:
    """The values of `join_keys` in their order. Raises `StoreError` when one of them is null."""
    given = _given(entity)
    values = tuple(from_proto(given[name]) for name in join_keys)
    if None in values:
        raise StoreError(
            f"the entity key {join_keys[values.index(None)]!r} of view {view.name!r} is null; "
            "give a value"
        )
    return _alone(values)


def _given(entity: EntityKeyProto) -> dict[str, ValueProto]:
    """The parts of a key by name. A key of no parts is that of a view without entities."""
    if not entity.join_keys:
        return {DUMMY_ENTITY_ID: ValueProto(string_val="")}
    return dict(zip(entity.join_keys, entity.entity_values, strict=True))


def _alone(values: EntityKey) -> EntityKey:
    """The key as its table holds it.

    Cassandra takes no empty text as a whole key, and that is the key of a view without entities. It
    is kept as one zero byte, and a text that begins with zero bytes has one more.
    """
    if len(values) == 1 and isinstance(values[0], str | bytes):
        [value] = values
        zero: Any = "\0" if isinstance(value, str) else b"\0"
        if not value or value.startswith(zero):
            return (zero + value,)
    return values
