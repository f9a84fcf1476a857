"""What one prediction costs: a row through the models as they are served, beside the estimator
itself. No server is needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from pitwall.features import load as feature_sets
from pitwall.lab.bench.result import Load, Result, Step, machine
from pitwall.models.trees import Array, compiled
from pitwall.settings import Settings
from pitwall.training.tasks import task

ROWS = 20_000


def model_row(load: Load, step: Step) -> Result:
    """The speed sensor on made-up rows, one in ten with holes, p50 µs a row; in the conditions the
    lap time on a made-up lap too.
    """
    rng = np.random.default_rng(0)
    conditions, settings = machine(), Settings()
    names = [
        n
        for each in feature_sets(settings.feature_repo)
        for n in each.names
        if n.startswith(("acceleration_", "velocity_yaw")) and "_share_" not in n
    ]
    values = rng.normal(scale=5, size=(2_000 if load.quick else ROWS, len(names)))
    truth = (
        200 + values[:, 0] * values[:, 1] + np.abs(values[:, 2]) * 10 + rng.normal(size=len(values))
    )
    step("fitting", None)
    model = (
        task(settings, "speed_sensor")
        .estimator.make()
        .fit(pd.DataFrame(values, columns=names), truth)
    )
    rows = rng.normal(scale=5, size=(300 if load.quick else 3_000, len(names)))
    rows[::10][rng.random(rows[::10].shape) < 0.2] = np.nan
    step("measuring", None)
    started = time.perf_counter()
    ours, theirs, same = _beside(model, rows, names)
    lap_model, lap_rows, lap_names = _lap_time(settings, rng)
    lap, _, lap_same = _beside(lap_model, lap_rows, lap_names)
    mine, peer = float(np.median(ours)), float(np.median(theirs))
    return Result(
        "model-row",
        round(mine, 1),
        "µs p50",
        "the estimator's predict",
        round(peer, 1),
        round(peer / mine, 1),
        len(rows),
        round(time.perf_counter() - started, 2),
        {
            **conditions,
            "trees": model.trees_.n_iter_,
            "leaves": model.max_leaf_nodes,
            "p99_us": round(float(np.percentile(ours, 99)), 1),
            "bit_exact": same and lap_same,
            "lap_time_us": round(float(np.median(lap)), 1),
        },
    )


def _beside(model: Any, rows: Array, names: list[str]) -> tuple[list[float], list[float], bool]:
    """µs of each row as served and by the estimator, and whether all have the same bits."""
    served, frame = compiled(model), pd.DataFrame(rows, columns=names)
    ours = _each(served.predict_rows, rows)
    alone = np.concatenate([served.predict_rows(rows[i : i + 1]) for i in range(len(rows))])
    with threadpool_limits(1):
        theirs = _each(lambda row: model.predict(pd.DataFrame(row, columns=names)), rows[:300])
    return ours, theirs, bool(np.array_equal(alone, model.predict(frame), equal_nan=True))


def _lap_time(settings: Settings, rng: np.random.Generator) -> tuple[Any, Array, list[str]]:
    """The lap-time model of 20 made-up laps of 20 km and 300 s, and the rows of one of them."""
    lags = [
        n
        for each in feature_sets(settings.feature_repo)
        for n in each.names
        if n.startswith("lap_distance_lag_")
    ]
    names = ["lap_distance", "lap_time", *lags]
    laps, finals = [], []
    for _ in range(20):
        pace = np.repeat(rng.normal(1, 0.02, 10), 30)
        elapsed = np.cumsum(pace)
        distance = np.linspace(20_000 / 300, 20_000, 300)
        ago = [
            np.interp(elapsed - float(n.rsplit("_", 1)[1][:-1]), elapsed, distance, left=np.nan)
            for n in lags
        ]
        laps.append(np.column_stack([distance, elapsed, *ago]))
        finals.append(np.full(300, elapsed[-1]))
    model = (
        task(settings, "lap_time")
        .estimator.make()
        .fit(pd.DataFrame(np.concatenate(laps), columns=names), np.concatenate(finals))
    )
    return model, laps[-1], names


def _each(ask: Callable[[Array], Array], rows: Array) -> list[float]:
    """µs of each row."""
    spent = []
    for i in range(len(rows)):
        row = rows[i : i + 1]
        before = time.perf_counter()
        ask(row)
        spent.append((time.perf_counter() - before) * 1e6)
    return spent
