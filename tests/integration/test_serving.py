"""Endpoint and stream scorer on real Kafka, Cassandra and MLflow, under kills and changes of the model."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from pitwall.features import load
from pitwall.local import process
from pitwall.local.sandbox import sandbox
from pitwall.local.stack import Stack, child_environment
from pitwall.settings import Settings
from pitwall.topics import client_config, end_offsets

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
INPUTS = ("speed", "throttle")
VEHICLE, SESSION = "PERRINN 424", "20260101-000000-served"


class Served:
    """The stack of this file and a client of its endpoint."""

    def __init__(self, settings: Settings, stack: Stack) -> None:
        self.settings, self.stack = settings, stack
        token = settings.secret("token").get_secret_value()
        self.client = httpx.Client(base_url=settings.serving_url, headers={"Authorization": f"Bearer {token}"}, timeout=20)

    def ask(self, **question: Any) -> httpx.Response:
        return self.client.post("/predict", json={"model": "lap_time", **question})

    def kill(self, name: str) -> None:
        found = process.find(self.settings.run_dir, name)
        assert found is not None and found.process is not None
        for child in [*found.process.children(recursive=True), found.process]:
            child.kill()
        assert process.wait_gone(found, 20)
        wait(lambda: (self.settings.run_dir / f"{name}.ended").exists(), 10)


def wait(done: Callable[[], bool], seconds: float) -> None:
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit, f"not within {seconds} s"
        time.sleep(0.1)


def register(settings: Settings, name: str, value: float, alias: str = "champion", whole: bool = True) -> int:
    """A version that answers `value`, whatever it is asked; `whole`: with all that serving needs."""
    import mlflow
    from sklearn.linear_model import LinearRegression

    from pitwall import models

    client = models.client(settings)
    mlflow.set_experiment(name)
    X = pd.DataFrame(np.random.default_rng(1).normal(size=(20, len(INPUTS))), columns=list(INPUTS))
    model = LinearRegression().fit(X, np.full(20, value))
    interval = {"coverage": 0.9, "by": None, "edges": [], "half_width": [0.5]}
    metadata = {"unit": "s", "feature_service": "test", "definitions": "test", **({"interval": interval} if whole else {})}
    with warnings.catch_warnings(), mlflow.start_run():
        warnings.simplefilter("ignore")
        logged = mlflow.sklearn.log_model(
            model, name="model", serialization_format="skops", input_example=X.tail(3), registered_model_name=name, pip_requirements=[],
            metadata=metadata,
        )  # fmt: skip
    version = str(logged.registered_model_version)
    client.set_registered_model_alias(name, alias, version)
    return int(version)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    from pitwall.local import jars
    from pitwall.store.connection import connect
    from pitwall.store.repo import apply

    with sandbox(kafka_partitions="4", rate_limit="100000") as settings:
        jars.fetch(settings.cache_dir / "m2")
        with Stack(settings) as stack:
            stack.start(["kafka", "cassandra", "s3", "mlflow"])
            apply(settings)
            register(settings, "lap_time", 1.0)
            cassandra = connect(settings)
            for session, age in ((SESSION, 0), ("20260101-000000-stale", 3600), ("20260101-000000-empty", 0)):
                at = datetime.now(UTC) - timedelta(seconds=age)
                values = (None, None) if session.endswith("empty") else (50.0, 0.5)
                cassandra.execute(
                    f'INSERT INTO {settings.keyspace}."pitwall_car_state" (vehicle, session, event_timestamp, created_timestamp, '
                    "speed, throttle) VALUES (%s, %s, %s, %s, %s, %s)", (VEHICLE, session, at, at, *values),
                )  # fmt: skip
            cassandra.cluster.shutdown()
            stack.start(["serving", "scorer"])
            one = Served(settings, stack)
            wait(lambda: one.client.get("/ready").status_code == 200, 60)
            yield one
            one.client.close()


def predictions(settings: Settings) -> list[dict[str, Any]]:
    """All committed messages of the topic, with their headers as `_headers`."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({**client_config(settings), "group.id": "test", "enable.partition.eof": True, "isolation.level": "read_committed"})
    partitions = list(end_offsets(settings, settings.predictions_topic))
    consumer.assign([TopicPartition(settings.predictions_topic, p, 0) for p in partitions])
    found, ended = [], 0
    while ended < len(partitions):
        for message in consumer.consume(1000, timeout=5):
            if message.error() is not None:
                ended += 1
                continue
            value = message.value()
            assert value is not None
            found.append({**json.loads(value), "_headers": {k: v.decode() for k, v in message.headers() or []}})
    consumer.close()
    return found


