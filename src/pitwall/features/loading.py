"""Reads the feature sets of a feature repository."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from pitwall.channels.table import union
from pitwall.errors import UsageError
from pitwall.features.definitions import FeatureSet


def load(feature_repo: Path) -> list[FeatureSet]:
    """The feature sets of `feature_repo/features.py`, in their order, without importing Feast.

    A session belongs to the first set whose pattern its vehicle matches, and the last set takes
    every vehicle. All sets know the channels of all. Raises `UsageError` when the file or its sets
    are missing, when two sets have one name, when a set leaves no vehicle to those after it, when
    the last one does not take every vehicle, and when channels or reference laps are wrong.
    """
    path = feature_repo / "features.py"
    if not path.exists():
        raise UsageError(
            f"no features.py in {feature_repo}; set PITWALL_REPOSITORY to the checkout"
        )
    spec = importlib.util.spec_from_file_location("pitwall_feature_definitions", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sets = list(
        dict.fromkeys(value for value in vars(module).values() if isinstance(value, FeatureSet))
    )
    _check(path, sets)
    channels = union(*(features.own for features in sets))
    for features in sets:
        features.repo, features.channels = feature_repo, channels
        features.references  # noqa: B018 - reads the reference laps now, so that a bad one is named
    return sets


def _check(path: Path, sets: list[FeatureSet]) -> None:
    if not sets:
        raise UsageError(
            f'{path} defines no feature set; define one: NAME = FeatureSet("name", ...)'
        )
    names = [features.name for features in sets]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"{path}: two feature sets are named {name!r}; give each a name of its own"
            )
    for features, following in zip(sets, names[1:], strict=False):
        if features.vehicles == "*":
            raise UsageError(
                f"{path}: set {features.name!r} takes every vehicle and leaves none "
                f"to {following!r}; put it last"
            )
    if sets[-1].vehicles != "*":
        raise UsageError(
            f"{path}: the last set, {names[-1]!r}, takes vehicles {sets[-1].vehicles!r} only; "
            'let the last one take "*"'
        )
