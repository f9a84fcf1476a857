"""What a prediction costs without our endpoint: a bare read and model call, and MLflow's server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from pitwall.lab.bench.closed_loop import Question, measure
from pitwall.lab.bench.model import MODEL, SESSION, VEHICLE
from pitwall.lab.progress import wait
from pitwall.machine import processes
from pitwall.machine.sandbox import free_ports
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment
from pitwall.stores.names import online_table

WARM_UP_S = 3
MLFLOW_CLIENTS = 16


def write_row(settings: Settings, inputs: tuple[str, ...]) -> None:
    """Write one row of random features for `VEHICLE` and `SESSION` to the online store."""
    from pitwall.stores.cassandra.connect import connect

    cassandra = connect(settings)
    columns = ", ".join(f'"{name}"' for name in inputs)
    marks = ", ".join(["%s"] * (4 + len(inputs)))
    now = datetime.now(UTC)
    values = np.random.default_rng(2).normal(size=len(inputs)).tolist()
    cassandra.execute(
        f"INSERT INTO {_table(settings)} "
        f"(vehicle, session, event_timestamp, created_timestamp, {columns}) VALUES ({marks})",
        (VEHICLE, SESSION, now, now, *values),
    )
    cassandra.cluster.shutdown()


def read_and_call(
    settings: Settings, inputs: tuple[str, ...], threads: tuple[int, ...], seconds: float
) -> dict[int, NDArray[np.float64]]:
    """Read the row by the bare driver, then call the bare model as MLflow loads it.

    For each of these numbers of threads, which do so at the same time for `seconds`: milliseconds
    of read and call, shape (predictions, 2).
    """
    import mlflow
    import pandas as pd

    from pitwall.stores.cassandra.connect import connect

    cassandra = connect(settings)
    columns = ", ".join(f'"{name}"' for name in inputs)
    statement = cassandra.prepare(
        f"SELECT event_timestamp, created_timestamp, {columns} FROM {_table(settings)} "
        "WHERE vehicle = ? AND session = ?"
    )
    model = mlflow.sklearn.load_model(f"models:/{MODEL}/1")

    def predict_until(end: float) -> list[tuple[float, float]]:
        times_ms = []
        while (begun := time.perf_counter()) < end:
            row = cassandra.execute(statement, (VEHICLE, SESSION)).one()
            read = time.perf_counter()
            model.predict(pd.DataFrame([row[2:]], columns=list(inputs)))
            called = time.perf_counter()
            times_ms.append(((read - begun) * 1000, (called - read) * 1000))
        return times_ms

    predict_until(time.perf_counter() + WARM_UP_S)
    times_ms: dict[int, NDArray[np.float64]] = {}
    for count in threads:
        with ThreadPoolExecutor(count) as pool:
            ends = [time.perf_counter() + seconds] * count
            times_ms[count] = np.concatenate(
                [np.array(times).reshape(-1, 2) for times in pool.map(predict_until, ends)]
            )
    cassandra.cluster.shutdown()
    return times_ms


def mlflow_requests_s(settings: Settings, inputs: tuple[str, ...], seconds: float) -> float:
    """Requests a second of `mlflow models serve` with the same model and 16 clients.

    The features are in the request. Raises `StackError` when it does not start within 90 s.
    """
    (port,) = free_ports(1)
    server = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "mlflow"),
            "models",
            "serve",
            "-m",
            f"models:/{MODEL}/1",
            "--env-manager",
            "local",
            "-h",
            settings.host,
            "-p",
            str(port),
        ],
        env=child_environment(settings) | {"MLFLOW_TRACKING_URI": settings.mlflow_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=processes.die_with_parent,
        start_new_session=True,
    )

    def ready() -> bool:
        try:
            return httpx.get(f"http://{settings.host}:{port}/ping").status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait(ready, 90, "`mlflow models serve` to start")
        body: dict[str, Any] = {"columns": list(inputs), "data": [[0.5] * len(inputs)]}
        question = Question(
            settings.host, port, "/invocations", json.dumps({"dataframe_split": body}).encode()
        )
        measure(question, 4, 2.0)
        return len(measure(question, MLFLOW_CLIENTS, seconds)) / seconds
    finally:
        processes.end([server.pid])


def _table(settings: Settings) -> str:
    return f'{settings.keyspace}."{online_table("pitwall", "car_state")}"'