def test_an_answer_says_what_it_was_made_from(served: Served) -> None:
    body = served.ask(vehicle=VEHICLE, session=SESSION, explain=True).json()
    assert body["value"] == pytest.approx(1.0) and (body["low"], body["high"]) == pytest.approx((0.5, 1.5)) and body["unit"] == "s" and body["version"] == 1 and 0 <= body["age_s"] < 300
    assert set(body["contributions"]) == set(INPUTS)
    wait(lambda: any(p["prediction_id"] == body["prediction_id"] for p in predictions(served.settings)), 10)
    sent = next(p for p in predictions(served.settings) if p["prediction_id"] == body["prediction_id"])
    assert sent["_headers"]["ce_id"] == body["prediction_id"] and sent["_headers"]["ce_type"] == "pitwall.prediction.v1"
    assert sent["role"] == "champion" and sent["event_time"] == body["event_time"] and sent["schema"] == 1
    given = served.ask(features={"speed": 50.0, "throttle": 0.5}).json()
    assert given["value"] == body["value"] and given["event_time"] is None
    assert served.ask(vehicle=VEHICLE, session="20260101-000000-stale", max_age_s=1e6).status_code == 200


@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ({"vehicle": VEHICLE, "session": "none"}, 404, "unknown_entity"),
        ({"vehicle": VEHICLE, "session": SESSION, "model": "none"}, 404, "unknown_model"),
        ({"vehicle": VEHICLE, "session": "20260101-000000-stale"}, 409, "stale_features"),
        ({"vehicle": VEHICLE, "session": SESSION, "time": "2020-01-01T00:00:00Z"}, 409, "time_passed"),
        ({"vehicle": VEHICLE, "session": SESSION, "time": "2020-01-01T00:00:00"}, 422, "wrong_type"),
        ({"vehicle": VEHICLE}, 422, "wrong_type"),
        ({}, 422, "wrong_type"),
        ({"vehicle": VEHICLE, "session": SESSION, "features": {"speed": 1.0}}, 422, "wrong_type"),
        ({"vehicle": "\x00", "session": SESSION}, 422, "wrong_type"),
        ({"vehicle": 1, "session": SESSION}, 422, "wrong_type"),
        ({"vehicle": VEHICLE, "session": SESSION, "colour": "red"}, 422, "wrong_type"),
        ({"features": {"speed": "fast", "throttle": 1.0}}, 422, "wrong_type"),
        ({"features": {"speed": 1.0}}, 422, "missing_features"),
        ({"features": {"speed": 1.0, "throttle": 1.0, "wings": 1.0}}, 422, "unknown_feature"),
    ],
)
def test_each_error_has_its_own_code(served: Served, question: dict[str, Any], status: int, code: str) -> None:
    answer = served.ask(**question)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(answer.json()["error"]["message"]) > 10


