"""Feast's value types in CQL, and values both ways, exactly."""

from __future__ import annotations

from collections.abc import Callable
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
    UnixTimestamp: ("bigint", "unix_timestamp_val"),
}
"""A timestamp is whole seconds since the epoch as in Feast, whose null among them, −2⁶³, no CQL timestamp can hold."""


def cql_type(dtype: FeastType) -> str:
    """The CQL column type. Raises `StoreError` for a type the store does not hold."""
    if isinstance(dtype, Array) and dtype.base_type in _SCALARS:
        return f"frozen<list<{cql_type(dtype.base_type)}>>"
    if dtype not in _SCALARS:
        raise StoreError(
            f"feature type {dtype} is not supported by the Cassandra store; use a scalar or a list of one"
        )
    return _SCALARS[dtype][0]


def from_proto(value: ValueProto) -> Any:
    """The Python value the driver writes; None for null."""
    field = value.WhichOneof("val")
    if field is None or field == "null_val":
        return None
    inner = getattr(value, field)
    return list(inner.val) if field.endswith("_list_val") else inner


def to_proto(dtype: FeastType) -> Callable[[Any], ValueProto]:
    """Makes the proto of a value the driver read; an empty one for null."""
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
    if (
        field == "double_val"
    ):  # Nearly all features: setting it costs half of naming it to the constructor.
        return _double
    return lambda value: ValueProto() if value is None else ValueProto(**{field: value})


def _double(value: float | None) -> ValueProto:
    proto = ValueProto()
    if value is not None:
        proto.double_val = value
    return proto
