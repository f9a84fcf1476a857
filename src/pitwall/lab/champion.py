"""A model that an experiment makes for itself, registered as champion for its servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pitwall.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


def register_champion(
    settings: Settings, name: str, model: Any, rows: pd.DataFrame, service: str
) -> None:
    """Register a fitted estimator as a version of model `name`, and make it the champion.

    `rows` has one column for each input; the last three are the model's example. `service` is
    named as its feature service and its definitions. Its unit is s, its interval ± 1 s.
    """
    import mlflow

    from pitwall.models import registry
    from pitwall.models.loading import TRUSTED

    client = registry.client(settings)
    mlflow.set_experiment(name)
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="skops",
            skops_trusted_types=TRUSTED,
            input_example=rows.tail(3),
            registered_model_name=name,
            pip_requirements=["scikit-learn", "skops", "pandas"],
            metadata={
                "unit": "s",
                "feature_service": service,
                "definitions": service,
                "interval": {"coverage": 0.9, "by": None, "edges": [], "half_width": [1.0]},
            },
        )
    client.set_registered_model_alias(name, "champion", str(logged.registered_model_version))
