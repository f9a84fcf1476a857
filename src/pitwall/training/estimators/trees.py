"""Boosted trees of scikit-learn, fitted on whatever inputs a car sends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

Array = NDArray[np.float64]


def boosted(rows: Array, y: Array, **parameters: Any) -> HistGradientBoostingRegressor:
    """Trees fitted on rows of shape (n, inputs), NaN for null, and on labels of shape (n,).

    An input without any value is learned as a constant, at which no tree branches: scikit-learn
    fails on it. `parameters` are the regressor's own.
    """
    # Early stopping would hold out rows of the very laps it learns from.
    trees = HistGradientBoostingRegressor(early_stopping=False, random_state=0, **parameters)
    return trees.fit(np.where(np.isnan(rows).all(axis=0), 0.0, rows), y)
