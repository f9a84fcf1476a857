"""Predictions for many feature rows at once, by one model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pitwall.features.topic import FeatureRow
from pitwall.kafka.wire import iso
from pitwall.serving.prediction import Prediction
from pitwall.serving.registry import Model
from pitwall.serving.served import Served


def input_matrix(rows: list[FeatureRow], model: Model) -> NDArray[np.float64]:
    """The model's inputs of these rows, shape (rows, inputs).

    NaN stands for null and for a feature that a row does not hold.
    """
    matrix = np.full((len(rows), len(model.inputs)), np.nan)
    places: dict[tuple[str, ...], list[int]] = {}
    for i, row in enumerate(rows):
        place = places.get(row.names)
        if place is None:
            index = {name: n for n, name in enumerate(row.names)}
            place = places[row.names] = [index.get(name, len(row.names)) for name in model.inputs]
        matrix[i] = np.append(row.values, np.nan)[place]
    return matrix


def predictions_of(
    rows: list[FeatureRow], matrix: NDArray[np.float64], model: Model
) -> list[Prediction]:
    """Predictions for these rows and their `input_matrix`; none for a value that is not finite."""
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
        for row, (value, low, high) in zip(rows, model.values(matrix), strict=True)
        if np.isfinite(value)
    ]


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
