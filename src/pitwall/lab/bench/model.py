"""The model that the benchmarks of serving use, and the car and session that they ask about."""

from __future__ import annotations

import numpy as np

from pitwall.features import load as load_features
from pitwall.lab.champion import register_champion
from pitwall.settings import Settings

VEHICLE, SESSION, MODEL = "PERRINN 424", "20260101-000000-bench", "lap_time"
INPUTS = 30
ROWS = 5000


def register_model(settings: Settings) -> tuple[str, ...]:
    """Register gradient boosting over `INPUTS` features as champion `lap_time`.

    It is fitted on random rows. Returns the names of its inputs.
    """
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingRegressor

    inputs = tuple(load_features(settings.feature_repo)[-1].names[:INPUTS])
    random = np.random.default_rng(1)
    rows = pd.DataFrame(random.normal(size=(ROWS, INPUTS)), columns=list(inputs))
    truth = rows.iloc[:, 0] + random.normal(size=ROWS)
    model = HistGradientBoostingRegressor(max_iter=100, random_state=0).fit(rows, truth)
    register_champion(settings, MODEL, model, rows, "bench")
    return inputs
