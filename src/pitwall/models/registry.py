"""Registered models: what a version is made of, how it is loaded, and who is champion.

A version is a skops file, read with the fixed list `TRUSTED` and nothing else; what serving needs beside it stands in the
model's metadata. Aliases: `champion` answers, `challenger` was trained last.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import ModelError
from pitwall.models.trees import Rows, compiled
from pitwall.settings import Settings
from pitwall.stores.s3 import s3_environment

TRUSTED = [
    "pitwall.training.estimators.laps.BoostedOn",
    "pitwall.training.estimators.laps.DeltaTrace",
    "pitwall.training.estimators.laps.Linear",
    "pitwall.training.estimators.laps.MeanProfile",
    "pitwall.training.estimators.laps.PaceRatio",
    "pitwall.training.estimators.laps.RecentPace",
    "pitwall.training.estimators.inertia.InertialSpeed",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
"""Types a stored model may hold beside those skops trusts by itself."""
HISTORY = "champions"
"""The registered model's tag that tells who was champion, since when and why: a JSON list, the newest last."""
KEPT = 20


@dataclass(frozen=True)
class Interval:
    """Half-width of the interval that holds the truth with probability `coverage`, in the unit; by an input or the same everywhere."""

    coverage: float
    by: int | None
    """Which input, by its place."""
    edges: NDArray[np.float64]
    half_width: NDArray[np.float64]

    def of(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Half-widths for rows of shape (n, inputs)."""
        if self.by is None:
            return np.full(len(rows), self.half_width[0])
        return np.asarray(
            self.half_width[
                np.searchsorted(self.edges, rows[:, self.by], side="right").clip(
                    0, len(self.half_width) - 1
                )
            ]
        )


@dataclass(frozen=True)
class Loaded:
    """A version in memory. `model` is the estimator, `rows` gives the same bits for arrays faster."""

    name: str
    version: int
    unit: str
    feature_service: str
    definitions: str
    run: str
    inputs: tuple[str, ...]
    interval: Interval
    model: Any
    rows: Rows
    example: NDArray[np.float64]
    """Rows of the data it learned from, of shape (n, inputs)."""

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values for `rows` of shape (n, inputs); NaN stands for null."""
        return self.rows.predict_rows(rows)


def client(settings: Settings) -> Any:
    """An MLflow client for the settings' server; also what `mlflow.*` functions use from now on."""
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false")
    os.environ.update(s3_environment(settings))
    import mlflow

    mlflow.set_tracking_uri(settings.mlflow_url)
    return mlflow.MlflowClient()


def by_alias(registry: Any, name: str, alias: str) -> Any | None:
    """The version of model `name` that has this alias, or None."""
    from mlflow.exceptions import MlflowException

    try:
        return registry.get_model_version_by_alias(name, alias)
    except MlflowException:
        return None


@dataclass(frozen=True)
class Version:
    """A registered version as it is listed. Errors are means over laps, in the model's unit; NaN where not written down."""

    model: str
    number: int
    unit: str
    mae: float
    baseline_mae: float
    kind: str
    """`candidate` or `baseline`: which of the two it is."""
    aliases: tuple[str, ...]
    promoted: str
    """Why it became champion; empty where it never did."""
    feature_service: str
    definitions: str
    dataset_sha256: str
    run: str


def versions(registry: Any) -> list[Version]:
    """All versions of all models, by model, the newest first."""
    found = []
    for model in registry.search_registered_models():
        for version in registry.search_model_versions(f"name='{model.name}'"):
            tags, number = version.tags, str(version.version)
            aliases = tuple(
                sorted(alias for alias, named in model.aliases.items() if str(named) == number)
            )
            found.append(
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
                )
            )
    return sorted(found, key=lambda each: (each.model, -each.number))


def load(registry: Any, version: Any) -> Loaded:
    """A registered version in memory. Raises `ModelError` for one that is no skops file or holds other types than `TRUSTED`."""
    import mlflow

    with tempfile.TemporaryDirectory(prefix="pitwall-model-") as temporary:
        return _read(
            version,
            Path(
                mlflow.artifacts.download_artifacts(
                    f"models:/{version.name}/{version.version}", dst_path=temporary
                )
            ),
        )


