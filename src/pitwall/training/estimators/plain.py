"""Plain estimators that a task takes as baselines."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from pitwall.training.estimators.trees import boosted

Array = NDArray[np.float64]


class Linear(RegressorMixin, BaseEstimator):
    """Ridge regression on the named columns, standardized.

    A missing value counts as the column's mean.
    """

    def __init__(self, columns: tuple[str, ...] = (), alpha: float = 1.0) -> None:
        self.columns = columns
        self.alpha = alpha

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn one weight for each column."""
        self.columns_ = list(X.columns)
        self.at_ = [self.columns_.index(name) for name in self.columns]
        values, target = X.to_numpy(float)[:, self.at_], np.asarray(y, float)
        there = np.isfinite(values)
        count = np.maximum(there.sum(axis=0), 1)
        self.mean_ = np.where(there, values, 0).sum(axis=0) / count
        centered = np.where(there, values - self.mean_, 0)
        self.scale_ = np.sqrt((centered**2).sum(axis=0) / count)
        self.scale_[self.scale_ == 0] = 1.0
        z = centered / self.scale_
        self.intercept_ = float(target.mean())
        self.weights_ = np.linalg.solve(
            z.T @ z + self.alpha * np.eye(len(self.at_)), z.T @ (target - self.intercept_)
        )
        return self

    def predict(self, X: pd.DataFrame) -> Array:
        """One value for each row, in the label's unit."""
        return self.predict_rows(X[self.columns_].to_numpy(float))

    def predict_rows(self, rows: Array) -> Array:
        """`predict` for an array of shape (n, inputs)."""
        values = rows[:, self.at_]
        z = np.where(np.isfinite(values), values - self.mean_, 0) / self.scale_
        return np.asarray((z * self.weights_).sum(axis=1) + self.intercept_)


class BoostedOn(RegressorMixin, BaseEstimator):
    """Boosted trees on the named inputs only: what these explain without the others."""

    def __init__(self, columns: tuple[str, ...] = (), max_iter: int = 100) -> None:
        self.columns = columns
        self.max_iter = max_iter

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn from the named columns."""
        self.columns_ = list(X.columns)
        self.at_ = [self.columns_.index(name) for name in self.columns]
        rows = self.prepare(X.to_numpy(float))
        self.trees_ = boosted(rows, np.asarray(y, float), max_iter=self.max_iter)
        return self

    def prepare(self, rows: Array) -> Array:
        """The named columns of `rows` (n, inputs)."""
        return rows[:, self.at_]

    def predict(self, X: pd.DataFrame) -> Array:
        """One value for each row, in the label's unit."""
        return np.asarray(self.trees_.predict(self.prepare(X[self.columns_].to_numpy(float))))
