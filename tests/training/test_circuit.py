"""A version keeps to its circuit from training to promotion; MLflow is a local database here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from paths import ROOT
from stored_sessions import drive, store

from pitwall.errors import ModelError
from pitwall.models import registry as models
from pitwall.models.loading import load
from pitwall.settings import Settings
from pitwall.training import train as training
from pitwall.training.dataset import Dataset

pytestmark = pytest.mark.filterwarnings("ignore")
TASK = """
description: A toy
service: toy
label: {lap: final}
unit: s
every_s: 5
baselines: [{type: sklearn.dummy.DummyRegressor}]
estimator: {type: sklearn.linear_model.LinearRegression}
"""


def without_feast(settings: Settings, task: Any, rows: pd.DataFrame) -> Dataset:
    """A training set of these entity rows whose only input is the share of the lap."""
    groups = rows["lap"]
    part = groups.groupby(groups).cumcount() / groups.groupby(groups).transform("size")
    inputs = pd.DataFrame({"lap_distance": part * rows["length_m"]})
    return Dataset(inputs, rows["truth"], groups, part, rows)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    repository = tmp_path / "repository"
    (repository / "training" / "tasks").mkdir(parents=True)
    (repository / "training" / "tasks" / "toy.yaml").write_text(TASK)
    (repository / "feature_repo").symlink_to(ROOT / "feature_repo")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "build", without_feast)
    database = f"sqlite:///{tmp_path}/mlflow.db"
    return Settings(repository=repository, home=tmp_path / "home", mlflow_server=database)


def test_a_version_keeps_to_its_circuit(settings: Settings) -> None:
    rng = np.random.default_rng(0)
    store(settings, "home", [drive(seconds) for seconds in rng.uniform(78, 84, 5)])
    first = training.train(settings, "toy")
    assert first["circuit"] == {
        "length_m": 3999.0,
        "name": "",
        "columns": ["lap_distance", "lap_fraction"],
    }
    assert first["left_out"] == {} and first["serving"] == 1

    registry = models.client(settings)
    loaded = load(registry, models.by_alias(registry, "toy", "champion"))
    assert loaded.circuit is not None and loaded.circuit.metadata() == first["circuit"]
    (version,) = models.versions(registry)
    assert version.circuit is not None and version.circuit.length_m == 3999.0
    params = registry.get_run(version.run).data.params
    assert (params["circuit"], params["left_out"]) == ("3,999 m", "none")

    # Laps of another circuit: refused until one is named; the champion's is retrained all the same.
    store(settings, "away", [drive(seconds, 2500) for seconds in rng.uniform(48, 54, 6)])
    with pytest.raises(ModelError, match="not of one circuit"):
        training.train(settings, "toy")
    unchanged = training.retrain(settings, "toy")
    assert unchanged["new"] is False and "left out: 6 of another length" in unchanged["taken"]

    # A version of the other circuit does not replace the champion.
    away = training.train(settings, "toy", circuit=2500.0, promoted=True)
    assert away["serving"] == 1 and away["left_out"] == {"of another length": 5}
    assert away["gate"] == "it learned from 2,499 m, the champion, version 1, from 3,999 m"