def _read(version: Any, folder: Path) -> Loaded:
    import skops.io
    from mlflow.models import Model

    described = Model.load(str(folder))
    flavor = described.flavors["sklearn"]
    if flavor["serialization_format"] != "skops":
        raise ModelError(
            f"version {version.version} of {version.name} is stored as {flavor['serialization_format']}; only skops is read"
        )
    model = skops.io.load(folder / flavor["pickled_model"], trusted=TRUSTED)
    metadata = described.metadata
    inputs = tuple(described.signature.inputs.input_names())
    width = metadata["interval"]
    interval = Interval(
        width["coverage"],
        inputs.index(width["by"]) if width["by"] else None,
        np.array(width["edges"]),
        np.array(width["half_width"]),
    )
    return Loaded(
        version.name,
        int(version.version),
        metadata["unit"],
        metadata["feature_service"],
        metadata["definitions"],
        version.run_id,
        inputs,
        interval,
        model,
        compiled(model),
        described.load_input_example(str(folder))[list(inputs)].to_numpy(dtype=np.float64),
    )


@dataclass(frozen=True)
class Verdict:
    """Whether a version may become champion, and why."""

    passes: bool
    why: str


def gate(registry: Any, name: str, version: str) -> Verdict:
    """A version passes if it beats its baselines (or is the one none could beat), and is not behind the champion.

    It met the champion when it was trained: lap by lap on laps neither had learned from.
    """
    tags = _version(registry, name, version).tags
    champion = by_alias(registry, name, "champion")
    if tags.get("verdict") not in ("beats baselines", "baseline"):
        return Verdict(False, f"it is not known to beat its baselines ({tags.get('verdict')})")
    if champion is None:
        return Verdict(True, "the first champion")
    if str(champion.version) == str(version):
        return Verdict(True, "it is champion already")
    met = json.loads(tags.get("against", "{}"))
    if str(met.get("version")) != str(champion.version):
        return Verdict(
            False, f"it never met the champion, version {champion.version}; train it again"
        )
    if met["laps"] < 2:
        return Verdict(
            False, f"only {met['laps']} laps to compare it with version {champion.version}"
        )
    text = f"{met['gain']:+.4f} ± {met['standard_error']:.4f} {tags['unit']} a lap beside version {champion.version} on {met['laps']} laps"
    return Verdict(met["gain"] >= 0, text)


def promote(registry: Any, name: str, version: str, force: str | None = None) -> Verdict:
    """Make a version champion. Raises `ModelError` when the gate is closed and no reason to `force` it is given."""
    verdict = gate(registry, name, version)
    if not verdict.passes and not force:
        raise ModelError(
            f"version {version} of {name} is not promoted: {verdict.why}; --force REASON promotes it all the same"
        )
    _crown(
        registry,
        name,
        version,
        f"forced: {force} (the gate: {verdict.why})" if force else verdict.why,
        bool(force),
    )
    return verdict


def rollback(registry: Any, name: str, reason: str = "") -> str:
    """Make the champion before the present one champion again; its version. Raises `ModelError` when there was none."""
    past = history(registry, name)
    present = by_alias(registry, name, "champion")
    before = [
        each
        for each in past
        if present is not None and str(each["version"]) != str(present.version)
    ]
    if not before:
        raise ModelError(
            f"model {name!r} has had no other champion; ./pitwall promote {name} VERSION makes one"
        )
    version = str(before[-1]["version"])
    _crown(
        registry,
        name,
        version,
        f"rollback from version {present.version}" + (f": {reason}" if reason else ""),  # type: ignore[union-attr]
        False,
    )
    return version


def history(registry: Any, name: str) -> list[dict[str, Any]]:
    """Who was champion: version, since, why and forced, the newest last. Raises `ModelError` for an unknown model."""
    from mlflow.exceptions import MlflowException

    try:
        tags = registry.get_registered_model(name).tags
    except MlflowException:
        raise ModelError(
            f"there is no model {name!r} in the registry; train it: ./pitwall train {name}"
        ) from None
    return list(json.loads(tags.get(HISTORY, "[]")))


def _crown(registry: Any, name: str, version: str, why: str, forced: bool) -> None:
    past = history(registry, name)
    entry = {
        "version": int(version),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "why": why[:300],
        "forced": forced,
    }
    registry.set_registered_model_tag(name, HISTORY, json.dumps([*past, entry][-KEPT:]))
    registry.set_model_version_tag(name, version, "promoted", why[:300])
    registry.set_registered_model_alias(name, "champion", version)


def _version(registry: Any, name: str, version: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return registry.get_model_version(name, version)
    except MlflowException:
        raise ModelError(
            f"model {name!r} has no version {version!r}; see ./pitwall models"
        ) from None
