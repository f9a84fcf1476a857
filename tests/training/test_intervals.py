from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from pitwall.models.loading import Interval
from pitwall.training.intervals import Residuals, calibrate, covered, half_widths, said


def residuals(rng: np.random.Generator, laps: int, rows: int = 50) -> Residuals:
    """Laps that err together: each has a spread of its own."""
    spread = np.repeat(rng.lognormal(0, 0.6, laps), rows)
    numbers = np.repeat(np.arange(laps), rows)
    return Residuals(np.abs(spread * rng.normal(size=laps * rows)), numbers, numbers)


def frame(rows: int, low: float = 0.0, high: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"x": np.tile(np.linspace(low, high, 50), rows // 50)})


def test_new_laps_are_held_as_often_as_is_said() -> None:
    """Over many draws of 25 laps, and so is what the known laps say of themselves."""
    rng = np.random.default_rng(0)
    held, said_before = [], []
    for draw in range(60):
        known, new = residuals(rng, 25), residuals(rng, 25)
        interval = calibrate(None, frame(1250), known)
        held.append((new.values <= interval["half_width"][0]).mean())
        if draw % 3 == 0:
            said_before.append(covered(None, frame(1250), known).mean())
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)
    assert np.mean(said_before) == pytest.approx(np.mean(held), abs=0.02)


def test_each_lap_weighs_the_same_however_many_rows_it_has() -> None:
    values = np.r_[np.full(1000, 5.0), np.ones(190)]
    laps = np.r_[np.zeros(1000, int), np.repeat(np.arange(1, 20), 10)]
    interval = calibrate(None, pd.DataFrame(index=range(1190)), Residuals(values, laps, laps))
    assert interval["half_width"] == [1.0] and interval["laps"] == 20


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3000.0, -1000.0), (5e5, 5.1e5)])
def test_widths_follow_an_input_of_any_range(low: float, high: float) -> None:
    rng = np.random.default_rng(1)
    X = frame(30 * 50, low, high)
    place = (X["x"].to_numpy() - low) / (high - low)
    numbers = np.repeat(np.arange(30), 50)
    values = np.abs(rng.normal(size=len(X))) * (0.1 + place)
    interval = calibrate("x", X, Residuals(values, numbers, numbers))
    assert len(interval["half_width"]) == 10 and interval["borrowed"] == []
    widths = half_widths(interval, pd.DataFrame({"x": [low, high, low - 9e9, high + 9e9, np.nan]}))
    assert widths[1] > 4 * widths[0] and widths[2] == widths[0] and widths[3] == widths[1]
    assert widths[4] == max(interval["half_width"])
    served = Interval(0.9, 0, np.array(interval["edges"]), np.array(interval["half_width"]))
    rows = np.array([[low], [high], [low - 9e9], [high + 9e9], [np.nan]])
    assert np.array_equal(served.of(rows), widths)
    json.dumps(interval, allow_nan=False)


def test_an_input_that_never_changes_gives_one_width() -> None:
    known = residuals(np.random.default_rng(2), 20)
    interval = calibrate("x", pd.DataFrame({"x": np.full(1000, 7.0)}), known)
    assert interval["edges"] == [] and len(interval["half_width"]) == 1


def test_a_bin_with_few_laps_borrows_from_its_neighbours_and_says_so() -> None:
    known, X = residuals(np.random.default_rng(3), 25), frame(1250)
    few = (X["x"] > 0.9) & (known.laps >= 3)
    X.loc[few, "x"] = 0.1
    interval = calibrate("x", X, known)
    assert interval["borrowed"] == [9]
    assert said(interval).startswith("bins 10 of x have fewer than 10 laps")


def test_too_few_laps_widen_the_interval_and_say_so() -> None:
    rng = np.random.default_rng(4)
    numbers = np.repeat(np.arange(4), 50)
    values = np.repeat([1.0, 2.0, 3.0, 4.0], 50) * rng.uniform(0.99, 1, 200)
    interval = calibrate(None, frame(200), Residuals(values, numbers, numbers))
    assert interval["half_width"][0] > 4.0 and interval["level"] > 1
    assert "4 laps are too few for 90%" in said(interval)


def test_a_row_without_an_answer_is_not_held_and_widens_nothing() -> None:
    known = residuals(np.random.default_rng(5), 20)
    plain = calibrate(None, frame(1000), known)
    values = known.values.copy()
    values[::20] = np.inf
    declined = Residuals(values, known.laps, known.together)
    assert calibrate(None, frame(1000), declined)["half_width"][0] < 1.2 * plain["half_width"][0]
    assert not covered(None, frame(1000), declined)[::20].any()


def test_copies_do_not_calibrate_each_other() -> None:
    """Ten drives, each recorded twice: what is left out of a cut are both recordings."""
    rng = np.random.default_rng(6)
    once = residuals(rng, 10)
    numbers = np.r_[once.laps, once.laps + 10]
    twice = Residuals(np.tile(once.values, 2), numbers, np.tile(once.laps, 2))
    assert np.array_equal(
        covered(None, frame(1000), twice), np.tile(covered(None, frame(500), once), 2)
    )
