"""What a change of the feature repository does, before `feast apply` (`pitwall plan`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pitwall.errors import listed
from pitwall.features import FeatureSet, load
from pitwall.features.memory import kept_bytes
from pitwall.machine.ports import http_ok
from pitwall.monitoring.feature_use import inputs_of_models
from pitwall.settings import Settings
from pitwall.stores.repository import applied_store

if TYPE_CHECKING:
    from feast import FeatureStore

RATE_HZ = 50.0
"""Rate of a session whose state is counted."""
COLUMN_BYTES = 8
"""Bytes of one feature in one row, before compression."""


@dataclass
class ViewChange:
    """What happens to one feature view."""

    view: str
    is_new: bool = False
    is_gone: bool = False
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    """Features of the same name with another meaning: definition, unit, channel, reference lap."""
    unknown: list[str] = field(default_factory=list)
    """Features that were applied without their meaning, so that nobody knows if it changed."""
    vehicles: tuple[str, str] | None = None
    """The pattern of vehicles before and after, where it changes."""
    row_bytes: int = 0
    """Bytes that a row grows by, before compression; below zero where it shrinks."""
    state_bytes: int = 0
    """Bytes that the state of a session at `RATE_HZ` grows by for the added features."""

    @property
    def changes(self) -> bool:
        """Whether anything happens at all."""
        lists = self.added or self.removed or self.changed
        return bool(self.is_new or self.is_gone or lists or self.vehicles)

    @property
    def touched(self) -> set[str]:
        """The features whose values change for those who read them."""
        return {*self.removed, *self.changed}

    @property
    def state(self) -> str:
        """What becomes of the running job's state, in a sentence."""
        if self.is_gone:
            return "its windows and laps are dropped; stop the job by a savepoint before"
        if self.is_new:
            return "begins without state; running sessions of its vehicles begin anew in it"
        parts = []
        if self.added or self.changed:
            begins = listed([*self.added, *self.changed], 3)
            parts.append(f"{begins}: begin with what is kept of their channels, or anew")
        if self.vehicles:
            parts.append("a running session may go to another view, where it begins anew")
        return "; ".join([*parts, "all else goes on from the state"])


@dataclass
class ChangePlan:
    """What a change of the feature repository does."""

    views: list[ViewChange]
    services: dict[str, list[str]]
    """Applied feature services that name a removed or changed feature, and those features."""
    models: dict[str, list[str]] | None
    """Registered models with such an input; None where MLflow does not answer."""

    @property
    def changes(self) -> bool:
        """Whether anything happens at all."""
        return any(view.changes for view in self.views)


def change_plan(settings: Settings) -> ChangePlan:
    """Compare `feature_repo/` with the registry as it was last applied.

    Raises `UsageError`, with file and line, for definitions that `load` refuses, and `StoreError`
    where the registry cannot be read: nothing was applied yet.
    """
    sets = load(settings.feature_repo)
    store = applied_store(settings)
    applied = {view.name: view for view in store.list_feature_views() if "definitions" in view.tags}
    views = [_change(features, applied.get(features.name)) for features in sets]
    views += [
        ViewChange(name, is_gone=True, removed=[each.name for each in view.features])
        for name, view in applied.items()
        if name not in {features.name for features in sets}
    ]
    touched = {view.view: view.touched for view in views}
    inputs = inputs_of_models(settings) if http_ok(f"{settings.mlflow_url}/health") else None
    return ChangePlan(views, _services(store, touched), _models(inputs, touched))


def _change(features: FeatureSet, view: Any | None) -> ViewChange:
    if view is None:
        change = ViewChange(features.name, is_new=True, added=list(features.names))
    else:
        before = {each.name: dict(each.tags) for each in view.features}
        both = [name for name in features.names if name in before]
        known = [name for name in both if "meaning" in before[name]]
        patterns = (str(view.tags.get("vehicles", "*")), features.vehicles)
        change = ViewChange(
            features.name,
            added=[name for name in features.names if name not in before],
            removed=[name for name in before if name not in features.names],
            changed=[n for n in known if before[n]["meaning"] != features.meanings[n]],
            unknown=[name for name in both if name not in known],
            vehicles=patterns if patterns[0] != patterns[1] else None,
        )
    change.row_bytes = COLUMN_BYTES * (len(change.added) - len(change.removed))
    change.state_bytes = kept_bytes(features, RATE_HZ) - _without(features, change.added)
    return change


def _without(features: FeatureSet, names: Sequence[str]) -> int:
    """The state of a set without some of its features, bytes."""
    rest = copy(features)
    rest.features = [feature for feature in features.features if feature.name not in names]
    return kept_bytes(rest, RATE_HZ)


def _services(store: FeatureStore, touched: Mapping[str, set[str]]) -> dict[str, list[str]]:
    found = {}
    for service in store.list_feature_services():
        named = [
            each.name
            for projection in service.feature_view_projections
            for each in projection.features
            if each.name in touched.get(projection.name, set())
        ]
        if named:
            found[service.name] = named
    return found


def _models(
    inputs: Mapping[str, set[str]] | None, touched: Mapping[str, set[str]]
) -> dict[str, list[str]] | None:
    if inputs is None:
        return None
    every = set().union(*touched.values())
    return {model: sorted(names & every) for model, names in inputs.items() if names & every}
