"""Feast's feature views as the Parquet join needs them."""

from __future__ import annotations

from typing import Any, get_args

import pyarrow as pa
from feast import FeatureView, FileSource, RepoConfig
from feast.data_source import DataSource
from feast.feature_view import DUMMY_ENTITY_ID
from feast.types import Array, Bool, Bytes, Float32, Float64, Int32, Int64, String, UnixTimestamp

from pitwall.errors import StoreError
from pitwall.stores.offline.files import place
from pitwall.stores.offline.join import Feature, View
from pitwall.stores.offline.scan import MICROS, Columns
from pitwall.stores.offline.timeline import Known

_TYPES: dict[Any, pa.DataType] = {
    String: pa.string(),
    Bytes: pa.binary(),
    Bool: pa.bool_(),
    Int32: pa.int32(),
    Int64: pa.int64(),
    Float32: pa.float32(),
    Float64: pa.float64(),
    UnixTimestamp: MICROS,
}


def source_of(source: DataSource | None) -> FileSource:
    """The source, if it is one of files; else raises `StoreError`."""
    if not isinstance(source, FileSource):
        raise StoreError(
            f"source {getattr(source, 'name', source)!r} is no FileSource; the Parquet store reads folders of Parquet files"
        )
    return source


def arrow_type(kind: Any) -> pa.DataType | None:
    """Feast's type in Arrow; None (as in the files) for those without one counterpart."""
    if isinstance(kind, Array):
        inner = arrow_type(kind.base_type)
        return None if inner is None else pa.list_(inner)
    return _TYPES.get(kind)


def as_view(
    config: RepoConfig, view: FeatureView, refs: list[str], full_names: bool, by_created: bool
) -> View:
    """What the join needs of `view`: the features that `refs` name, the columns' names in its files, and which clock counts."""
    source = source_of(view.batch_source)
    in_files = {new: old for old, new in source.field_mapping.items()}
    types = {field.name: arrow_type(field.dtype) for field in view.features}
    name = view.projection.name_to_use()
    prefix = f"{view.projection.name_alias or view.name}__" if full_names else ""
    features = tuple(
        Feature(in_files.get(each, each), prefix + each, types.get(each))
        for each in dict.fromkeys(
            ref.split(":", 1)[1] for ref in refs if ref.split(":", 1)[0] == name
        )
    )
    entities = {column.name: column.dtype for column in view.entity_columns}
    keys = {
        key: arrow_type(entities[key]) or pa.string()
        for key in view.join_keys
        if key != DUMMY_ENTITY_ID
    }
    given = {in_files.get(key, key): view.projection.join_key_map.get(key, key) for key in keys}
    columns = Columns(
        {in_files.get(key, key): kind for key, kind in keys.items()},
        source.timestamp_field,
        source.created_timestamp_column or None,
    )
    ttl_us = int(view.ttl.total_seconds() * 1_000_000) if view.ttl else None
    where = place(source.path, source.s3_endpoint_override or "", config.repo_path)
    return View(
        view.name, where, columns, given, features, ttl_us, _known(config, source, by_created)
    )


def _known(config: RepoConfig, source: FileSource, by_created: bool) -> Known:
    said = source.tags.get("known_at", "created")
    if said not in get_args(Known):
        raise StoreError(
            f"source {source.name!r} has the tag known_at: {said!r}; there are {', '.join(get_args(Known))}"
        )
    if not source.created_timestamp_column:
        return "event"
    if by_created:
        return "created"
    rule: Known = said
    return rule if config.offline_store.as_known_at else "event"
