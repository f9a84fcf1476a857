"""What one prediction costs: a row through the models as they are served, beside the estimator.

No server is needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from pitwall.features import load as load_features
from pitwall.lab.bench.latency import percentiles
from pitwall.lab.bench.result import Load, Result, machine_state
from pitwall.lab.progress import Step
from pitwall.models.trees import Array, compiled
from pitwall.settings import Settings
from pitwall.training.tasks import task

FIT_ROWS, QUICK_FIT_ROWS = 20_000, 2_000
ROWS, QUICK_ROWS = 3_000, 300
PEER_ROWS = 300
"""Rows through the estimator itself, which takes far longer."""
LAPS, LAP_S, LAP_M = 20, 300, 20_000.0
"""The laps of the lap-time model: number, seconds with a row each, and length."""


def row(load: Load, step: Step) -> Result:
    """Microseconds (p50) of one row through the speed sensor.

    The rows are random, and one in ten lacks values. The peer is the estimator's own `predict`. The
    conditions also hold the lap-time model on a made-up lap.
    """
    random = np.random.default_rng(0)
    conditions, settings = machine_state(), Settings()
    step("fitting", None)
    model, names = _speed_sensor(settings, random, QUICK_FIT_ROWS if load.quick else FIT_ROWS)
    rows = random.normal(scale=5, size=(QUICK_ROWS if load.quick else ROWS, len(names)))
    rows[::10][random.random(rows[::10].shape) < 0.2] = np.nan
    step("measuring", None)
    started = time.perf_counter()
    served_us, estimator_us, same = _side_by_side(model, rows, names)
    lap_model, lap_rows, lap_names = _lap_time(settings, random)
    lap_us, _, lap_same = _side_by_side(lap_model, lap_rows, lap_names)
    latency, peer = percentiles(served_us), percentiles(estimator_us)
    return Result(
        name="row",
        value=latency.p50,
        unit="µs p50",
        peer="the estimator's predict",
        peer_value=peer.p50,
        ratio=round(peer.p50 / latency.p50, 1),
        n=len(rows),
        seconds=round(time.perf_counter() - started, 2),
        conditions={
            **conditions,
            "trees": model.trees_.n_iter_,
            "leaves": model.max_leaf_nodes,
            **latency.figures("us"),
            "bit_exact": same and lap_same,
            "lap_time_us": percentiles(lap_us).p50,
        },
    )


def _speed_sensor(
    settings: Settings, random: np.random.Generator, count: int
) -> tuple[Any, list[str]]:
    """The speed-sensor model, fitted on `count` random rows, and the names of its inputs."""
    names = [
        name
        for features in load_features(settings.feature_repo)
        for name in features.names
        if name.startswith(("acceleration_", "velocity_yaw")) and "_share_" not in name
    ]
    values = random.normal(scale=5, size=(count, len(names)))
    truth = (
        200
        + values[:, 0] * values[:, 1]
        + np.abs(values[:, 2]) * 10
        + random.normal(size=len(values))
    )
    estimator = task(settings, "speed_sensor").estimator.make()
    return estimator.fit(pd.DataFrame(values, columns=names), truth), names


def _lap_time(settings: Settings, random: np.random.Generator) -> tuple[Any, Array, list[str]]:
    """The lap-time model of `LAPS` made-up laps, the rows of one of them, and their columns."""
    lags = [
        name
        for features in load_features(settings.feature_repo)
        for name in features.names
        if name.startswith("lap_distance_lag_")
    ]
    names = ["lap_distance", "lap_time", *lags]
    laps, lap_times = [], []
    for _ in range(LAPS):
        pace = np.repeat(random.normal(1, 0.02, LAP_S // 30), 30)
        elapsed_s = np.cumsum(pace)
        distance_m = np.linspace(LAP_M / LAP_S, LAP_M, LAP_S)
        lagged_m = [
            np.interp(elapsed_s - _lag_s(name), elapsed_s, distance_m, left=np.nan) for name in lags
        ]
        laps.append(np.column_stack([distance_m, elapsed_s, *lagged_m]))
        lap_times.append(np.full(LAP_S, elapsed_s[-1]))
    estimator = task(settings, "lap_time").estimator.make()
    rows = pd.DataFrame(np.concatenate(laps), columns=names)
    return estimator.fit(rows, np.concatenate(lap_times)), laps[-1], names


def _lag_s(name: str) -> float:
    """The lag in a feature's name, s: 5.0 of `lap_distance_lag_5s`."""
    return float(name.rsplit("_", 1)[1].removesuffix("s"))


def _side_by_side(
    model: Any, rows: Array, names: list[str]
) -> tuple[list[float], list[float], bool]:
    """Microseconds of each row as it is served, and by the estimator for the first `PEER_ROWS`.

    Also whether the two give the same bits for all rows.
    """
    served = compiled(model)
    served_us = _row_by_row(served.predict_rows, rows)
    values = np.concatenate([served.predict_rows(rows[i : i + 1]) for i in range(len(rows))])
    with threadpool_limits(1):
        estimator_us = _row_by_row(
            lambda row: model.predict(pd.DataFrame(row, columns=names)), rows[:PEER_ROWS]
        )
    expected = model.predict(pd.DataFrame(rows, columns=names))
    return served_us, estimator_us, bool(np.array_equal(values, expected, equal_nan=True))


def _row_by_row(predict: Callable[[Array], Array], rows: Array) -> list[float]:
    """Microseconds that `predict` takes for each row."""
    times_us = []
    for i in range(len(rows)):
        row = rows[i : i + 1]
        before = time.perf_counter()
        predict(row)
        times_us.append((time.perf_counter() - before) * 1e6)
    return times_us
