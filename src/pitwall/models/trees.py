"""Gradient-boosted trees as flat arrays, walked by compiled code (`pitwall.models.walk`).

One row costs some microseconds (1,220 µs in scikit-learn) and gives the estimator's very bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Rows(Protocol):
    """Predicts rows of shape (n, inputs), NaN for null, as values of shape (n,)."""

    def predict_rows(self, rows: Array) -> Array:
        """One value for each row."""


class FlatTrees:
    """All trees of a fitted `HistGradientBoostingRegressor`, for `walk`.

    The children of a node lie side by side; a leaf leads to itself. A missing value compares as not
    greater and goes left. A node that sends missing values right looks at a copy of the row in
    which they are infinite; where its threshold is infinite, at a copy that says whether they are
    missing. Tree values are added in the estimator's order, so that the sum has the same bits.
    Raises `ValueError` for categorical splits and for a loss whose link is not the identity.
    """

    def __init__(self, model: Any) -> None:
        # Numba takes a second to import, and not every process asks a model.
        from pitwall.models.walk import AT_ONCE, walk

        if (
            model._baseline_prediction.size != 1
            or type(model._loss.link).__name__ != "IdentityLink"
        ):
            raise ValueError("only regression with an identity link can be flattened")
        trees = [tree.nodes for (tree,) in model._predictors]
        if any(nodes["is_categorical"].any() for nodes in trees):
            raise ValueError("trees with categorical splits cannot be flattened")
        total = sum(len(nodes) for nodes in trees)
        self._feature = np.zeros(total, np.int32)
        self._threshold = np.full(total, np.inf)
        self._left = np.arange(total, dtype=np.int32)
        self._value = np.zeros(total)
        self._inputs = int(model.n_features_in_)
        self._roots = np.empty(len(trees), np.int32)
        begin = 0
        for t, nodes in enumerate(trees):
            self._roots[t] = begin
            self._place(nodes, begin)
            begin += len(nodes)
        depths = np.array([nodes["depth"].max() for nodes in trees], np.int32)
        firsts = range(0, len(trees), AT_ONCE)
        self._depths = np.array([depths[t : t + AT_ONCE].max() for t in firsts], np.int32)
        self._walk = walk
        self._start = float(model._baseline_prediction.item())

    def _place(self, nodes: NDArray[np.void], begin: int) -> None:
        """Write one tree from `begin` on, breadth first."""
        queue, free = [(0, begin)], begin + 1
        for source, target in queue:
            node = nodes[source]
            self._value[target] = node["value"]
            if node["is_leaf"]:
                continue
            only_missing = np.isposinf(node["num_threshold"])
            copy = 0 if node["missing_go_to_left"] else 2 if only_missing else 1
            self._feature[target] = copy * self._inputs + int(node["feature_idx"])
            self._threshold[target] = 0.5 if copy == 2 else node["num_threshold"]
            self._left[target] = free
            queue += [(int(node["left"]), free), (int(node["right"]), free + 1)]
            free += 2

    def predict_rows(self, rows: Array) -> Array:
        """Values for rows of shape (n, inputs), float64."""
        if rows.shape[1] != self._inputs:
            raise ValueError(f"rows have {rows.shape[1]} inputs; the trees have {self._inputs}")
        values = np.empty(len(rows))
        self._walk(
            rows,
            self._roots,
            self._depths,
            self._feature,
            self._threshold,
            self._left,
            self._value,
            self._start,
            values,
        )
        return values


def compiled(model: Any) -> Rows:
    """The fastest exact way to ask a fitted model for rows.

    That is flat trees, else its own `predict_rows`, else its `predict`. A model with trees
    (`trees_`) and a method that makes their rows (`prepare`) is asked through both.
    """
    try:
        if type(model).__name__ == "HistGradientBoostingRegressor":
            return FlatTrees(model)
        if hasattr(model, "trees_") and hasattr(model, "prepare"):
            return _Prepared(model.prepare, FlatTrees(model.trees_))
    except ValueError:
        return _Plain(model)
    return model if hasattr(model, "predict_rows") else _Plain(model)


class _Prepared:
    def __init__(self, prepare: Callable[[Array], Array], trees: FlatTrees) -> None:
        self._prepare, self._trees = prepare, trees

    def predict_rows(self, rows: Array) -> Array:
        """Values of the trees for the rows that `prepare` makes of these."""
        return self._trees.predict_rows(self._prepare(rows))


class _Plain:
    def __init__(self, model: Any) -> None:
        self._model = model

    def predict_rows(self, rows: Array) -> Array:
        """Values by way of a frame, as the model was fitted."""
        import pandas as pd

        names = getattr(self._model, "feature_names_in_", getattr(self._model, "columns_", None))
        return np.asarray(
            self._model.predict(rows if names is None else pd.DataFrame(rows, columns=list(names)))
        )
