"""The champions in memory, following the registry's alias."""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitwall.errors import ModelError
from pitwall.local.servers import s3_environment
from pitwall.settings import Settings

LOG = logging.getLogger("pitwall.serving")


@dataclass(frozen=True)
class Champion:
    """A loaded model with what it needs to be asked."""

    name: str
    version: int
    unit: str
    feature_service: str
    definitions: str
    inputs: tuple[str, ...]
    model: Any

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values for `rows` of shape (n, inputs); NaN stands for null."""
        return np.asarray(self.model.predict(pd.DataFrame(rows, columns=list(self.inputs))))


class Champions:
    """Loads `champion` of each model and follows it: beside the old one, then swapped in one assignment."""

    def __init__(self, settings: Settings, names: tuple[str, ...]) -> None:
        import mlflow
        import mlflow.sklearn

        os.environ.update(s3_environment(settings))
        mlflow.set_tracking_uri(settings.mlflow_url)
        self._client = mlflow.MlflowClient()
        self._names = names
        self._refused: dict[str, int] = {}
        self.loaded: dict[str, Champion] = {}

    def get(self, name: str) -> Champion:
        """The champion `name`. Raises `ModelError` when there is none."""
        champion = self.loaded.get(name)
        if champion is None:
            raise ModelError(f"model {name!r} has no champion; train it: ./pitwall train {name}")
        return champion

    def refresh(self) -> None:
        """Load champions that are new in the registry; one that cannot be loaded is refused and logged once."""
        import mlflow
        from mlflow.exceptions import MlflowException

        for name in self._names:
            try:
                version = self._client.get_model_version_by_alias(name, "champion")
            except MlflowException:
                continue
            number = int(version.version)
            if number == self._refused.get(name) or (name in self.loaded and self.loaded[name].version == number):
                continue
            try:
                uri = f"models:/{name}/{number}"
                signature = mlflow.models.get_model_info(uri).signature
                model = mlflow.sklearn.load_model(uri)
                champion = Champion(
                    name, number, version.tags["unit"], version.tags["feature_service"], version.tags["definitions"],
                    tuple(signature.inputs.input_names()), model,
                )  # fmt: skip
                champion.predict(np.full((1, len(champion.inputs)), 1.0))
            except Exception:
                LOG.exception("version %s of %s is refused", number, name)
                self._refused[name] = number
                continue
            self.loaded = {**self.loaded, name: champion}

    def follow(self, every_s: float = 2.0) -> threading.Event:
        """Refresh in a thread until the returned event is set."""
        stop = threading.Event()

        def run() -> None:
            while not stop.is_set():
                try:
                    self.refresh()
                except Exception:
                    LOG.exception("the model registry does not answer")
                stop.wait(every_s)

        threading.Thread(target=run, daemon=True, name="champions").start()
        return stop
