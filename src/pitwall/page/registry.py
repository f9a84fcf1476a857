"""What MLflow's API tells of the models: versions, errors, and what a champion is asked with."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx
import yaml

from pitwall.page.feed import Feed
from pitwall.settings import Settings


@dataclass(frozen=True)
class Version:
    """One registered version. Errors are means over laps, in the model's unit; NaN where not written down."""

    model: str
    number: int
    unit: str
    mae: float
    baseline_mae: float
    kind: str
    """`candidate` or `baseline`: which of the two this version is."""
    aliases: tuple[str, ...]
    run: str
    source: str
    tags: dict[str, str] = field(hash=False)


class Registry:
    """Follows the registry in a thread of its own, for all viewers."""

    EVERY_S = 5.0

    def __init__(self, settings: Settings, feed: Feed) -> None:
        self._settings, self._feed = settings, feed
        self.versions: list[Version] = []
        self.state = "connecting"
        """`connecting`, `live`, or why MLflow is not heard."""
        self._kept: dict[tuple[str, str], Any] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="registry")
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join(10)

    def champion(self, model: str) -> Version | None:
        """The model's champion, if it has one."""
        return next((each for each in self.versions if each.model == model and "champion" in each.aliases), None)

    def errors_by_lap(self, version: Version) -> dict[str, dict[str, float]]:
        """By candidate and baseline: the error on each held-out lap. Blocks; empty where MLflow has none."""
        found = self._logged(version, "errors_by_lap.json").get("out", {})
        return {name: each for name, each in found.items() if isinstance(each, dict)}

    def errors_by_part(self, version: Version) -> dict[str, list[float]]:
        """By candidate and baseline: the error out of lap in each tenth of the lap. Blocks; empty where MLflow has none."""
        return {name: each for name, each in self._logged(version, "errors_by_part.json").items() if isinstance(each, list)}

    def _logged(self, version: Version, name: str) -> dict[str, Any]:
        return self._artifact((version.run, name), "/get-artifact", {"path": name, "run_uuid": version.run}, json.loads) or {}

    def inputs(self, version: Version) -> list[str]:
        """Names of the features the model is asked with. Blocks; empty where MLflow does not tell."""
        path = f"/ajax-api/2.0/mlflow/logged-models/{version.source.removeprefix('models:/')}/artifacts/files"
        about = self._artifact((version.source, "inputs"), path, {"artifact_file_path": "MLmodel"}, yaml.safe_load)
        try:
            return [each["name"] for each in json.loads(about["signature"]["inputs"])]
        except (TypeError, KeyError, ValueError):
            return []

    def _artifact(self, key: tuple[str, str], path: str, query: dict[str, str], read: Any) -> Any:
        if key not in self._kept:
            try:
                answer = httpx.get(self._settings.mlflow_url + path, params=query, timeout=5)
                self._kept[key] = read(answer.text) if answer.status_code == 200 else None
            except (httpx.HTTPError, ValueError, yaml.YAMLError):
                return None
        return self._kept[key]

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with httpx.Client(base_url=self._settings.mlflow_url + "/api/2.0/mlflow", timeout=5) as client:
                    self.versions = self._versions(client)
                self.state = "live"
            except (httpx.HTTPError, ValueError, KeyError):
                self.state = f"MLflow at {self._settings.mlflow_url} does not answer; see ./pitwall status"
            self._feed.errors = {each.model: each.mae for each in self.versions if "champion" in each.aliases and each.mae == each.mae}
            self._stop.wait(self.EVERY_S)

    def _versions(self, client: httpx.Client) -> list[Version]:
        found = []
        for model in client.get("/registered-models/search").raise_for_status().json().get("registered_models", []):
            aliases: dict[str, list[str]] = {}
            for each in model.get("aliases", []):
                aliases.setdefault(str(each["version"]), []).append(each["alias"])
            query = {"filter": f"name='{model['name']}'", "max_results": "200"}
            for version in client.get("/model-versions/search", params=query).raise_for_status().json().get("model_versions", []):
                tags = {tag["key"]: tag["value"] for tag in version.get("tags", [])}
                found.append(Version(
                    model["name"], int(version["version"]), tags.get("unit", ""), _number(tags.get("mae")), _number(tags.get("baseline_mae")),
                    tags.get("kind", ""), tuple(aliases.get(str(version["version"]), ())), version.get("run_id", ""), version.get("source", ""), tags,
                ))  # fmt: skip
        return sorted(found, key=lambda each: (each.model, -each.number))


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else float("nan")
    except ValueError:
        return float("nan")
