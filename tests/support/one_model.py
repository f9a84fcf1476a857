"""An endpoint's parts with one model, which was fitted here, and without servers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from pitwall.models.loading import Interval
from pitwall.models.trees import compiled
from pitwall.serving.registry import Model

INPUTS = tuple(f"feature_{number}" for number in range(100))


class Registry:
    """A registry that serves one model."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def get(self, name: str) -> Model:
        return self._model


class Outbox:
    async def keep(self, predictions: list[Any], served: list[Any]) -> list[str]:
        return ["id"] * len(predictions)


@cache
def fitted() -> tuple[Any, Any]:
    """Boosted trees over 100 inputs, and the rows that they learned from."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, len(INPUTS)))
    trees = HistGradientBoostingRegressor(max_iter=20, random_state=0)
    with threadpool_limits(1):
        return trees.fit(rows, rows[:, 0] + rng.normal(size=200)), rows


def model(**changed: Any) -> Model:
    trees, rows = fitted()
    interval = Interval(0.9, None, np.array([]), np.array([0.5]))
    fields: dict[str, Any] = {
        **{"name": "m", "version": 1, "unit": "s", "feature_service": "f", "definitions": "d"},
        **{"run": "", "inputs": INPUTS, "interval": interval, "model": trees},
        **{"rows": compiled(trees), "example": rows[:3], "meanings": {}, "role": "champion"},
        **{"background": np.zeros(len(INPUTS)), "slow": False, "circuit": None},
    }
    return Model(**{**fields, **changed})


class Schemas:
    """The schemas topic before anything was read of it."""

    newest: Mapping[str, Any] = {}