def test_a_stranger_a_long_body_and_a_flood_are_kept_out(served: Served) -> None:
    url = served.settings.serving_url
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic wrong"}):
        answer = httpx.post(f"{url}/predict", json={}, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert served.client.post("/refresh").json()["error"]["code"] == "forbidden"
    admin = served.settings.secret("admin_token").get_secret_value()
    assert httpx.post(f"{url}/refresh", headers={"Authorization": f"Bearer {admin}"}).json() == {"lap_time": 1}
    answer = served.client.post("/predict", content=b"[" * (served.settings.max_body_bytes + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    pickled = served.client.post("/predict", content=b"\x80\x04N.", headers={"Content-Type": "application/vnd.bentoml+pickle"})
    assert pickled.status_code == 422


def test_a_batch_answers_each_question_for_itself(served: Served) -> None:
    question = {"model": "lap_time", "vehicle": VEHICLE, "session": SESSION}
    body = served.client.post("/predict/batch", json={"questions": [question, {**question, "session": "none"}, question]}).json()
    assert [a.get("value") for a in body["answers"]] == [pytest.approx(1.0), None, pytest.approx(1.0)]
    assert body["answers"][1]["error"]["code"] == "unknown_entity"


def test_no_answer_is_lost_while_kafka_is_away_and_the_endpoint_is_killed(served: Served) -> None:
    ids: set[str] = set()

    def load_for(seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answer = served.ask(features={"speed": float(len(ids)), "throttle": 0.0})
            assert answer.status_code == 200
            ids.add(answer.json()["prediction_id"])
            time.sleep(0.005)

    load_for(1)
    served.kill("kafka")
    load_for(3)
    served.kill("serving")
    served.stack.start(["kafka", "serving"])
    wait(lambda: served.client.get("/ready").status_code == 200, 60)
    load_for(1)
    wait(lambda: ids <= {p["prediction_id"] for p in predictions(served.settings)}, 60)


def feature_record(settings: Settings, session: str, event_us: int, created_us: int, **named: float) -> tuple[bytes, bytes]:
    """Key and value of a record of the features topic, as the job writes it; features not `named` are 1."""
    features = load(settings.feature_repo)[-1]
    assert features.name == "car_state"
    values = np.array([named.get(name, 1.0) for name in features.names])
    head = bytes.fromhex(features.schema)[::-1] + np.array([event_us, created_us], "<i8").tobytes()
    return session.encode(), head + values.astype("<f8").tobytes() + VEHICLE.encode()


def test_the_scorer_loses_and_doubles_nothing_when_workers_come_and_die(served: Served) -> None:
    from confluent_kafka import Producer

    settings = served.settings
    command = [sys.executable, "-m", "pitwall.serving.scorer", "--worker"]
    second = subprocess.Popen([*command, "2"], env=child_environment(settings))
    wait(lambda: (settings.run_dir / "scorer-2.ready").exists(), 60)
    producer = Producer(client_config(settings))
    sessions = [f"20260102-0000{n:02d}-scored" for n in range(12)]
    third = None
    for tick in range(600):
        for session in sessions:
            key, value = feature_record(settings, session, 1_767_312_000_000_000 + tick * 20_000, 1_790_000_000_000_000 + tick * 20_000)
            producer.produce(settings.features_topic, value, key)
            if tick % 100 == 99:  # the job sends rows again after a restart
                producer.produce(settings.features_topic, value, key)
        producer.flush(10)
        time.sleep(0.02)
        if tick == 200:
            second.kill()
            third = subprocess.Popen([*command, "3"], env=child_environment(settings))
        if tick == 400:
            served.kill("scorer")
            served.stack.start(["scorer"])
    assert third is not None

    def scored() -> list[tuple[str, str]]:
        return [(p["session"], p["event_time"]) for p in predictions(settings) if p["session"] in sessions]

    try:
        wait(lambda: len(set(scored())) >= 12 * 120, 90)
        time.sleep(3)
        found = scored()
        assert len(found) == len(set(found)) == 12 * 120
    finally:
        third.terminate()
        second.wait(10)
        third.wait(20)


def test_models_change_under_load_without_a_failure_or_a_mixture(served: Served) -> None:
    settings = served.settings
    found: list[tuple[int, int, float]] = []
    stop = threading.Event()

    def load_on() -> None:
        with httpx.Client(base_url=settings.serving_url, headers=served.client.headers, timeout=20) as client:
            while not stop.is_set():
                answer = client.post("/predict", json={"model": "lap_time", "vehicle": VEHICLE, "session": SESSION})
                body = answer.json()
                found.append((answer.status_code, body.get("version"), body.get("value")))

    threads = [threading.Thread(target=load_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        second = register(settings, "lap_time", 2.0)
        wait(lambda: found[-1][1] == second, 30)
        broken = register(settings, "lap_time", 3.0, whole=False)
        name = f'pitwall_model_refused_version{{alias="champion",model="lap_time"}} {broken:.1f}'
        wait(lambda: name in served.client.get("/predict-metrics").text, 30)
        challenger = register(settings, "lap_time", 4.0, alias="challenger")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {status for status, _, _ in found} == {200}
    assert {(version, round(value, 6)) for _, version, value in found} == {(1, 1.0), (second, 2.0)}
    key, value = feature_record(settings, "20260103-000000-shadow", 1_767_312_000_000_000, time.time_ns() // 1000)
    from confluent_kafka import Producer

    producer = Producer(client_config(settings))
    wait(lambda: f'role="shadow"}} {challenger:.1f}' in served.client.get("/predict-metrics").text, 30)
    time.sleep(3)
    producer.produce(settings.features_topic, value, key)
    producer.flush(10)

    def both() -> set[tuple[int, str]]:
        return {(p["version"], p["role"]) for p in predictions(settings) if p["session"] == "20260103-000000-shadow"}

    wait(lambda: both() == {(second, "champion"), (challenger, "shadow")}, 20)


def test_predictions_of_a_lap_meet_their_truth_on_the_page(served: Served) -> None:
    from confluent_kafka import Producer

    from pitwall.page.archive import Archive
    from pitwall.page.feed import Feed

    settings, session, final_s = served.settings, "20260104-000000-lapped", 30.4
    producer = Producer(client_config(settings))

    def drive(number: int, seconds: float, **named: float) -> None:
        for tick in range(round(seconds * 10)):
            at = (number - 1) * final_s + tick / 10
            lap = {"lap_number": number, "lap_time": tick / 10, "lap_distance": tick * 5.0, **named}
            key, value = feature_record(settings, session, 1_767_484_800_000_000 + round(at * 1e6), time.time_ns() // 1000, **lap)
            producer.produce(settings.features_topic, value, key)
        producer.flush(10)

    feed = Feed(settings, Archive(settings))
    try:
        wait(lambda: feed.state == "live", 30)
        drive(1, final_s, lap_last_time=np.nan)
        heard = feed.sessions.get
        wait(lambda: (one := heard((VEHICLE, session))) is not None and len(one.predictions.get("lap_time", ())) == final_s * 10, 60)
        assert not feed.watch.truths.scores
        drive(2, 1.0, lap_last_time=final_s)
        wait(lambda: any(name == "lap_time" for name, _ in feed.watch.truths.scores), 30)
    finally:
        feed.close()
    (made,) = {(p["version"], p["value"]) for p in predictions(settings) if p["session"] == session and p["role"] == "champion"}
    score = feed.watch.truths.scores["lap_time", made[0]]
    assert score.mae == pytest.approx(final_s - made[1]) and score.count.sum() == final_s * 10 and score.held == 0
    assert f'pitwall_prediction_coverage{{model="lap_time",version="{made[0]}",unit="s"}} 0\n' in feed.watch.metrics()
