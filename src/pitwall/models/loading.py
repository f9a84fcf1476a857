"""Loading a registered version: a skops file, read with the fixed list `TRUSTED` and nothing else.

What serving needs beside the estimator stands in the model's metadata.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import ModelError
from pitwall.models.circuit import Circuit, of_metadata
from pitwall.models.trees import Rows, compiled

TRUSTED = [
    "pitwall.training.estimators.plain.BoostedOn",
    "pitwall.training.estimators.delta_trace.DeltaTrace",
    "pitwall.training.estimators.plain.Linear",
    "pitwall.training.estimators.laps.MeanProfile",
    "pitwall.training.estimators.laps.PaceRatio",
    "pitwall.training.estimators.laps.RecentPace",
    "pitwall.training.estimators.inertia.InertialSpeed",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
"""Types that a stored model may hold beside those that skops trusts by itself."""


@dataclass(frozen=True)
class Interval:
    """An interval round a prediction that holds the truth with probability `coverage`.

    `half_width` is in the model's unit: one for all rows, or one for each bin of an input, whose
    inner borders are `edges`.
    """

    coverage: float
    by: int | None
    """Place of that input among the model's inputs; None where one width holds everywhere."""
    edges: NDArray[np.float64]
    half_width: NDArray[np.float64]

    def of(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Half-widths for rows of shape (n, inputs): the widest where the input is missing."""
        if self.by is None:
            return np.full(len(rows), self.half_width[0])
        values = rows[:, self.by]
        bins = np.searchsorted(self.edges, values, side="right")
        widths = self.half_width[bins.clip(0, len(self.half_width) - 1)]
        return np.where(np.isnan(values), self.half_width.max(), widths)


@dataclass(frozen=True)
class Loaded:
    """A version in memory. `model` is the estimator; `rows` gives its bits for arrays, faster."""

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
    """Some rows of the training set, shape (n, inputs)."""
    meanings: Mapping[str, str]
    """What each input meant in training: `FeatureSet.meanings`; empty for an older version."""
    circuit: Circuit | None
    """What it learned from; None for a version that names none."""

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values (n,) in the unit for `rows` (n, inputs); NaN stands for null."""
        return self.rows.predict_rows(rows)


def load(registry: Any, version: Any) -> Loaded:
    """Load a registered version.

    Raises `ModelError` for a version that is no skops file, and skops' own error for one that
    holds other types than `TRUSTED`.
    """
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
            f"version {version.version} of {version.name} is stored as "
            f"{flavor['serialization_format']}; only skops is read"
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
        dict(metadata.get("meanings", {})),
        of_metadata(metadata.get("circuit")),
    )
