"""The model that the benchmarks of serving use, and the car and session that they ask about."""

from __future__ import annotations

import numpy as np

from pitwall.features import load as load_features
from pitwall.settings import Settings

VEHICLE, SESSION, MODEL = "PERRINN 424", "20260101-000000-bench", "lap_time"
INPUTS = 30
ROWS = 5000


def register_model(settings: Settings) -> tuple[str, ...]:
    """Register gradient boosting over `INPUTS` features as champion `lap_time`.

    It is fitted on random rows. Returns the names of its inputs.
    """
    import mlflow
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingRegressor

    from pitwall.models import registry
    from pitwall.models.loading import TRUSTED

    inputs = tuple(load_features(settings.feature_repo)[-1].names[:INPUTS])
    random = np.random.default_rng(1)
    rows = pd.DataFrame(random.normal(size=(ROWS, INPUTS)), columns=list(inputs))
    truth = rows.iloc[:, 0] + random.normal(size=ROWS)
    model = HistGradientBoostingRegressor(max_iter=100, random_state=0).fit(rows, truth)
    client = registry.client(settings)
    mlflow.set_experiment(MODEL)
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="skops",
            skops_trusted_types=TRUSTED,
            input_example=rows.tail(3),
            registered_model_name=MODEL,
            pip_requirements=["scikit-learn", "skops", "pandas"],
            metadata={
                "unit": "s",
                "feature_service": "bench",
                "definitions": "bench",
                "interval": {"coverage": 0.9, "by": None, "edges": [], "half_width": [1.0]},
            },
        )
    version = str(logged.registered_model_version)
    client.set_registered_model_alias(MODEL, "champion", version)
    return inputs
