"""Feast's feature views in the form that the point-in-time join takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
from feast import FeatureView, FileSource, RepoConfig
from feast.data_source import DataSource
from feast.feature_view import DUMMY_ENTITY_ID
from feast.types import Array, Bool, Bytes, Float32, Float64, Int32, Int64, String, UnixTimestamp

from pitwall.errors import StoreError
from pitwall.stores.offline.columns import MICROS, Columns
from pitwall.stores.offline.files import Place, place
from pitwall.stores.offline.join import Feature, View
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
    """`source`, if it is a `FileSource`. Raises `StoreError` for any other kind of source."""
    if not isinstance(source, FileSource):
        raise StoreError(
            f"source {getattr(source, 'name', source)!r} is not a FileSource; "
            "the Parquet store reads folders of Parquet files"
        )
    return source


def place_of(config: RepoConfig, source: DataSource | None) -> Place:
    """The folder or file of a source; relative paths start at the feature repository."""
    files = source_of(source)
    base = Path(config.repo_path) if config.repo_path else None
    return place(files.path, files.s3_endpoint_override or "", base)


def arrow_type(kind: Any) -> pa.DataType | None:
    """The Arrow type of a Feast type; None, which means the files' own type, where none fits."""
    if isinstance(kind, Array):
        inner = arrow_type(kind.base_type)
        return None if inner is None else pa.list_(inner)
    return _TYPES.get(kind)


def as_view(
    config: RepoConfig, view: FeatureView, refs: list[str], full_names: bool, by_created: bool
) -> View:
    """`view` with the features that `refs` ("view:feature") name, as the join takes it.

    With `full_names` the result's columns are called `view__feature`; with `by_created` a row is
    known from its created time, whatever the source's tag says.
    """
    source = source_of(view.batch_source)
    in_files = {new: old for old, new in source.field_mapping.items()}
    types = {field.name: arrow_type(field.dtype) for field in view.features}
    name = view.projection.name_to_use()
    prefix = f"{view.projection.name_alias or view.name}__" if full_names else ""
    features = tuple(
        Feature(in_files.get(feature, feature), prefix + feature, types.get(feature))
        for feature in dict.fromkeys(
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
        in_files.get(source.timestamp_field, source.timestamp_field),
        in_files.get(source.created_timestamp_column, source.created_timestamp_column) or None,
    )
    ttl_us = int(view.ttl.total_seconds() * 1_000_000) if view.ttl else None
    return View(
        name=view.name,
        place=place_of(config, source),
        columns=columns,
        given=given,
        features=features,
        ttl_us=ttl_us,
        known=_known(config, source, by_created),
    )


def _known(config: RepoConfig, source: FileSource, by_created: bool) -> Known:
    rule = source.tags.get("known_at", "created")
    if rule not in get_args(Known):
        raise StoreError(
            f"source {source.name!r} has the tag known_at: {rule!r}; "
            f"there are {', '.join(get_args(Known))}"
        )
    if not source.created_timestamp_column:
        return "event"
    if by_created:
        return "created"
    known: Known = rule
    return known if config.offline_store.as_known_at else "event"
