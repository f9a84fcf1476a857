"""What MLflow tells of the models, followed in a thread of its own for all viewers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from pitwall.models import registry as models
from pitwall.models.registry import Version
from pitwall.settings import Settings

EVERY_S = 5.0


class Registry:
    """The registry's versions, and what their runs wrote down."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.versions: list[Version] = []
        self.state = "connecting"
        """`connecting`, `live`, or why MLflow is not heard."""
        self._kept: dict[tuple[str, ...], Any] = {}
        self._stop = threading.Event()
        # A page that waits minutes for MLflow shows nothing in them; it asks again by itself.
        os.environ.update(
            {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
        )
        self._thread = threading.Thread(target=self._run, daemon=True, name="registry")
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join(10)

    def champion(self, model: str) -> Version | None:
        """The model's champion, if it has one."""
        return next(
            (each for each in self.versions if each.model == model and "champion" in each.aliases),
            None,
        )

    def typical_error(self, model: str) -> float:
        """The champion's mean absolute error in training, in the model's unit; NaN where it is not
        known.
        """
        champion = self.champion(model)
        return champion.mae if champion else float("nan")

    def errors_by_lap(self, version: Version) -> dict[str, dict[str, float]]:
        """By candidate and baseline: the error on each held-out lap.

        Blocks; empty where MLflow has none.
        """
        return {
            name: each
            for name, each in self._logged(version, "errors_by_lap.json").get("out", {}).items()
            if isinstance(each, dict)
        }

    def errors_by_part(self, version: Version) -> dict[str, list[float]]:
        """By candidate and baseline: the error out of lap in each tenth of the lap.

        Blocks; empty where MLflow has none.
        """
        return {
            name: each
            for name, each in self._logged(version, "errors_by_part.json").items()
            if isinstance(each, list)
        }

    def inputs(self, version: Version) -> list[str]:
        """Names of the model's inputs; empty where MLflow does not answer. Blocks."""

        def read() -> list[str]:
            import mlflow

            signature = mlflow.models.get_model_info(
                f"models:/{version.model}/{version.number}"
            ).signature
            return list(signature.inputs.input_names()) if signature else []

        return self._once((version.model, str(version.number), "inputs"), read) or []

    def _logged(self, version: Version, name: str) -> dict[str, Any]:
        def read() -> dict[str, Any]:
            import mlflow

            return dict(mlflow.artifacts.load_dict(f"runs:/{version.run}/{name}"))

        return self._once((version.run, name), read) or {}

    def _once(self, key: tuple[str, ...], read: Callable[[], Any]) -> Any:
        """What `read` gives, read once; None where MLflow does not answer or lacks it."""
        if self.state == "live" and key not in self._kept:
            try:
                self._kept[key] = read()
            except Exception as error:  # MLflow passes on whatever its transports raise.
                if getattr(error, "error_code", "") != "RESOURCE_DOES_NOT_EXIST":
                    return None
                self._kept[key] = None
        return self._kept.get(key)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.versions = models.versions(models.client(self._settings))
                self.state = "live"
            except Exception:
                self.state = (
                    f"MLflow at {self._settings.mlflow_url} does not answer; see ./pitwall status"
                )
            self._stop.wait(EVERY_S)
