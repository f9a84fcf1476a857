"""MLflow's registry, followed by one thread for all viewers."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pitwall.machine.lasting import Lasting
from pitwall.models import registry as models
from pitwall.models.registry import Version
from pitwall.settings import Settings

EVERY_S = 5.0


class Registry:
    """The registered versions, and what their training runs logged.

    The methods that block ask MLflow once for each version and keep its answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.versions: list[Version] = []
        """All versions, ordered by model, the newest version first."""
        self.state = "connecting"
        """`connecting`, `live`, or a sentence that says why MLflow is not read."""
        self._answers: dict[tuple[str, ...], Any] = {}
        # MLflow's client tries again for minutes by default. Here the thread asks again by itself.
        os.environ.update(
            {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
        )
        self._thread = Lasting("the reader of the registry", self._read, EVERY_S)
        self._thread.start()

    @property
    def problem(self) -> str:
        """Why the reading does not go on, as a sentence; empty while all is well."""
        return self._thread.problem

    def close(self) -> None:
        """Stop the thread."""
        self._thread.close()

    def champion(self, model: str) -> Version | None:
        """The model's champion, or None."""
        return next(
            (
                version
                for version in self.versions
                if version.model == model and "champion" in version.aliases
            ),
            None,
        )

    def errors_by_lap(self, version: Version) -> dict[str, dict[str, float]]:
        """The error on each held-out lap, by candidate or baseline, then by lap. Blocks.

        In the model's unit; empty where MLflow has none.
        """
        by_name = self._logged(version, "errors_by_lap.json").get("out", {})
        return {name: by_lap for name, by_lap in by_name.items() if isinstance(by_lap, dict)}

    def errors_by_part(self, version: Version) -> dict[str, list[float]]:
        """The error on held-out laps in each tenth of the lap, by candidate or baseline. Blocks.

        In the model's unit; empty where MLflow has none.
        """
        by_name = self._logged(version, "errors_by_part.json")
        return {name: errors for name, errors in by_name.items() if isinstance(errors, list)}

    def inputs(self, version: Version) -> list[str]:
        """Names of the model's inputs; empty where MLflow does not answer. Blocks."""

        def read() -> list[str]:
            import mlflow

            signature = mlflow.models.get_model_info(
                f"models:/{version.model}/{version.number}"
            ).signature
            return list(signature.inputs.input_names()) if signature else []

        return self._read_once((version.model, str(version.number), "inputs"), read) or []

    def _logged(self, version: Version, file: str) -> dict[str, Any]:
        """A JSON file that the version's training run logged; empty where MLflow has none."""

        def read() -> dict[str, Any]:
            import mlflow

            return dict(mlflow.artifacts.load_dict(f"runs:/{version.run}/{file}"))

        return self._read_once((version.run, file), read) or {}

    def _read_once(self, key: tuple[str, ...], read: Callable[[], Any]) -> Any:
        """What `read` returns, or returned before; None where MLflow has it not or is silent."""
        if self.state == "live" and key not in self._answers:
            try:
                self._answers[key] = read()
            except Exception as error:  # MLflow passes on whatever its transports raise.
                if getattr(error, "error_code", "") != "RESOURCE_DOES_NOT_EXIST":
                    return None
                self._answers[key] = None
        return self._answers.get(key)

    def _read(self) -> None:
        try:
            self.versions = models.versions(models.client(self._settings))
            self.state = "live"
        except Exception:  # MLflow passes on whatever its transports raise.
            self.state = (
                f"MLflow at {self._settings.mlflow_url} does not answer; see ./pitwall status"
            )
