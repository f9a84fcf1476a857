"""What one prediction costs: a row through the model as it is served, beside the estimator itself. No server is needed."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from pitwall.bench import Load, Result, Step, machine
from pitwall.flat import Array, compiled
from pitwall.settings import Settings
from pitwall.training.tasks import task

ROWS = 20_000
INPUTS = 51


def model_row(load: Load, step: Step) -> Result:
    """Boosted trees with the speed sensor's parameters on made-up rows, one in ten with holes; p50 µs a row."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2_000 if load.quick else ROWS, INPUTS))
    truth = values[:, 0] * values[:, 1] + np.abs(values[:, 2]) * 10 + rng.normal(size=len(values))
    names = [f"f{i}" for i in range(INPUTS)]
    step("fitting", None)
    conditions = machine()
    model = task(Settings(), "speed_sensor").estimator.make().fit(pd.DataFrame(values, columns=names), truth)
    rows = rng.normal(size=(300 if load.quick else 3_000, INPUTS))
    rows[::10][rng.random(rows[::10].shape) < 0.2] = np.nan
    served = compiled(model)
    step("measuring", None)
    started = time.perf_counter()
    ours = _each(served.predict_rows, rows)
    frame = pd.DataFrame(rows, columns=names)
    with threadpool_limits(1):
        theirs = _each(lambda row: model.predict(pd.DataFrame(row, columns=names)), rows[:300])
    same = bool(np.array_equal(served.predict_rows(rows), model.predict(frame)))
    mine, peer = float(np.median(ours)), float(np.median(theirs))
    return Result(
        "model-row", round(mine, 1), "µs p50", "the estimator's predict", round(peer, 1), round(peer / mine, 1), len(rows),
        round(time.perf_counter() - started, 2),
        {**conditions, "trees": model.n_iter_, "leaves": model.max_leaf_nodes, "p99_us": round(float(np.percentile(ours, 99)), 1), "bit_exact": same},
    )  # fmt: skip


def _each(ask: Callable[[Array], Array], rows: Array) -> list[float]:
    """µs of each row."""
    spent = []
    for i in range(len(rows)):
        row = rows[i : i + 1]
        before = time.perf_counter()
        ask(row)
        spent.append((time.perf_counter() - before) * 1e6)
    return spent
