"""Estimators on inputs that a car does not send."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from pitwall.errors import ModelError
from pitwall.models.trees import FlatTrees
from pitwall.training.estimators.inertia import InertialSpeed
from pitwall.training.estimators.plain import BoostedOn
from pitwall.training.fitting import fit

INERTIA = (
    "acceleration_long_mean_1s",
    "acceleration_long_mean_5s",
    "acceleration_lat_rms_1s",
    "velocity_yaw_rms_1s",
    "acceleration_vert",
)


def rows(silent: tuple[str, ...]) -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(200, len(INERTIA))), columns=INERTIA)
    label = 100 + 10 * frame["acceleration_long_mean_5s"]
    return frame.assign(**dict.fromkeys(silent, np.nan)), label


@pytest.mark.parametrize("silent", [("velocity_yaw_rms_1s", "acceleration_vert"), INERTIA[:1]])
def test_a_car_without_some_sensors_has_a_model_of_the_others(silent: tuple[str, ...]) -> None:
    frame, label = rows(silent)
    model = fit(InertialSpeed(max_iter=30), frame, label)
    predicted = model.predict(frame)
    assert np.abs(predicted - label).mean() < 2
    flat = FlatTrees(model.trees_)
    assert flat.predict_rows(model.prepare(frame.to_numpy())).tobytes() == predicted.tobytes()
    seen, _ = rows(())
    assert np.isfinite(model.predict(seen)).all()


def test_a_baseline_without_any_of_its_inputs_predicts_the_mean() -> None:
    frame, label = rows(INERTIA[3:])
    model = fit(BoostedOn(columns=INERTIA[3:]), frame, label)
    assert model.predict(frame) == pytest.approx(label.mean())


@pytest.mark.parametrize("estimator", [LinearRegression(), HistGradientBoostingRegressor()])
def test_an_estimator_that_cannot_learn_says_which_inputs_have_no_value(estimator: Any) -> None:
    frame, label = rows(INERTIA[3:])
    with pytest.raises(
        ModelError,
        match=r"cannot learn from 200 rows: .*velocity_yaw_rms_1s, acceleration_vert: train on",
    ):
        fit(estimator, frame, label)
