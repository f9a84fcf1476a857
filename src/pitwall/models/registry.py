"""Access to MLflow's registry: the client, and the versions it lists.

Aliases: the version `champion` answers, the version `challenger` was trained last.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from pitwall.errors import ModelError
from pitwall.models.circuit import Circuit, of_tags
from pitwall.settings import Settings
from pitwall.stores.s3 import s3_environment


def client(settings: Settings) -> Any:
    """An MLflow client for the server that the settings name.

    The functions of `mlflow` itself use that server from now on, too.
    """
    os.environ.update(
        MLFLOW_DISABLE_TELEMETRY="true",
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    )
    os.environ.update(s3_environment(settings))
    import mlflow

    mlflow.set_tracking_uri(settings.mlflow_url)
    return mlflow.MlflowClient()


def by_alias(registry: Any, name: str, alias: str) -> Any | None:
    """The version of model `name` that has this alias, or None where it is known to have none.

    Raises `ModelError` when the registry does not answer: no answer is not the answer "none".
    """
    from mlflow.exceptions import MlflowException

    try:
        return registry.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        # MLflow calls an alias that is not set an invalid parameter.
        if is_absent(error) or re.search(r"alias \S+ not found", str(error)):
            return None
        raise silent(error) from error


def is_absent(error: Exception) -> bool:
    """Whether an error of MLflow's says that there is no such model, version or run."""
    return getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST"


def silent(error: Exception) -> ModelError:
    """The error of a registry that does not answer, with the remedy."""
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return ModelError(f"the model registry does not answer ({reason}); see `./pitwall status`")


@dataclass(frozen=True)
class Version:
    """A registered version as it is listed.

    Errors are means over laps left out, in the model's unit; NaN where the version has no tag.
    """

    model: str
    number: int
    unit: str
    mae: float
    baseline_mae: float
    kind: str
    """`candidate` or `baseline`."""
    aliases: tuple[str, ...]
    promoted: str
    """Why it became champion; empty where it never did."""
    feature_service: str
    definitions: str
    dataset_sha256: str
    run: str
    circuit: Circuit | None
    """What it learned from; None for a version that names none."""


def versions(registry: Any) -> list[Version]:
    """All versions of all models, ordered by model, the newest version first."""
    listed = []
    for model in registry.search_registered_models():
        for version in registry.search_model_versions(f"name='{model.name}'"):
            tags, number = version.tags, str(version.version)
            aliases = tuple(
                sorted(alias for alias, named in model.aliases.items() if str(named) == number)
            )
            listed.append(
                Version(
                    model.name,
                    int(number),
                    tags.get("unit", ""),
                    float(tags.get("mae", "nan")),
                    float(tags.get("baseline_mae", "nan")),
                    tags.get("kind", ""),
                    aliases,
                    tags.get("promoted", ""),
                    tags.get("feature_service", ""),
                    tags.get("definitions", ""),
                    tags.get("dataset_sha256", ""),
                    version.run_id or "",
                    of_tags(tags),
                )
            )
    return sorted(listed, key=lambda version: (version.model, -version.number))
