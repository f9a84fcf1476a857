"""Training against real servers: MLflow on PostgreSQL with its artifacts on S3, features by the
operator itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from dryrun import Advance, Message, RawRun, frames, parse
from paths import ROOT

from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.errors import ModelError
from pitwall.features import load as load_features
from pitwall.kafka.wire import TickEncoder
from pitwall.local.stack import Stack
from pitwall.machine.sandbox import free_ports, sandbox
from pitwall.models import registry as models
from pitwall.models.loading import load
from pitwall.models.promotion import history, promote, rollback
from pitwall.settings import Settings
from pitwall.training.reproduce import reproduce
from pitwall.training.train import retrain, train

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of its own; gives its URL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    folder = found[-1] if found else Path(shutil.which("initdb") or "/none").parent
    if not (folder / "initdb").exists():
        pytest.skip("no PostgreSQL here (Debian: apt install postgresql)")
    # PostgreSQL does not run as root.
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pitwall-pg-", ignore_cleanup_errors=True) as home:
        if user:
            shutil.chown(home, user)
        (port,) = free_ports(1)
        subprocess.run(
            [folder / "initdb", "-D", f"{home}/db", "-U", "pitwall", "-A", "trust", "--no-sync"],
            check=True,
            capture_output=True,
            user=user,
            cwd=home,
        )
        server = subprocess.Popen(
            [
                folder / "postgres",
                "-D",
                f"{home}/db",
                "-p",
                str(port),
                "-h",
                "127.0.0.1",
                "-k",
                home,
                "-F",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user,
            cwd=home,
        )
        try:
            import psycopg

            for _ in range(100):
                try:
                    psycopg.connect(f"postgresql://pitwall@127.0.0.1:{port}/postgres").close()
                    break
                except psycopg.OperationalError:
                    time.sleep(0.1)
            yield f"postgresql://pitwall@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="module")
def stack(postgres: str) -> Iterator[Settings]:
    with sandbox(mlflow_backend=postgres) as settings:
        yaml = settings.feature_repo / "feature_store.yaml"
        online = f"type: sqlite\n  path: {settings.home_dir / 'online.db'}"
        yaml.write_text(
            yaml.read_text().replace(
                "type: pitwall.stores.online.store.CassandraOnlineStore", online
            )
        )
        with Stack(settings) as servers:
            servers.begin(["s3", "mlflow"])
            from pitwall.stores.repository import apply

            apply(settings)
            servers.start(["s3", "mlflow"])
            yield settings


def store(settings: Settings, run: RawRun, *sessions: Session) -> None:
    """Write the sessions' features into the offline store, as the job does."""
    (features,) = load_features(settings.feature_repo)
    for session in sessions:
        encoder = TickEncoder(
            session.vehicle, session.session, session.names, session.units, session.rate_hz
        )
        steps: list[Any] = [
            Message(encoder.encode(t, row), int(t * 1000), int(t * 1000))
            for t, row in zip(session.times_s.tolist(), session.values.tolist(), strict=True)
        ]
        end = int(session.times_s[-1] * 1000)
        (rows,) = parse(
            run(features, frames([*steps, Advance(end + 60_000, end + 50_000)])),
            len(features.names),
        ).rows.values()
        assert len(rows) == len(session.times_s)
        start = pd.to_datetime(session.session[:15], format="%Y%m%d-%H%M%S", utc=True)
        times = start + pd.to_timedelta([t for t, _ in rows], unit="us")
        frame = pd.DataFrame(np.array([values for _, values in rows]), columns=features.names)
        frame = frame.assign(
            vehicle=session.vehicle,
            session=session.session,
            event_timestamp=times,
            created_timestamp=times,
        )
        folder = settings.offline_dir / "car_state"
        folder.mkdir(parents=True, exist_ok=True)
        frame.astype(
            {"event_timestamp": "datetime64[us, UTC]", "created_timestamp": "datetime64[us, UTC]"}
        ).to_parquet(folder / f"part-{session.session}.parquet")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As training has it in its own process: sums are added in one order."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


TASK = """
description: Throttle from the other channels
service: pit_wall
label: {feature: throttle}
unit: "%"
every_s: 1.0
inputs: [acceleration_long*, speed, speed_diff*]
baselines: [{type: pitwall.training.estimators.plain.Linear, columns: [speed]}]
estimator: {type: sklearn.ensemble.HistGradientBoostingRegressor, max_iter: 10, random_state: 0}
"""


