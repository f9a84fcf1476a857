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
from pitwall.models.circuit import DISTANCE, FRACTION, Circuit
from pitwall.serving.prediction import Prediction
from pitwall.serving.registry import Model, Value
from pitwall.serving.served import Served


class Unfit(NamedTuple):
    """Rows that a model was not asked about, all for one cause."""

    rows: int
    cause: str
    """`input` where an input is missing, `definitions` where it means something else now, `circuit`
    where the session is on another circuit than the model's."""
    reason: str
    """A sentence with the remedy."""


def usable(
    rows: list[FeatureRow], model: Model, unfit: Callable[[Unfit], None] = lambda unfit: None
) -> tuple[list[FeatureRow], NDArray[np.float64]]:
    """The rows that have all inputs of the model as it learned them, and their `input_matrix`.

    Left out are rows whose view lacks an input (a null is no lack), rows whose job computes an
    input by another definition than that of the training set, and rows of another circuit than the
    model's. `unfit` is told of them.
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
    if model.circuit is not None:
        kept = _on_circuit(kept, model, model.circuit, unfit)
    return kept, input_matrix(kept, model)


def _on_circuit(
    rows: list[FeatureRow], model: Model, circuit: Circuit, unfit: Callable[[Unfit], None]
) -> list[FeatureRow]:
    """The rows that may be of the model's circuit."""
    places: dict[tuple[str, ...], list[int]] = {}
    told = np.full((len(rows), 2), np.nan)
    for i, row in enumerate(rows):
        place = places.get(row.names)
        if place is None:
            known = {name: n for n, name in enumerate(row.names)}
            place = places[row.names] = [known.get(name, -1) for name in (DISTANCE, FRACTION)]
        told[i] = [row.values[at] if at >= 0 else np.nan for at in place]
    length_m = circuit.others(told[:, 0], told[:, 1])
    other = ~np.isnan(length_m)
    if not other.any():
        return rows
    sessions = {row.session for row, is_other in zip(rows, other, strict=True) if is_other}
    where = f"session {min(sessions)!r}: {other_circuit(model, float(length_m[other][0]))}"
    unfit(Unfit(int(other.sum()), "circuit", where))
    return [row for row, is_other in zip(rows, other, strict=True) if not is_other]


def told_by(model: Model) -> tuple[str, ...]:
    """The features beside the model's inputs that tell a session's circuit.

    Empty for a model of an unknown circuit.
    """
    if model.circuit is None:
        return ()
    return tuple(name for name in model.circuit.columns if name not in model.inputs)


def other_circuit(model: Model, length_m: float) -> str:
    """Why the model is not asked about a session whose lap has `length_m`, with the remedy."""
    return (
        f"the session's lap has at least {length_m:,.0f} m, and {model.name} version "
        f"{model.version} learned from circuit {model.circuit}; train it on this one: "
        f"./pitwall train {model.name} --circuit LENGTH"
    )


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
    together: dict[tuple[str, ...], list[int]] = {}
    for i, row in enumerate(rows):
        together.setdefault(row.names, []).append(i)
    for names, at in together.items():
        index = {name: n for n, name in enumerate(names)}
        places = [index[name] for name in model.inputs]
        matrix[at] = np.array([rows[i].values for i in at])[:, places]
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
