"""The models in memory, following the registry's aliases `champion` and `challenger`."""

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
ROLES = {"champion": "champion", "challenger": "shadow"}
"""What a version of this alias is to the readers of predictions."""

Value = tuple[float, float | None, float | None]
"""Value, and the interval's ends; None where the model gives no interval."""


@dataclass(frozen=True)
class Model:
    """A loaded version with what it needs to be asked. `background` holds a usual value an input, to explain against."""

    name: str
    version: int
    role: str
    unit: str
    feature_service: str
    definitions: str
    inputs: tuple[str, ...]
    model: Any
    background: NDArray[np.float64]

    def predict(self, rows: NDArray[np.float64]) -> list[Value]:
        """Value and interval for `rows` of shape (n, inputs); NaN stands for null."""
        found = np.asarray(self.model.predict(pd.DataFrame(rows, columns=list(self.inputs))), dtype=np.float64)
        return [(value, None, None) for value in found.tolist()]

    def explain(self, row: NDArray[np.float64]) -> dict[str, float]:
        """How far each feature moves the value from what its usual value would give, in the model's unit; greatest first."""
        rows = np.repeat(row[None, :], len(self.inputs) + 1, axis=0)
        np.fill_diagonal(rows[1:], self.background)
        values = [value for value, _, _ in self.predict(rows)]
        moved = {name: values[0] - value for name, value in zip(self.inputs, values[1:], strict=True)}
        return dict(sorted(moved.items(), key=lambda item: -abs(item[1])))


class Registry:
    """Loads the versions the aliases name and follows them: beside the old one, tried, then swapped in one assignment."""

    def __init__(self, settings: Settings, names: tuple[str, ...]) -> None:
        import mlflow
        import mlflow.sklearn

        os.environ.update(s3_environment(settings))
        mlflow.set_tracking_uri(settings.mlflow_url)
        self._client = mlflow.MlflowClient()
        self._names = names
        self._loaded: dict[tuple[str, str], Model] = {}
        self.refused: dict[tuple[str, str], int] = {}
        """Versions that could not be used, by model and alias."""

    def get(self, name: str) -> Model:
        """The champion `name`. Raises `ModelError` when there is none."""
        model = self._loaded.get((name, "champion"))
        if model is None:
            raise ModelError(f"model {name!r} has no champion; train it: ./pitwall train {name}")
        return model

    def serving(self) -> list[Model]:
        """All loaded versions, champions first."""
        return sorted(self._loaded.values(), key=lambda model: model.role)

    def champions(self) -> dict[str, int]:
        """Version of each champion."""
        return {model.name: model.version for model in self.serving() if model.role == "champion"}

    def refresh(self) -> None:
        """Take up what is new in the registry; a version that cannot be used is refused, once, and the old one stays."""
        from mlflow.exceptions import MlflowException

        for name in self._names:
            for alias in ROLES:
                key = (name, alias)
                try:
                    version = self._client.get_model_version_by_alias(name, alias)
                except MlflowException as error:
                    if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE") and alias != "champion":
                        self._loaded = {k: v for k, v in self._loaded.items() if k != key}
                    continue
                number = int(version.version)
                if number == self.refused.get(key) or (key in self._loaded and self._loaded[key].version == number):
                    continue
                try:
                    model = self._load(version, ROLES[alias])
                except Exception:
                    LOG.exception("version %s of %s is refused as %s", number, name, alias)
                    self.refused = {**self.refused, key: number}
                    continue
                self._loaded = {**self._loaded, key: model}
                self.refused = {k: v for k, v in self.refused.items() if k != key}

    def _load(self, version: Any, role: str) -> Model:
        """A version, tried on the input example it was logged with."""
        import mlflow

        uri = f"models:/{version.name}/{version.version}"
        info = mlflow.models.get_model_info(uri)
        inputs = tuple(info.signature.inputs.input_names())
        example = np.full((1, len(inputs)), np.nan)
        if info.saved_input_example_info is not None:
            folder = mlflow.artifacts.download_artifacts(uri)
            frame = mlflow.models.Model.load(folder).load_input_example(folder)
            example = frame[list(inputs)].to_numpy(dtype=np.float64)
        with np.errstate(all="ignore"):
            background = np.array([np.median(c[~np.isnan(c)]) if (~np.isnan(c)).any() else np.nan for c in example.T])
        model = Model(
            version.name, int(version.version), role, version.tags["unit"], version.tags["feature_service"],
            version.tags["definitions"], inputs, mlflow.sklearn.load_model(uri), background,
        )  # fmt: skip
        found = model.predict(example)
        if len(found) != len(example) or (info.saved_input_example_info is not None and not np.isfinite([v for v, _, _ in found]).all()):
            raise ModelError(f"version {version.version} of {version.name} gives no finite value for its own input example")
        return model

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

        threading.Thread(target=run, daemon=True, name="registry").start()
        return stop
