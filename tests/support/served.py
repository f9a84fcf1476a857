"""An endpoint under test: its stack, models that are quickly made, and what it published."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
from waiting import wait

from pitwall.features import load
from pitwall.kafka.clients import client_config
from pitwall.kafka.topics import end_offsets
from pitwall.local.stack import Stack
from pitwall.machine import processes as process
from pitwall.settings import Settings

INPUTS = ("speed", "throttle")
VEHICLE, SESSION = "PERRINN 424", "20260101-000000-served"


class Served:
    """The stack of this file and a client of its endpoint."""

    def __init__(self, settings: Settings, stack: Stack) -> None:
        self.settings, self.stack = settings, stack
        token = settings.secret("token").get_secret_value()
        self.client = httpx.Client(
            base_url=settings.serving_url, headers={"Authorization": f"Bearer {token}"}, timeout=20
        )

    def ask(self, **question: Any) -> httpx.Response:
        return self.client.post("/predict", json={"model": "lap_time", **question})

    def kill(self, name: str) -> None:
        found = process.find(self.settings.run_dir, name)
        assert found is not None and found.process is not None
        # The parent first: it would start a worker anew.
        for member in [found.process, *found.process.children(recursive=True)]:
            member.kill()
        assert process.wait_gone(found, 20)
        wait(lambda: (self.settings.run_dir / f"{name}.ended").exists(), 10)


@contextmanager
def asking(
    one: Served, clients: int, ask: Callable[[httpx.Client], None]
) -> Iterator[list[BaseException]]:
    """So many clients that ask over and over while the block runs; what they raised."""
    stop, raised = threading.Event(), list[BaseException]()

    def work() -> None:
        while not stop.is_set():
            try:
                with httpx.Client(
                    base_url=one.settings.serving_url, headers=one.client.headers, timeout=20
                ) as client:
                    while not stop.is_set():
                        ask(client)
            except BaseException as error:
                raised.append(error)
                time.sleep(0.05)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield raised
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def register(
    settings: Settings,
    name: str,
    value: float | None,
    alias: str = "champion",
    fault: str = "",
    meanings: Mapping[str, str] | None = None,
) -> int:
    """A version that answers `value` whatever it is asked, or (None) twice the speed.

    `fault`: `bare` lacks what serving needs beside the model, `pickled` is no skops file,
    `infinite` gives no number, `wide` needs an array it is not given. `meanings` are those of the
    inputs in its training.
    """
    import mlflow
    from sklearn.linear_model import LinearRegression

    from pitwall.models import registry as models

    client = models.client(settings)
    mlflow.set_experiment(name)
    X = pd.DataFrame(np.random.default_rng(1).normal(size=(20, len(INPUTS))), columns=list(INPUTS))
    model = LinearRegression().fit(X, 2 * X["speed"] if value is None else np.full(20, value))
    if fault == "infinite":
        model.intercept_ = np.inf
    if fault == "wide":
        model.coef_ = np.ones(99)
    interval = {"coverage": 0.9, "by": None, "edges": [], "half_width": [0.5]}
    metadata = {
        "unit": "s",
        "feature_service": "test",
        "definitions": "test",
        "meanings": dict(meanings or {}),
        **({} if fault == "bare" else {"interval": interval}),
    }
    with warnings.catch_warnings(), mlflow.start_run():
        warnings.simplefilter("ignore")
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="cloudpickle" if fault == "pickled" else "skops",
            registered_model_name=name,
            input_example=X.tail(3),
            signature=mlflow.models.infer_signature(X),
            pip_requirements=[],
            metadata=metadata,
        )
    version = str(logged.registered_model_version)
    client.set_registered_model_alias(name, alias, version)
    return int(version)


def store_row(
    settings: Settings, session: str, age_s: float, values: tuple[float | None, float | None]
) -> datetime:
    """Write speed and throttle of the test's car to the online store; gives the event time.

    The row is `age_s` old.
    """
    from pitwall.stores.cassandra.connect import connect

    cassandra = connect(settings)
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    at_us = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    cassandra.execute(
        f'INSERT INTO {settings.keyspace}."pitwall_car_state" (vehicle, '
        f"session, event_timestamp, created_timestamp, speed, throttle) "
        "VALUES (%s, %s, %s, %s, %s, %s) USING TIMESTAMP %s",
        (VEHICLE, session, at, at, *values, at_us),
    )
    cassandra.cluster.shutdown()
    return at


def record(settings: Settings, session: str, speeds: dict[datetime, float]) -> None:
    """Write a file of the offline store: the test's car had these speeds at these times."""
    times = list(speeds)
    frame = pd.DataFrame(
        {"vehicle": VEHICLE, "session": session, "speed": [*speeds.values()], "throttle": 0.5}
    )
    folder = settings.offline_dir / "car_state" / "event_date=2026-01-01"
    folder.mkdir(parents=True, exist_ok=True)
    frame.assign(event_timestamp=times, created_timestamp=times).to_parquet(
        folder / f"{session}-{len(times)}.parquet"
    )


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=pitwall",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def predictions(settings: Settings) -> list[dict[str, Any]]:
    """All committed messages of the topic, with their headers as `_headers`."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer(
        {
            **client_config(settings),
            "group.id": "test",
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    partitions = list(end_offsets(settings, settings.predictions_topic))
    consumer.assign([TopicPartition(settings.predictions_topic, p, 0) for p in partitions])
    found, ended = [], 0
    while ended < len(partitions):
        for message in consumer.consume(1000, timeout=0.5):
            if message.error() is not None:
                ended += 1
                continue
            value = message.value()
            assert value is not None
            found.append(
                {
                    **json.loads(value),
                    "_headers": {k: v.decode() for k, v in message.headers() or []},
                }
            )
    consumer.close()
    return found


def feature_record(
    settings: Settings, session: str, event_us: int, created_us: int, **named: float
) -> tuple[bytes, bytes]:
    """Key and value of a record of the features topic, as the job writes it; features not `named`
    are 1.
    """
    features = load(settings.feature_repo)[-1]
    assert features.name == "car_state"
    values = np.array([named.get(name, 1.0) for name in features.names])
    head = bytes.fromhex(features.schema)[::-1] + np.array([event_us, created_us], "<i8").tobytes()
    return session.encode(), head + values.astype("<f8").tobytes() + VEHICLE.encode()
