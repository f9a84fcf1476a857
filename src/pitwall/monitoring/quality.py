"""How good the features are: their distributions where a model learned, since, and as served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from pitwall.errors import ModelError, StackError
from pitwall.features import load
from pitwall.models import registry as models
from pitwall.models.circuit import of_tags
from pitwall.monitoring.feature_use import inputs_of_version
from pitwall.serving.served import logged
from pitwall.settings import Settings
from pitwall.stores.offline.distributions import Distribution, distributions, medians, of_values
from pitwall.training.duel import artifact
from pitwall.training.laps import choose

Array = NDArray[np.float64]
FALSE_ALARMS = 0.05
"""How often any input of a model is said to have moved although none has."""
MOST_SERVED = 200_000
"""Vectors of the served log that are looked at, the newest."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of a champion, each with its distributions by the set of rows.

    The sets are `learned` (the sessions that it learned from), `since` (later sessions of the same
    circuit) and `served` (what it was asked with; not there where Kafka does not answer).
    """

    model: str
    version: int
    view: str
    sets: dict[str, dict[str, Distribution]]
    """By set, by input."""
    sessions: dict[str, int]
    """Number of sessions in `learned` and `since`."""
    moved: dict[str, float]
    """Of each input that moved: the share of chance in that, after all inputs were counted."""
    told: bool
    """Whether there are sessions enough to tell a move at all."""


def inputs_of(settings: Settings, name: str) -> Inputs:
    """The inputs of the champion `name`.

    Raises `ModelError` where there is no champion, or no view that has its inputs.
    """
    registry = models.client(settings)
    champion = models.by_alias(registry, name, "champion")
    if champion is None:
        raise ModelError(f"model {name!r} has no champion; train it: ./pitwall train {name}")
    names = inputs_of_version(name, champion.version)
    view = next((s.name for s in load(settings.feature_repo) if set(names) <= set(s.names)), None)
    if view is None:
        raise ModelError(
            f"no feature set has all inputs of {name}, version {champion.version}; train it again"
        )
    rows = pd.read_parquet(
        artifact(registry, champion.run_id, "entity_rows.parquet"), columns=["vehicle", "session"]
    )
    learned = set(rows.drop_duplicates().itertuples(index=False, name=None))
    laps = choose(settings, circuit=of_tags(champion.tags)).laps
    known = set(laps[["vehicle", "session"]].drop_duplicates().itertuples(index=False, name=None))
    since = known - learned
    middles = medians(settings, view, names)
    keys = list(middles[["vehicle", "session"]].itertuples(index=False, name=None))
    before, after = (
        middles.loc[[key in wanted for key in keys], names] for wanted in (learned, since)
    )
    sets = {
        "learned": distributions(settings, view, names, sorted({s for _, s in learned})),
        "since": distributions(settings, view, names, sorted({s for _, s in since})),
    }
    if (served := _served(settings, champion.tags["feature_service"], names)) is not None:
        sets["served"] = served
    return Inputs(
        name,
        int(champion.version),
        view,
        sets,
        {"learned": len(before), "since": len(after)},
        moved(before, after),
        can_be_told(len(before), len(after), len(names)),
    )


def moved(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, float]:
    """The features whose middle values by session moved, with the chance that none has.

    Both frames have a row a session and a column a feature. Sessions are what can be exchanged:
    rows and laps of one session have their driver, car and weather in common. The test is that of
    Mann and Whitney, two-sided and exact where there are no ties; by Holm's correction any feature
    at all is named by mistake with a chance of `FALSE_ALARMS` at most.
    """
    chances = {}
    for name in before.columns:
        one, other = (frame[name].dropna().to_numpy(float) for frame in (before, after))
        if len(one) and len(other):
            chances[name] = float(mannwhitneyu(one, other, alternative="two-sided").pvalue)
    found: dict[str, float] = {}
    highest = 0.0
    for place, name in enumerate(sorted(chances, key=lambda name: chances[name])):
        highest = max(highest, chances[name] * (len(chances) - place))
        if highest > FALSE_ALARMS:
            break
        found[name] = highest
    return found


def can_be_told(before: int, after: int, features: int) -> bool:
    """Whether so many sessions can tell a move of one of so many features."""
    return 2 / comb(before + after, before) * features <= FALSE_ALARMS


def _served(
    settings: Settings, service: str, names: Sequence[str]
) -> dict[str, Distribution] | None:
    """What models of a feature service were asked with; None where Kafka does not answer."""
    vectors: list[dict[str, Any]] = []
    try:
        for vector in logged(settings):
            if vector.service == service and vector.source != "online":
                vectors.append(dict(zip(vector.names, vector.values, strict=True)))
                if len(vectors) >= 2 * MOST_SERVED:
                    del vectors[:-MOST_SERVED]
    except StackError:
        return None
    newest = vectors[-MOST_SERVED:]
    return {
        name: of_values(np.array([vector.get(name) for vector in newest], dtype=float))
        for name in names
    }
