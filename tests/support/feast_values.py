"""Values of every type that Feast has, with the type of their feature."""

from __future__ import annotations

import math
import struct
from typing import Any

from feast.protos.feast.types.Value_pb2 import (
    BoolList,
    BoolSet,
    BytesList,
    DoubleList,
    DoubleSet,
    FloatList,
    Int32List,
    Int64List,
    Int64Set,
    Map,
    MapList,
    RepeatedValue,
    ScalarMap,
    StringList,
    StringSet,
    Value,
    ZonedTimestamp,
)
from feast.types import (
    Array,
    Bool,
    Bytes,
    Decimal,
    Float32,
    Float64,
    ImageBytes,
    Int32,
    Int64,
    Json,
    PdfBytes,
    Set,
    String,
    Struct,
    TimeUuid,
    UnixTimestamp,
    Uuid,
)
from feast.types import Map as MapType
from feast.types import ScalarMap as ScalarMapType
from feast.types import ZonedTimestamp as ZonedTimestampType

ID = "0195f3c2-8b8e-7cc3-98c4-dc0c0c07398f"
MAP = Map(val={"a": Value(double_val=1.5), "b": Value(string_val="ü"), "c": Value(map_val=Map())})

VALUES: list[tuple[Any, Value]] = [
    (Float64, Value(double_val=0.1)),
    (Float64, Value(double_val=-0.0)),
    (Float64, Value(double_val=5e-324)),
    (Float64, Value(double_val=math.nan)),
    (Float64, Value(double_val=-math.inf)),
    (Float32, Value(float_val=struct.unpack("f", struct.pack("f", 0.1))[0])),
    (Int32, Value(int32_val=-(2**31))),
    (Int64, Value(int64_val=2**63 - 1)),
    (Bool, Value(bool_val=True)),
    (Bool, Value(bool_val=False)),
    (String, Value(string_val="Zürich \U0001f3ce 'quoted'\n")),
    (String, Value(string_val="")),
    (Bytes, Value(bytes_val=bytes(range(256)))),
    (UnixTimestamp, Value(unix_timestamp_val=1_777_636_800)),
    (UnixTimestamp, Value(unix_timestamp_val=-(2**63))),
    (Array(Float64), Value(double_list_val=DoubleList(val=[1.5, math.nan, -0.0]))),
    (Array(Float64), Value(double_list_val=DoubleList(val=[]))),
    (Array(Float32), Value(float_list_val=FloatList(val=[0.5, 2.0]))),
    (Array(Int32), Value(int32_list_val=Int32List(val=[1, -1]))),
    (Array(Int64), Value(int64_list_val=Int64List(val=[2**62]))),
    (Array(String), Value(string_list_val=StringList(val=["a", "", "ü"]))),
    (Array(Bytes), Value(bytes_list_val=BytesList(val=[b"", b"\0"]))),
    (Array(Bool), Value(bool_list_val=BoolList(val=[True, False]))),
    (Array(UnixTimestamp), Value(unix_timestamp_list_val=Int64List(val=[0, -1]))),
    (Float64, Value()),
    (Array(String), Value()),
    (PdfBytes, Value(bytes_val=b"%PDF-1.7\0")),
    (ImageBytes, Value(bytes_val=b"\x89PNG\0")),
    (Json, Value(json_val='{"wing": [1, null], "é": ""}')),
    (Uuid, Value(uuid_val=ID)),
    (TimeUuid, Value(time_uuid_val=ID)),
    (Decimal, Value(decimal_val="-0.10")),
    (Array(Json), Value(json_list_val=StringList(val=["{}", "[1]"]))),
    (Array(Uuid), Value(uuid_list_val=StringList(val=[ID]))),
    (Array(TimeUuid), Value(time_uuid_list_val=StringList(val=[ID, ID]))),
    (Array(Decimal), Value(decimal_list_val=StringList(val=["1", "1.0"]))),
    (Set(Float64), Value(double_set_val=DoubleSet(val=[2.0, 1.0]))),
    (Set(Int64), Value(int64_set_val=Int64Set(val=[3, -1]))),
    (Set(Bool), Value(bool_set_val=BoolSet(val=[True]))),
    (Set(String), Value(string_set_val=StringSet(val=["b", "a"]))),
    (Set(Uuid), Value(uuid_set_val=StringSet(val=[ID]))),
    (Set(Decimal), Value(decimal_set_val=StringSet(val=[]))),
    (Set(UnixTimestamp), Value(unix_timestamp_set_val=Int64Set(val=[5]))),
    (MapType, Value(map_val=MAP)),
    (MapType, Value(map_val=Map())),
    (MapType, Value()),
    (Array(MapType), Value(map_list_val=MapList(val=[MAP, Map()]))),
    (Struct({"a": Float64, "b": String}), Value(struct_val=MAP)),
    (Array(Struct({"a": Float64})), Value(struct_list_val=MapList(val=[MAP]))),
    (
        Array(Array(Int64)),
        Value(
            list_val=RepeatedValue(
                val=[Value(int64_list_val=Int64List(val=[1, 2])), Value(int64_list_val=Int64List())]
            )
        ),
    ),
    (
        Set(Array(String)),
        Value(set_val=RepeatedValue(val=[Value(string_list_val=StringList(val=["x"]))])),
    ),
    (ScalarMapType, Value(scalar_map_val=ScalarMap())),
    (ZonedTimestampType, Value(zoned_timestamp_val=ZonedTimestamp())),
]
"""A type, and a value of it or null."""
