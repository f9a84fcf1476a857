from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from pitwall.errors import ModelError
from pitwall.models.trees import FlatTrees, compiled
from pitwall.training.estimators.inertia import InertialSpeed


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small models are slower on many."""
    with threadpool_limits(1):
        yield


@pytest.mark.parametrize("holes", [0.0, 0.2])
def test_flat_trees_give_the_bits_of_the_estimator(holes: float) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(3000, 12))
    x[rng.random(x.shape) < holes] = np.nan
    y = np.nansum(x[:, :3], axis=1) ** 2 + rng.normal(size=3000)
    model = HistGradientBoostingRegressor(max_iter=61, max_leaf_nodes=63, random_state=0).fit(x, y)
    new = rng.normal(size=(400, 12))
    new[rng.random(new.shape) < 0.2] = np.nan
    new[0], new[1], new[2] = np.nan, np.inf, -np.inf
    threshold = model._predictors[0][0].nodes[0]
    new[3, threshold["feature_idx"]] = threshold["num_threshold"]
    flat, whole = FlatTrees(model), model.predict(new)
    rows = [flat.predict_rows(new[i : i + 1])[0] for i in range(len(new))]
    assert np.array_equal(rows, whole)
    assert np.array_equal(flat.predict_rows(np.asfortranarray(new)), whole)
    new.setflags(write=False)
    assert np.array_equal(flat.predict_rows(new), whole)
    with pytest.raises(ValueError, match="rows have 11 inputs; the trees have 12"):
        flat.predict_rows(new[:, 1:])


VALUE = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, -0.0, 1.0, 1e300])
)


@pytest.fixture(scope="module")
def small() -> HistGradientBoostingRegressor:
    """19 trees of four inputs, of which the last one is missing as often as not."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(800, 4)) * [1, 1e3, 1e-3, 1]
    x[rng.random(800) < 0.5, 3] = np.nan
    y = x[:, 0] * x[:, 1] + np.where(np.isnan(x[:, 3]), 500, x[:, 3])
    return HistGradientBoostingRegressor(max_iter=19, random_state=0).fit(x, y)


@settings(deadline=None)
@given(st.lists(st.tuples(VALUE, VALUE, VALUE, VALUE), min_size=1, max_size=20))
def test_any_row_has_the_bits_of_the_estimator(
    small: HistGradientBoostingRegressor, rows: list[tuple[float, ...]]
) -> None:
    x = np.array(rows)
    assert FlatTrees(small).predict_rows(x).tobytes() == small.predict(x).tobytes()


def test_a_split_on_nothing_but_missing_values_is_the_estimators() -> None:
    x = np.repeat([[1.0], [np.nan], [3.0]], 40, axis=0)
    model = HistGradientBoostingRegressor(max_iter=3).fit(x, np.repeat([5.0, -7.0, 5.0], 40))
    assert np.isposinf(model._predictors[0][0].nodes[0]["num_threshold"])
    new = np.array([[2.0], [np.nan], [np.inf], [-np.inf]])
    assert np.array_equal(FlatTrees(model).predict_rows(new), model.predict(new))


def test_what_cannot_be_flattened_is_asked_as_it_is() -> None:
    x = pd.DataFrame({"a": [0.0, 1, 2, 0] * 20, "b": np.arange(80.0)})
    model = HistGradientBoostingRegressor(categorical_features=["a"], max_iter=5).fit(x, x["a"] * 3)
    with pytest.raises(ValueError, match="categorical"):
        FlatTrees(model)
    assert np.array_equal(compiled(model).predict_rows(x.to_numpy()), model.predict(x))


WINDOWS = ("1s", "5s", "20s")
INERTIA = [
    "acceleration_vert",
    *(f"acceleration_long_mean_{w}" for w in WINDOWS),
    *(f"{channel}_rms_{w}" for channel in ("acceleration_lat", "velocity_yaw") for w in WINDOWS),
]


def cornering(kph: np.ndarray, yaw: float) -> np.ndarray:
    """Rows of a car that goes round at constant speed, yaw in deg/s."""
    lateral_g = kph / 3.6 * np.radians(yaw) / 9.80665
    return np.column_stack([0 * kph, *[0 * kph] * 3, *[lateral_g] * 3, *[0 * kph + yaw] * 3])


def test_inertial_speed_is_that_of_the_corner_and_what_was_gained_since() -> None:
    kph = np.array([90.0, 180.0])
    model = InertialSpeed(max_iter=1).fit(
        pd.DataFrame(cornering(np.linspace(50, 300, 60), 20.0), columns=INERTIA),
        np.linspace(50, 300, 60),
    )
    assert np.allclose(model.prepare(cornering(kph, 20.0))[:, -1], kph)
    assert np.isnan(model.prepare(cornering(kph, 1.0))[:, -1]).all()
    # Between 20 and 5 s ago it was in a corner; since the middle of that it has gained half a G.
    row = cornering(np.array([90.0]), 20.0)
    row[
        :,
        [
            INERTIA.index(f"{c}_rms_{w}")
            for c in ("acceleration_lat", "velocity_yaw")
            for w in ("1s", "5s")
        ],
    ] = 0.0
    row[:, 1:4] = 0.5
    assert np.allclose(model.prepare(row)[:, -1], 90.0 + 0.5 * 9.80665 * 3.6 * 12.5)


def test_inertial_speed_served_has_the_estimators_bits() -> None:
    rng = np.random.default_rng(1)
    rows = np.abs(rng.normal(size=(2000, len(INERTIA)))) * 5
    rows[rng.random(rows.shape) < 0.05] = np.nan
    model = InertialSpeed(max_iter=30).fit(
        pd.DataFrame(rows, columns=INERTIA), rng.normal(200, 50, 2000)
    )
    served, whole = compiled(model), model.predict(pd.DataFrame(rows, columns=INERTIA))
    assert not hasattr(model, "predict_rows")
    assert np.array_equal(
        np.concatenate([served.predict_rows(rows[i : i + 1]) for i in range(500)]), whole[:500]
    )
    one_by_one = np.concatenate([model.prepare(rows[i : i + 1]) for i in range(len(rows))])
    assert one_by_one.tobytes() == model.prepare(np.asfortranarray(rows)).tobytes()
    with pytest.raises(ModelError, match="needs acceleration_long_mean"):
        InertialSpeed().fit(pd.DataFrame(rows[:, :2], columns=INERTIA[:2]), rows[:, 0])
