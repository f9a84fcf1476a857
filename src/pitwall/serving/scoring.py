"""Predictions for many feature rows at once, by one model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pitwall.features.topic import FeatureRow
from pitwall.kafka.wire import iso
from pitwall.serving.prediction import Prediction
from pitwall.serving.registry import Model, Value
from pitwall.serving.served import Served


class Unfit(NamedTuple):
    """Rows that a model cannot be asked about, all for one reason."""

    rows: int
    reason: str
    """A sentence that names the first of the rows."""


def usable(
    rows: list[FeatureRow], model: Model, unfit: Callable[[Unfit], None] = lambda unfit: None
) -> tuple[list[FeatureRow], NDArray[np.float64]]:
    """The rows that have all inputs of the model, and their `input_matrix`.

    A row of another view or of other columns may lack an input; a null is no lack. `unfit` is told
    of those left out.
    """
    missing: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        if row.names not in missing:
            missing[row.names] = [name for name in model.inputs if name not in row.names]
    lacking = [row for row in rows if missing[row.names]]
    if lacking:
        first = lacking[0]
        unfit(
            Unfit(
                len(lacking),
                f"rows of {first.view} lack the input {missing[first.names][0]!r} of "
                f"{model.name} version {model.version}; train it again, or restore the feature",
            )
        )
        rows = [row for row in rows if not missing[row.names]]
    return rows, input_matrix(rows, model)


def input_matrix(rows: list[FeatureRow], model: Model) -> NDArray[np.float64]:
    """The model's inputs of these rows, shape (rows, inputs); NaN stands for null.

    Raises `KeyError` for a row that does not hold one of the inputs.
    """
    matrix = np.full((len(rows), len(model.inputs)), np.nan)
    places: dict[tuple[str, ...], list[int]] = {}
    for i, row in enumerate(rows):
        place = places.get(row.names)
        if place is None:
            index = {name: n for n, name in enumerate(row.names)}
            place = places[row.names] = [index[name] for name in model.inputs]
        matrix[i] = row.values[place]
    return matrix


def predictions_of(
    rows: list[FeatureRow], matrix: NDArray[np.float64], model: Model
) -> list[Prediction]:
    """Predictions for these rows and their `input_matrix`.

    There is none for a row that the model refuses, and none where value or interval is not finite.
    """
    return [
        Prediction(
            model.name,
            model.version,
            row.vehicle,
            row.session,
            row.event_time,
            iso(row.created_us),
            value,
            low,
            high,
            model.unit,
            model.feature_service,
            model.definitions,
            "stream",
            model.role,
        )
        for row, (value, low, high) in zip(rows, _values(matrix, model), strict=True)
        if math.isfinite(value) and math.isfinite(low) and math.isfinite(high)
    ]


def _values(matrix: NDArray[np.float64], model: Model) -> list[Value]:
    """Value and interval of each row; NaN for a row that the model refuses.

    Where the model refuses the rows together, each half is tried for itself: a null of one car
    costs the others nothing.
    """
    try:
        return model.values(matrix)
    except ValueError:
        if len(matrix) == 1:
            return [(math.nan, math.nan, math.nan)]
        half = len(matrix) // 2
        return _values(matrix[:half], model) + _values(matrix[half:], model)


def served_of(
    rows: list[FeatureRow], matrix: NDArray[np.float64], model: Model
) -> Iterator[Served]:
    """The vectors that the model was asked with, for the log of what was served."""
    for row, values in zip(rows, matrix.tolist(), strict=True):
        yield Served(
            model.feature_service,
            row.view,
            row.vehicle,
            row.session,
            row.event_us,
            model.inputs,
            values,
            "stream",
        )
