"""Reads the feature sets of a feature repository."""

from __future__ import annotations

import importlib.util
import traceback
from pathlib import Path
from typing import Any

from pitwall.channels.table import union
from pitwall.errors import UsageError
from pitwall.features.definitions import FeatureSet


def load(feature_repo: Path) -> list[FeatureSet]:
    """The feature sets of `feature_repo/features.py`, in their order, without importing Feast.

    A session belongs to the first set whose pattern its vehicle matches, and the last set takes
    every vehicle. All sets know the channels of all. Raises `UsageError`, with file and line, when
    the file or its sets are missing, when a definition is refused or the file cannot be run, when
    two sets have one name, when a set leaves no vehicle to those after it, when the last one does
    not take every vehicle, and when channels or reference laps are wrong.
    """
    path = feature_repo / "features.py"
    if not path.exists():
        raise UsageError(
            f"no features.py in {feature_repo}; set PITWALL_REPOSITORY to the checkout"
        )
    sets = list(
        dict.fromkeys(value for value in _run(path).values() if isinstance(value, FeatureSet))
    )
    _check(path, sets)
    try:
        channels = union(*(features.own for features in sets))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    for features in sets:
        features.repo, features.channels = feature_repo, channels
        features.check_names()
        try:
            features.references  # noqa: B018 - reads the reference laps now, so that a bad one is named
        except UsageError as error:
            raise UsageError(f"{features.place}: {error}") from error
    return sets


def _run(path: Path) -> dict[str, Any]:
    """The names that a file of definitions defines."""
    spec = importlib.util.spec_from_file_location("pitwall_feature_definitions", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except UsageError:
        raise
    except SyntaxError as error:
        raise UsageError(f"{error.filename}:{error.lineno}: {error.msg}") from error
    except Exception as error:
        calls = traceback.extract_tb(error.__traceback__)
        line = next((call.lineno for call in reversed(calls) if call.filename == str(path)), None)
        raise UsageError(f"{path}:{line}: {type(error).__name__}: {error}") from error
    return vars(module)


def _check(path: Path, sets: list[FeatureSet]) -> None:
    if not sets:
        raise UsageError(
            f'{path} defines no feature set; define one: NAME = FeatureSet("name", ...)'
        )
    names = [features.name for features in sets]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise UsageError(
                f"{sets[number].place}: two feature sets are named {name!r}; "
                "give each a name of its own"
            )
    for features, following in zip(sets, names[1:], strict=False):
        if features.vehicles == "*":
            raise UsageError(
                f"{features.place}: set {features.name!r} takes every vehicle and leaves none "
                f"to {following!r}; put it last"
            )
    if sets[-1].vehicles != "*":
        raise UsageError(
            f"{sets[-1].place}: the last set, {names[-1]!r}, takes vehicles "
            f'{sets[-1].vehicles!r} only; let the last one take "*"'
        )
