"""Candidates that are drawn, and a choice in which the laps that judge have no say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from pitwall.cli.main import app
from pitwall.errors import UsageError
from pitwall.settings import Settings
from pitwall.training.dataset import Dataset
from pitwall.training.evaluation import leave_out, predict
from pitwall.training.search import choices, drawn
from pitwall.training.selection import chosen, fitted, summed_errors
from pitwall.training.tasks import Model, Task, parse, readable

TEXT = """
description: a line
service: next_km
label: {feature: throttle}
unit: "%"
every_s: 1.0
baselines: [{type: pitwall.training.estimators.plain.Linear, columns: [a]}]
estimator: {type: pitwall.training.estimators.plain.Linear, columns: [a, b, c], alpha: 1.0}
search:
  alpha: {low: 0.000001, high: 1000000.0, log: true}
"""


def made(text: str = TEXT) -> Task:
    return parse("line", text, "line.yaml")


def noisy(laps: int = 8, rows: int = 40) -> Dataset:
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(laps * rows, 3)), columns=["a", "b", "c"])
    groups = pd.Series(np.repeat([f"lap {lap}" for lap in range(laps)], rows))
    y = X["a"] + random.normal(size=len(X))
    part = pd.Series(np.tile(np.linspace(0, 0.99, rows), laps))
    return Dataset(X, y, groups, part, pd.DataFrame({"lap": groups}))


def test_the_same_candidates_are_drawn_again_and_more_of_them_go_on() -> None:
    few, many = drawn(made(), 5), drawn(made(), 30)
    assert few == drawn(made(), 5)
    assert many.candidates[:5] == few.candidates
    assert few.candidates[0] == {}, "the file's own parameters are a candidate"
    values = np.array([each["alpha"] for each in many.candidates[1:]], float)
    assert len(set(values)) == 29 and values.min() >= 1e-6 and values.max() <= 1e6
    assert np.abs(np.median(np.log10(values))) < 3, "drawn evenly by their logarithm"


def test_whole_numbers_are_drawn_with_both_ends() -> None:
    text = TEXT.replace("low: 0.000001, high: 1000000.0, log: true", "low: 1, high: 3")
    values = [each["alpha"] for each in drawn(made(text), 64).candidates[1:]]
    assert set(values) == {1, 2, 3} and all(isinstance(each, int) for each in values)


def test_values_to_tune_stay_candidates_and_are_drawn_with_the_ranges() -> None:
    text = TEXT.replace("search:", "tune: {columns: [a, b]}\nsearch:")
    found = drawn(made(text), 20).candidates
    assert found[:2] == ({"columns": "a"}, {"columns": "b"})
    assert all(set(each) == {"columns", "alpha"} for each in found[2:])


def test_a_search_chooses_the_least_error_by_the_laps_that_a_fold_learns_from() -> None:
    task, data = drawn(made(), 12), noisy()
    folds = list(leave_out(data))
    (answers,) = predict(task, ["candidate"], data, [folds])
    for seen, held in folds:
        errors = summed_errors(task, data, seen)
        own = chosen(task, data, seen)
        assert own == choices(task)[int(np.argmin(errors))]
        # Labels of the lap that is held out are changed: neither choice nor prediction moves.
        other = Dataset(data.X, data.y.where(seen, 1e6), data.groups, data.part, data.entity_rows)
        assert chosen(task, other, seen) == own
        model = fitted(task, "candidate", other, seen)
        assert np.array_equal(model.predict(data.X[held]), answers["candidate"][held])


def test_a_task_with_its_candidates_is_read_again_as_it_was() -> None:
    task = drawn(made(), 20)
    again = made(TEXT + yaml.safe_dump({"candidates": [*task.candidates]}))
    assert again == task
    every = np.ones(len(noisy().y), bool)
    assert chosen(again, noisy(), every) == chosen(task, noisy(), every)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("low: 0.000001", "low: 2000000.0", "low must be below high"),
        ("low: 0.000001", "low: -1.0", "above 0"),
        ("search:", "tune: {alpha: [1.0]}\nsearch:", "alpha is in tune and in search"),
    ],
)
def test_ranges_that_say_nothing_are_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        made(TEXT.replace(old, new))


def test_a_count_or_a_task_that_no_search_fits_is_refused() -> None:
    for count in (0, 1, 65):
        with pytest.raises(UsageError, match=f"--tune {count}: give a number from 2 to 64"):
            drawn(made(), count)
    with pytest.raises(UsageError, match="has no `search`"):
        drawn(made(TEXT[: TEXT.index("search:")]), 5)


def test_every_task_names_parameters_that_its_estimator_has() -> None:
    for task in readable(Settings()).values():
        for values in drawn(task, 12).candidates:
            estimator: Model = task.estimator
            estimator.make(**values)


def test_the_command_refuses_before_anything_is_trained() -> None:
    result = CliRunner().invoke(app, ["train", "lap_time", "--tune", "2"])
    assert isinstance(result.exception, UsageError)
    assert "--tune 2: give a number from 5 to 64" in str(result.exception)
