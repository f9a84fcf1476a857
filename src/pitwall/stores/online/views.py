"""What the store needs to know of a view of any kind: its name, keys, features and TTL."""

from __future__ import annotations

from datetime import timedelta

from feast import FeatureView, Field, RepoConfig
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_NAME
from feast.infra.online_stores.helpers import compute_versioned_name
from feast.types import String


def stored_name(config: RepoConfig, view: FeatureView) -> str:
    """The name that the view's table is kept under: with its version, as `laps@v2`, if it has one.

    Feast gives views versions where `enable_online_feature_view_versioning` is set.
    """
    versioned = config.registry.enable_online_feature_view_versioning
    name = compute_versioned_name(view, versioned)
    return name if name == view.name else f"{view.name}@{name.removeprefix(view.name + '_')}"


def keys_of(view: FeatureView) -> list[Field]:
    """The join keys of a view of any kind; empty where Feast does not know its entities yet.

    A view without entities has the key that Feast gives such views.
    """
    if not view.entity_columns and view.entities in ([], [DUMMY_ENTITY_NAME]):
        return [Field(name=DUMMY_ENTITY_ID, dtype=String)]
    return list(view.entity_columns)


def features_of(view: FeatureView) -> list[Field]:
    """The features of a view of any kind. Those of a stream view hold its keys as well."""
    keys = {field.name for field in keys_of(view)}
    return [field for field in view.features if field.name not in keys]


def ttl_of(view: FeatureView) -> timedelta | None:
    """How long a row of the view counts; None for ever, as in an on-demand view."""
    return getattr(view, "ttl", None)
