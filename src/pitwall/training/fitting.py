"""Fits an estimator of any package, so that one that cannot learn says why in one line."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pitwall.errors import ModelError, listed


def fit(estimator: Any, X: pd.DataFrame, y: pd.Series) -> Any:
    """The estimator, fitted on the inputs `X` and the labels `y`.

    Raises `ModelError` where it raises anything, with its reason and the inputs without a value.
    """
    try:
        return estimator.fit(X, y)
    except ModelError:
        raise
    except Exception as error:
        empty = [name for name in X.columns if X[name].isna().all()]
        hint = f"; no row has a value of {listed(empty, 5)}: train on sessions that send them"
        reason = next(iter(str(error).splitlines()), "")
        raise ModelError(
            f"{type(estimator).__name__} cannot learn from {len(X):,} rows: "
            f"{type(error).__name__}: {reason}{hint if empty else ''}"
        ) from error
