"""Values and keys on their way to Cassandra and back, without a server."""

from __future__ import annotations

from typing import Any

import pytest
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Int64List, Map, Value
from feast.types import Array, Float64, Invalid, Json, Set, String, Struct
from feast.types import Map as MapType
from feast_values import VALUES
from hypothesis import given, settings
from hypothesis import strategies as st

from pitwall.errors import StoreError
from pitwall.stores.online.values import cql_type, from_proto, key_to_read, to_proto


@pytest.mark.parametrize(("dtype", "value"), VALUES, ids=[str(dtype) for dtype, _ in VALUES])
def test_a_value_of_any_type_comes_back(dtype: Any, value: Value) -> None:
    stored = from_proto(value, dtype)
    back = to_proto(dtype)(stored)
    assert back.SerializeToString(deterministic=True) == value.SerializeToString(deterministic=True)
    assert isinstance(stored, bytes) == (cql_type(dtype) == "blob" and stored is not None)


def test_columns_have_the_type_of_their_values() -> None:
    assert cql_type(Json) == "text"
    assert cql_type(Array(Float64)) == cql_type(Set(Float64)) == "frozen<list<double>>"
    assert cql_type(Struct({"a": Float64})) == cql_type(Array(Array(String))) == "blob"
    with pytest.raises(StoreError, match="no type"):
        cql_type(Invalid)


def test_bytes_that_are_no_value_are_refused() -> None:
    """A column that held bytes, whose feature became a map."""
    with pytest.raises(StoreError, match="another type when they were written"):
        to_proto(MapType)(b"\xff\xff\xff")


def test_a_list_in_a_column_of_maps_stays_a_list() -> None:
    """A blob holds Feast's own bytes, whatever the value is."""
    value = Value(int64_list_val=Int64List(val=[1]))
    assert to_proto(MapType)(from_proto(value, MapType)) == value
    assert from_proto(Value(map_val=Map()), MapType) != from_proto(Value(), MapType)


def _key(*values: str) -> EntityKey:
    return EntityKey(
        join_keys=[f"k{i}" for i in range(len(values))],
        entity_values=[Value(string_val=value) for value in values],
    )


@settings(deadline=None)
@given(st.text(alphabet="\0a", max_size=4), st.text(alphabet="\0a", max_size=4))
def test_no_text_key_is_empty_and_no_two_are_one(one: str, other: str) -> None:
    stored = [key_to_read(["k0"], _key(text)) for text in (one, other)]
    assert all(key is not None and key[0] for key in stored)
    assert (stored[0] == stored[1]) == (one == other)


def test_a_key_of_several_parts_is_kept_as_it_is() -> None:
    assert key_to_read(["k0", "k1"], _key("", "x")) == ("", "x")
    assert key_to_read(["k0", "k1"], _key("x")) is None
