"""What a change of the feature repository does, told before it is applied."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paths import ROOT
from typer.testing import CliRunner

from pitwall.cli.main import app
from pitwall.operations import change_plan as plans
from pitwall.settings import Settings

Edit = Callable[[str, str], None]
APPLY = """
from pathlib import Path

from feast import FeatureStore
from feast.repo_operations import parse_repo

store, contents = FeatureStore("."), parse_repo(Path.cwd())
for entity in contents.entities:
    store.registry.apply_entity(entity, store.project)
for view in contents.feature_views:
    store.registry.apply_feature_view(view, store.project)
for service in contents.feature_services:
    store.registry.apply_feature_service(service, store.project)
store.registry.commit()
"""
"""What `feast apply` writes into the registry. It makes no tables, so it needs no Cassandra."""


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout's feature repository with a registry in which it was applied."""
    root = tmp_path_factory.mktemp("applied")
    shutil.copytree(
        ROOT / "feature_repo", root / "feature_repo", ignore=shutil.ignore_patterns("__pycache__")
    )
    (root / ".pitwall" / "data").mkdir(parents=True)
    environment = {**os.environ, "PITWALL_REPOSITORY": str(root)}
    subprocess.run(
        [sys.executable, "-c", APPLY], check=True, env=environment, cwd=root / "feature_repo"
    )
    return root


@pytest.fixture
def settings(applied: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PITWALL_REPOSITORY", str(applied))
    monkeypatch.setenv("PITWALL_HOME", str(applied / ".pitwall"))
    monkeypatch.setattr(plans, "http_ok", lambda url: False)
    return Settings()


@pytest.fixture
def edit(settings: Settings) -> Iterator[Edit]:
    """Changes `features.py`, until the test's end."""
    path = settings.feature_repo / "features.py"
    text = path.read_text()

    def edit(old: str, new: str) -> None:
        assert path.read_text().count(old) == 1, old
        path.write_text(path.read_text().replace(old, new))

    yield edit
    path.write_text(text)


def test_what_was_applied_changes_nothing(settings: Settings, edit: Edit) -> None:
    assert not plans.change_plan(settings).changes
    done = CliRunner().invoke(app, ["plan"])
    assert done.stdout == "nothing changes: feature_repo/ is what was applied\n"


def test_features_added_removed_and_changed_are_told_with_their_users(
    settings: Settings, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit('lag("Throttle", 0.5, 2)', 'lag("Throttle", 0.5, 90)')
    edit("    sectors(),\n", "    sectors(),\n    gaps(0.2, 40),\n")
    edit('share_above("Brake", 5, 30)', 'share_above("Brake", 5, 30), last("EngineRpm")')
    edit("gaps(0.1, 30)", "gaps(0.3, 30)")
    used = {"lap_time": {"gaps_30s", "lap_time"}, "other": {"speed"}}
    monkeypatch.setattr(plans, "http_ok", lambda url: True)
    monkeypatch.setattr(plans, "inputs_of_models", lambda settings: used)
    [view] = plans.change_plan(settings).views
    assert set(view.added) == {"throttle_lag_90s", "gaps_40s", "engine_rpm"}
    assert view.removed == ["throttle_lag_2s"] and view.changed == ["gaps_30s"]
    assert view.row_bytes == 16
    assert view.state_bytes >= 50 * 60 * 8, "90 s of throttle in place of 30"
    found = plans.change_plan(settings)
    assert found.services["gps_logger"] == ["gaps_30s"]
    assert sorted(found.services["pit_wall"]) == ["gaps_30s", "throttle_lag_2s"]
    assert len(found.services) == 2
    assert found.models == {"lap_time": ["gaps_30s"]}
    shown = CliRunner().invoke(app, ["plan"]).stdout
    assert "  removed: throttle_lag_2s\n" in shown and "model lap_time uses gaps_30s" in shown
    answer = json.loads(CliRunner().invoke(app, ["plan", "--json"]).stdout)
    assert answer["views"][0]["changed"] == ["gaps_30s"]
    assert "begin with what is kept" in answer["views"][0]["state"]


def test_views_added_and_removed_and_vehicles(settings: Settings, edit: Edit) -> None:
    edit(
        "CAR_STATE = FeatureSet(\n",
        'VAN = FeatureSet("van", last("Speed"), vehicles="VAN*")\nCAR_STATE = FeatureSet(\n',
    )
    edit('    "car_state",\n', '    "race_car",\n')
    views = {view.view: view for view in plans.change_plan(settings).views}
    assert views["van"].is_new and views["race_car"].is_new and views["car_state"].is_gone
    assert views["van"].row_bytes == 8
    assert "stop the job by a savepoint" in views["car_state"].state
    shown = CliRunner().invoke(app, ["plan"]).stdout
    assert "van (new)" in shown and "car_state (removed)" in shown
    assert "models: MLflow does not answer" in shown
    assert "service lap_time uses lap_distance" in shown
