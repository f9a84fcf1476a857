"""The report of models, with features by the operator itself and without any server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from paths import ROOT

from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.errors import ModelError
from pitwall.features import load
from pitwall.features.oracle import reference
from pitwall.settings import Settings
from pitwall.stores.repository import apply
from pitwall.training import dataset, offline
from pitwall.training.laps import choose
from pitwall.training.recomputed import write_features
from pitwall.training.report import report
from pitwall.training.tasks import task

pytestmark = pytest.mark.filterwarnings("ignore")
KEYS = {"model", "unit", "laps", "error", "baselines", "coverage", "coverage_by_lap_min"}


def drive(seed: int) -> Session:
    return simulate(laps=2, seed=seed, hz=10)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A project of its own with four sessions of two laps in its offline store."""
    folder = tmp_path_factory.mktemp("report")
    for name in ("feature_repo", "training", "flink_jobs"):
        left_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    yaml = folder / "feature_repo" / "feature_store.yaml"
    online = f"type: sqlite\n  path: {folder / 'online.db'}"
    yaml.write_text(
        yaml.read_text().replace("type: pitwall.stores.online.store.CassandraOnlineStore", online)
    )
    made = Settings(repository=folder, home=folder / ".pitwall")
    write_features(made, [drive(seed) for seed in (1, 2, 3, 4)], made.offline_dir)
    return made


def test_recomputed_rows_are_those_of_the_oracle(settings: Settings) -> None:
    session = drive(1)
    rows = pq.read_table(settings.offline_dir / "car_state" / "part-0.parquet").to_pandas()
    assert len(rows) == len(session.times_s) and set(rows["session"]) == {session.session}
    start = pd.to_datetime(session.session[:15], format="%Y%m%d-%H%M%S", utc=True)
    since = (rows["event_timestamp"] - start).dt.total_seconds()
    assert np.allclose(since, session.times_s, atol=1e-6)
    (features,) = load(settings.feature_repo)
    ids = ["".join(filter(str.isalnum, name)).upper() for name in session.names]
    ticks = [
        (round(time_s * 1e6), dict(zip(ids, values, strict=True)))
        for time_s, values in zip(session.times_s.tolist(), session.values.tolist(), strict=True)
    ]
    at = [10, len(ticks) // 2, len(ticks) - 1]
    exact = ["lap_distance", "lap_time", "lap_distance_lag_10s", "lap_number", "speed_max_5s"]
    for place, expected in zip(at, reference(features, ticks, at), strict=True):
        for name in exact:
            value = rows[name].iloc[place]
            assert (None if np.isnan(value) else value) == expected[name], (place, name)


def test_the_training_set_is_the_one_that_feast_joins(settings: Settings) -> None:
    apply(settings)
    lap_time = task(settings, "lap_time")
    rows = dataset.entity_rows(settings, lap_time, choose(settings).laps)
    own, joined = (each.build(settings, lap_time, rows) for each in (offline, dataset))
    assert own.sha256() == joined.sha256() and own.groups.equals(joined.groups)
    assert own.together.nunique() == 4 and own.groups.nunique() == 8


def test_stored_laps_are_left_out_in_turn(settings: Settings) -> None:
    (figures,) = report(settings, ["lap_time"])
    assert set(figures) >= KEYS and figures["laps"] == 8 and figures["clusters"] == 4
    baseline = figures["baselines"]["PaceRatio"]
    assert baseline["gain"] == pytest.approx(baseline["error"] - figures["error"], abs=2e-5)
    assert baseline["gain_se"] > 0 and 0 <= figures["coverage_by_lap_min"] <= figures["coverage"]
    assert set(baseline) >= {"coverage", "coverage_by_lap_min"}
    assert len(figures["coverage_by_lap"]) == 8 and figures["registered"] in (
        "candidate",
        "PaceRatio",
    )
    json.dumps(figures, allow_nan=False)


def test_recordings_are_judged_that_no_fit_has_seen(settings: Settings) -> None:
    before = sorted(settings.offline_dir.rglob("*"))
    judged = [drive(5), drive(6)]
    (figures,) = report(settings, ["lap_time"], judged)
    assert set(figures) >= KEYS and figures["laps"] == 4
    assert figures["clusters"] == 2 and figures["error"] > 0
    assert "learned from 8 stored laps, judged on 4 laps" in figures["taken"]
    assert sorted(settings.offline_dir.rglob("*")) == before
    (again,) = report(settings, ["lap_time"], [drive(2), *judged])
    assert "learned from 6 stored laps" in again["taken"] and again["laps"] == 6
    assert again["note"].startswith("stored laps left out of the fits: 2 of the judged sessions")


def test_what_is_stored_alone_judges_nothing(settings: Settings) -> None:
    with pytest.raises(ModelError, match="0 stored laps remain to learn from"):
        report(settings, ["lap_time"], [drive(seed) for seed in (1, 2, 3, 4)])


def test_the_command_says_where_nothing_is_stored(tmp_path: Path) -> None:
    ran = subprocess.run(
        [str(Path(sys.executable).parent / "pitwall"), "report", "models", "--json"],
        env={"PITWALL_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1 and ran.stdout == ""
    assert "no recorded features in" in ran.stderr and "stream some laps first" in ran.stderr


def test_paths_without_judge_are_refused(tmp_path: Path) -> None:
    ran = subprocess.run(
        [str(Path(sys.executable).parent / "pitwall"), "report", "models", "laps"],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 2 and "write --judge laps" in ran.stderr
