from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from pitwall.flat import FlatTrees, compiled


@pytest.mark.parametrize("holes", [0.0, 0.2])
def test_flat_trees_give_the_bits_of_the_estimator(holes: float) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(3000, 12))
    x[rng.random(x.shape) < holes] = np.nan
    y = np.nansum(x[:, :3], axis=1) ** 2 + rng.normal(size=3000)
    model = HistGradientBoostingRegressor(max_iter=60, max_leaf_nodes=63, random_state=0).fit(x, y)
    new = rng.normal(size=(400, 12))
    new[rng.random(new.shape) < 0.2] = np.nan
    new[0], new[1], new[2] = np.nan, np.inf, -np.inf
    threshold = model._predictors[0][0].nodes[0]
    new[3, threshold["feature_idx"]] = threshold["num_threshold"]
    assert np.array_equal(FlatTrees(model).predict_rows(new), model.predict(new))


def test_what_cannot_be_flattened_is_asked_as_it_is() -> None:
    x = pd.DataFrame({"a": [0.0, 1, 2, 0] * 20, "b": np.arange(80.0)})
    model = HistGradientBoostingRegressor(categorical_features=["a"], max_iter=5).fit(x, x["a"] * 3)
    with pytest.raises(ValueError, match="categorical"):
        FlatTrees(model)
    assert np.array_equal(compiled(model).predict_rows(x.to_numpy()), model.predict(x))
