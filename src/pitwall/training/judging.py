"""The figures of a task's models: on stored laps left out in turn, or on laps that no fit saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitwall.training.comparison import Comparison, finite, mean
from pitwall.training.dataset import Dataset
from pitwall.training.evaluation import (
    compare,
    evaluate,
    leave_out,
    parts,
    predict,
    residuals_of,
)
from pitwall.training.intervals import PARTS, calibrate, half_widths, said
from pitwall.training.selection import fitted
from pitwall.training.side_by_side import side_by_side
from pitwall.training.tasks import Task

Array = NDArray[np.float64]
Step = Callable[[str], None]


def stored_figures(task: Task, data: Dataset, step: Step) -> dict[str, Any]:
    """The figures of `training.evaluation.evaluate`, as `pitwall report models` gives them."""
    found = evaluate(task, data, step)
    figures = _figures(task, found.out, found.coverages, found.declined, said(found.interval))
    return {
        **figures,
        "registered": found.registered,
        "walk_forward": None if found.walk is None else _errors(found.walk),
        "error_by_part": _rounded(found.by_part["candidate"]),
        "coverage_by_part": _rounded(found.coverage_by_part),
    }


def judged_figures(task: Task, data: Dataset, unseen: Dataset, step: Step) -> dict[str, Any]:
    """The figures of models fitted to `data`, on `unseen`, of which they have learned nothing.

    Each model's interval is calibrated by `data` alone: by laps left out of its fits.
    """
    truth = unseen.y.to_numpy()
    predictions, holds, notes = {}, {}, ""
    names = ("candidate", *(each.name for each in task.baselines))
    (answers,) = predict(task, names, data, [list(leave_out(data))], step)
    step("judging")
    models = side_by_side(lambda name: fitted(task, name, data), names)
    for name, model in zip(names, models, strict=True):
        interval = calibrate(task.interval_by, data.X, residuals_of(data, answers[name]))
        predictions[name] = np.asarray(model.predict(unseen.X), float)
        width = half_widths(interval, unseen.X)
        holds[name] = (np.abs(predictions[name] - truth) <= width).astype(float)
        notes = notes or said(interval)
    usual = np.full(len(truth), float(data.y.median()))
    comparison = compare(task, unseen, predictions, usual)
    by_lap = pd.DataFrame(holds).groupby(unseen.groups.to_numpy(), sort=False).mean()
    declined = {name: float(1 - np.isfinite(each).mean()) for name, each in predictions.items()}
    part, own = parts(unseen.part), np.abs(predictions["candidate"] - truth)
    return {
        **_figures(task, comparison, by_lap, declined, notes),
        "error_by_part": _rounded(mean(own[part == number]) for number in range(PARTS)),
        "coverage_by_part": _rounded(
            mean(holds["candidate"][part == number]) for number in range(PARTS)
        ),
    }


def _figures(
    task: Task,
    comparison: Comparison,
    coverages: pd.DataFrame,
    declined: dict[str, float],
    note: str,
) -> dict[str, Any]:
    errors = _errors(comparison)
    for name, figures in errors["baselines"].items():
        figures["coverage"] = finite(coverages[name].mean())
        figures["coverage_by_lap_min"] = finite(coverages[name].min())
    together = comparison.together
    return {
        "model": task.name,
        "unit": task.unit,
        **errors,
        "coverage": finite(coverages["candidate"].mean()),
        "coverage_by_lap_min": finite(coverages["candidate"].min()),
        "coverage_by_lap": {
            str(lap): finite(share) for lap, share in coverages["candidate"].items()
        },
        "clusters": errors["laps"] if together is None else int(together.nunique()),
        "declined": finite(declined["candidate"]),
        "note": note,
    }


def _errors(comparison: Comparison) -> dict[str, Any]:
    """Number of laps, the candidate's error, and each baseline's with the gain over it."""
    baselines = {}
    for name in comparison.errors.columns.drop("candidate"):
        gain, standard_error = comparison.gain(name)
        baselines[str(name)] = {
            "error": finite(comparison.mean(name)),
            "gain": finite(gain),
            "gain_se": finite(standard_error),
        }
    return {
        "laps": len(comparison.errors),
        "error": finite(comparison.mean("candidate")),
        "baselines": baselines,
    }


def _rounded(values: Any) -> list[float | None]:
    return [finite(value) for value in values]
