"""Feast's value types in CQL, and values both ways."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

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

_SCALARS: dict[FeastType, tuple[str, str]] = {
    String: ("text", "string_val"),
    Bytes: ("blob", "bytes_val"),
    Bool: ("boolean", "bool_val"),
    Int32: ("int", "int32_val"),
    Int64: ("bigint", "int64_val"),
    Float32: ("float", "float_val"),
    Float64: ("double", "double_val"),
    UnixTimestamp: ("timestamp", "unix_timestamp_val"),
}
_LIST_FIELDS = {field: field.replace("_val", "_list_val") for _, field in _SCALARS.values()}


def cql_type(dtype: FeastType) -> str:
    """The CQL column type. Raises `StoreError` for a type the store does not hold."""
    if isinstance(dtype, Array):
        return f"frozen<list<{cql_type(dtype.base_type)}>>"
    if dtype not in _SCALARS:
        raise StoreError(f"feature type {dtype} is not supported by the Cassandra store; use a scalar or a list of one")
    return _SCALARS[dtype][0]


def from_proto(value: ValueProto) -> Any:
    """The Python value the driver writes; None for null."""
    field = value.WhichOneof("val")
    if field is None or field == "null_val":
        return None
    inner = getattr(value, field)
    if field.endswith("_list_val"):
        items = list(inner.val)
        return [_instant(x) for x in items] if field == "unix_timestamp_list_val" else items
    return _instant(inner) if field == "unix_timestamp_val" else inner


def to_proto(value: Any, dtype: FeastType) -> ValueProto:
    """The proto of a value the driver read; an empty proto for null."""
    proto = ValueProto()
    if value is None:
        return proto
    if isinstance(dtype, Array):
        field = _SCALARS[dtype.base_type][1]
        items = [_seconds(x) for x in value] if dtype.base_type == UnixTimestamp else list(value)
        target = getattr(proto, _LIST_FIELDS[field])
        target.SetInParent()
        target.val.extend(items)
        return proto
    setattr(proto, _SCALARS[dtype][1], _seconds(value) if dtype == UnixTimestamp else value)
    return proto


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _seconds(value: datetime) -> int:
    return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
