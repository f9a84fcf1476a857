from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from pitwall.settings import Settings
from pitwall.training.comparison import Comparison, declining, errors_by_group, paired
from pitwall.training.dataset import Dataset
from pitwall.training.evaluation import evaluate, leave_out, walk_forward
from pitwall.training.selection import chosen, fitted
from pitwall.training.tasks import Model, Task, task

LINEAR = "pitwall.training.estimators.plain.Linear"


def line_task(**changed: object) -> Task:
    """A ridge regression on `a` beside one on nothing."""
    parts = {
        "estimator": Model(type=LINEAR, columns=["a"]),
        "baselines": (Model(type="sklearn.dummy.DummyRegressor"),),
        "interval_by": None,
        "tune": {},
    }
    return task(Settings(), "lap_time").model_copy(update={**parts, **changed})


def made(laps: int = 12, rows: int = 30, seed: int = 0) -> Dataset:
    """Labels that are `a` and noise; laps 0 and 1 are copies."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=laps * rows)
    a[rows : 2 * rows] = a[:rows]
    groups = pd.Series(np.repeat([f"lap {n}" for n in range(laps)], rows))
    y = pd.Series(a + 0.1 * rng.normal(size=len(a)))
    y[rows : 2 * rows] = y[:rows].to_numpy()
    together = groups.replace("lap 1", "lap 0")
    part = pd.Series(np.tile(np.linspace(0, 1, rows), laps))
    return Dataset(pd.DataFrame({"a": a}), y, groups, part, pd.DataFrame(), together)


def test_the_standard_error_is_the_usual_one_where_each_lap_stands_alone() -> None:
    gains = np.array([1.0, 3.0, 2.0, 6.0])
    assert paired(gains) == pytest.approx((3.0, gains.std(ddof=1) / 2))
    assert paired(gains, pd.Series(list("abcd"))) == pytest.approx(paired(gains))


def test_laps_that_belong_together_count_as_one_in_the_standard_error() -> None:
    once = np.array([1.0, 3.0, 2.0, 6.0, 5.0])
    gain, error = paired(np.tile(once, 3), pd.Series(list("abcde") * 3))
    assert (gain, error) == pytest.approx(paired(once))
    assert paired(np.tile(once, 3))[1] < 0.6 * error
    assert paired(once, pd.Series(["a"] * 5)) == (pytest.approx(3.4), float("inf"))


def test_a_row_without_an_answer_counts_against_its_model() -> None:
    truth, usual = np.array([1.0, 2.0, 3.0]), np.full(3, 2.0)
    answers = {"candidate": np.array([1.1, np.nan, np.nan]), "other": np.array([1.0, 7.0, np.nan])}
    residuals = declining(answers, truth, usual)
    assert np.abs(residuals["candidate"]).tolist() == pytest.approx([0.1, 5.0, 1.0])
    assert np.abs(residuals["other"]).tolist() == pytest.approx([0.0, 5.0, 1.0])
    groups = pd.Series(["a", "b", "b"])
    errors = errors_by_group(line_task(), residuals["candidate"], groups)
    assert errors.to_dict() == pytest.approx({"a": 0.1, "b": 3.0})


def test_a_model_that_declines_where_it_is_bad_does_not_win_by_that() -> None:
    truth = np.r_[np.zeros(20), np.full(10, 5.0)]
    usual = np.full(30, float(np.median(truth)))
    bad = np.zeros(30)
    silent = np.where(truth == 5.0, np.nan, bad)
    residuals = declining({"candidate": silent, "baseline": bad}, truth, usual)
    means = {name: np.abs(values).mean() for name, values in residuals.items()}
    assert means["candidate"] >= means["baseline"] > 0


def test_copies_are_held_out_together_also_in_date_order() -> None:
    data = made()
    for seen, held in [*leave_out(data), *walk_forward(data)]:
        assert not set(data.together[seen]) & set(data.together[held])
    assert len(list(leave_out(data))) == 11
    moved = data.groups.replace("lap 11", "lap 1 again")
    together = data.together.replace({"lap 11": "lap 0", "lap 1": "lap 1"})
    late = Dataset(data.X, data.y, moved, data.part, data.entity_rows, together)
    seen, held = list(walk_forward(late))[-1]
    assert set(late.groups[held]) == {"lap 1 again"} and "lap 0" not in set(late.groups[seen])


def test_each_model_has_its_own_interval_coverage_and_share_of_silence() -> None:
    found = evaluate(line_task(), made())
    assert found.wins() and list(found.out.errors) == ["candidate", "DummyRegressor"]
    widths = {name: each["half_width"][0] for name, each in found.intervals.items()}
    assert widths["DummyRegressor"] > 4 * widths["candidate"]
    assert found.coverages.shape == (12, 2) and found.coverage > 0.85
    assert found.declined == {"candidate": 0.0, "DummyRegressor": 0.0}
    gain = found.out.gain("DummyRegressor")
    alone = Comparison(found.out.errors).gain("DummyRegressor")
    assert gain[0] == alone[0] and gain[1] != alone[1]


def test_parameters_are_chosen_by_the_laps_that_are_learned_from_alone() -> None:
    data = made()
    open_task = line_task(tune={"alpha": (1e6, 1.0)})
    everything = np.ones(len(data.y), bool)
    assert chosen(open_task, data, everything) == {"alpha": 1.0}
    # On the first six laps `a` misleads: what it says of three is wrong of the other three.
    early = data.groups.isin([f"lap {n}" for n in range(6)]).to_numpy()
    data.y[data.groups.isin(["lap 2", "lap 3", "lap 4"])] *= -1
    assert chosen(open_task, data, early) == {"alpha": 1e6}
    assert fitted(open_task, "candidate", data, early).alpha == 1e6
    assert fitted(open_task, "DummyRegressor", data, early).constant_.shape == (1, 1)


def test_nothing_is_chosen_where_nothing_is_open() -> None:
    data = made(4)
    with threadpool_limits(1):
        own = fitted(line_task(), "candidate", data)
        plain = line_task().estimator.make().fit(data.X, data.y)
    assert np.array_equal(own.weights_, plain.weights_)
