"""Predictions for many feature rows at once, by one model."""

from __future__ import annotations

import math
from collections import Counter
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
    """Rows that a model was not asked about, all for one cause."""

    rows: int
    cause: str
    """`input` where an input is missing, `definitions` where it means something else now."""
    reason: str
    """A sentence with the remedy."""


def usable(
    rows: list[FeatureRow], model: Model, unfit: Callable[[Unfit], None] = lambda unfit: None
) -> tuple[list[FeatureRow], NDArray[np.float64]]:
    """The rows that have all inputs of the model as it learned them, and their `input_matrix`.

    Left out are rows whose view lacks an input (a null is no lack), and rows whose job computes an
    input by another definition than that of the training set. `unfit` is told of them.
    """
    faults: dict[tuple[int, int], tuple[str, str]] = {}
    kept: list[FeatureRow] = []
    left_out: Counter[tuple[str, str]] = Counter()
    for row in rows:
        # Rows of one schema share both tuples, whose ids are quicker than their hashes.
        kind = (id(row.names), id(row.meanings))
        fault = faults.get(kind)
        if fault is None:
            fault = faults[kind] = _fault(row, model)
        if fault[0]:
            left_out[fault] += 1
        else:
            kept.append(row)
    for (cause, reason), count in left_out.items():
        unfit(Unfit(count, cause, reason))
    return kept, input_matrix(kept, model)


def _fault(row: FeatureRow, model: Model) -> tuple[str, str]:
    """Cause and reason why the model cannot be asked about such rows; empty where it can be."""
    for name in model.inputs:
        if name not in row.names:
            who = f"{model.name} version {model.version}"
            return "input", f"rows of {row.view} lack {name!r}, an input of {who}; train it again"
    changed = changed_definition(model, row.names, row.meanings)
    return ("definitions", changed) if changed else ("", "")


def changed_definition(model: Model, names: tuple[str, ...], meanings: tuple[str, ...]) -> str:
    """Why features of these meanings are not what the model learned from; empty where they are.

    `meanings` belong to `names`. Where they are not known, or those of the model, nothing is said.
    """
    now = dict(zip(names, meanings, strict=True)) if meanings else {}
    for name in model.inputs:
        if name in now and now[name] != model.meanings.get(name, now[name]):
            return (
                f"the job computes {name!r} by another definition than {model.name} version "
                f"{model.version} learned from; train it again, or restore the definition"
            )
    return ""


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