def test_a_model_is_trained_made_again_promoted_past_the_gate_and_rolled_back(
    stack: Settings, raw_run: RawRun
) -> None:
    store(stack, raw_run, *(simulate(laps=2, seed=seed, hz=10) for seed in (1, 2, 3)))
    (stack.repository / "training" / "tasks" / "throttle_sensor.yaml").write_text(TASK)
    first = {name: train(stack, name) for name in ("lap_time", "throttle_sensor")}
    assert (
        first["lap_time"]["version"],
        first["lap_time"]["serving"],
        first["lap_time"]["laps"],
    ) == (1, 1, 6)
    assert first["throttle_sensor"]["champion"] == "candidate"

    registry = models.client(stack)
    assert {(v.model, v.number, v.aliases) for v in models.versions(registry)} == {
        (name, 1, ("challenger", "champion")) for name in first
    }
    champion = models.by_alias(registry, "throttle_sensor", "champion")
    loaded = load(registry, champion)
    assert "throttle" not in loaded.inputs and "speed" in loaded.inputs
    rows = np.random.default_rng(0).normal(size=(20, len(loaded.inputs)))
    rows[rows > 1] = np.nan
    assert np.array_equal(
        loaded.predict(rows), loaded.model.predict(pd.DataFrame(rows, columns=list(loaded.inputs)))
    )
    assert 0 < loaded.interval.of(rows)[0] < 100

    # From the prediction's version back to its dataset, definitions and code; and the same model
    # again.
    run = registry.get_run(champion.run_id)
    assert run.data.params["definitions"] == loaded.definitions and run.data.params["laps"] == "6"
    (told,) = (v for v in models.versions(registry) if v.run == champion.run_id)
    assert (
        told.dataset_sha256 == run.data.params["dataset_sha256"]
        and told.definitions == loaded.definitions
    )
    assert run.inputs.dataset_inputs[0].dataset.name.startswith("pit_wall@")
    card = Path(registry.download_artifacts(champion.run_id, "model_card.md")).read_text()
    assert "Limits" in card and "90" in card
    names = {each.path for each in registry.list_artifacts(champion.run_id)}
    assert {
        "error_over_distance.png",
        "entity_rows.parquet",
        "task.yaml",
        "errors_by_lap.json",
    } <= names
    assert any((stack.data_dir / "s3" / "mlflow").rglob("error_over_distance.png"))
    again = reproduce(stack, champion.run_id)
    assert again["same"] and not again["changed"]

    # Nothing new: nothing is trained. A new session: a challenger that has met the champion, on the
    # laps that each left out, because the new ones are of one session.
    assert not retrain(stack, "throttle_sensor")["new"]
    store(stack, raw_run, simulate(laps=2, seed=4, hz=10))
    second = train(stack, "throttle_sensor")
    assert (second["version"], second["serving"]) == (2, 1)
    met = json.loads(models.by_alias(registry, "throttle_sensor", "challenger").tags["against"])
    assert (met["version"], met["laps"]) == (1, 6) and met["standard_error"] > 0

    # The gate: what is known to be behind is not promoted, but by force, with its reason; and back.
    registry.set_model_version_tag(
        "throttle_sensor", "2", "against", json.dumps({**met, "gain": -1.0, "laps": 9})
    )
    with pytest.raises(ModelError, match="not promoted: -1"):
        promote(registry, "throttle_sensor", "2")
    promote(registry, "throttle_sensor", "2", "a trial")
    assert models.by_alias(registry, "throttle_sensor", "champion").version == "2"
    assert history(registry, "throttle_sensor")[-1]["why"].startswith("forced: a trial")
    assert rollback(registry, "throttle_sensor") == "1"
    assert models.by_alias(registry, "throttle_sensor", "champion").version == "1"


def test_the_notebook_of_the_documentation_runs_from_laps_to_champion(
    stack: Settings, raw_run: RawRun
) -> None:
    import nbformat
    from nbclient import NotebookClient

    store(stack, raw_run, *(simulate(laps=2, seed=seed, hz=10) for seed in (1, 2, 3)))
    notebook = nbformat.read(ROOT / "docs" / "notebooks" / "ml-engineer.ipynb", as_version=4)
    NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    pictures = [
        output for cell in code for output in cell.outputs if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 2
    assert any(
        "'standard_error'" in output.get("data", {}).get("text/plain", "")
        for cell in code
        for output in cell.outputs
    )
    assert models.by_alias(models.client(stack), "lap_time", "champion") is not None


def test_the_registry_is_in_the_database_it_was_told(stack: Settings, postgres: str) -> None:
    import psycopg

    with psycopg.connect(postgres) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM experiments")
        assert cursor.fetchone()[0] > 0
