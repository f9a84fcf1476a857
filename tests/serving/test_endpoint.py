"""Endpoint and stream scorer on real Kafka, Cassandra and MLflow, under kills and changes of the
model.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from paths import ROOT
from served import (
    INPUTS,
    SESSION,
    VEHICLE,
    Served,
    asking,
    feature_record,
    predictions,
    record,
    register,
    self_signed,
    store_row,
)
from waiting import wait

from pitwall.features import load
from pitwall.features.topic import publish_schema
from pitwall.kafka.clients import client_config
from pitwall.local.stack import Stack
from pitwall.machine import processes as process
from pitwall.machine.sandbox import free_ports, sandbox
from pitwall.stores.environment import child_environment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
TOOLS = Path(sys.executable).parent
PAST = "20260101-000000-past"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    from pitwall.machine import jars
    from pitwall.stores.repository import apply

    with sandbox(
        kafka_partitions="4",
        rate_limit="100000",
        request_timeout_s="6",
        log_format="json",
        stale_after_s="1800",
    ) as settings:
        jars.fetch(settings.cache_dir / "m2")
        with Stack(settings) as stack:
            stack.start(["kafka", "cassandra", "s3", "mlflow"])
            apply(settings)
            register(settings, "lap_time", 1.0)
            register(settings, "next_km", None)
            store_row(settings, SESSION, 0, (50.0, 0.5))
            store_row(
                settings, "20260101-000000-simulation", 0, (50.0, 0.5)
            )  # of the examples in the OpenAPI
            store_row(settings, "20260101-000000-stale", 3600, (50.0, 0.5))
            store_row(settings, "20260101-000000-empty", 0, (None, None))
            stack.start(["serving", "scorer"])
            one = Served(settings, stack)
            wait(lambda: one.client.get("/ready").status_code == 200, 60)
            yield one
            one.client.close()


def test_an_answer_says_what_it_was_made_from(served: Served) -> None:
    body = served.ask(vehicle=VEHICLE, session=SESSION, explain=True).json()
    assert (
        body["value"] == pytest.approx(1.0)
        and (body["low"], body["high"]) == pytest.approx((0.5, 1.5))
        and body["unit"] == "s"
        and body["version"] == 1
        and 0 <= body["age_s"] < 300
    )
    assert set(body["contributions"]) == set(INPUTS)
    wait(
        lambda: any(
            p["prediction_id"] == body["prediction_id"] for p in predictions(served.settings)
        ),
        10,
    )
    sent = next(
        p for p in predictions(served.settings) if p["prediction_id"] == body["prediction_id"]
    )
    assert (
        sent["_headers"]["ce_id"] == body["prediction_id"]
        and sent["_headers"]["ce_type"] == "pitwall.prediction.v1"
    )
    assert (
        sent["role"] == "champion"
        and sent["event_time"] == body["event_time"]
        and sent["schema"] == 1
    )
    given = served.ask(features={"speed": 50.0, "throttle": 0.5}).json()
    assert given["value"] == body["value"] and given["event_time"] is None
    assert (
        served.ask(vehicle=VEHICLE, session="20260101-000000-stale", max_age_s=1e6).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ({"vehicle": VEHICLE, "session": "none"}, 404, "unknown_entity"),
        ({"vehicle": VEHICLE, "session": SESSION, "model": "none"}, 404, "unknown_model"),
        ({"vehicle": VEHICLE, "session": "20260101-000000-stale"}, 409, "stale_features"),
        (
            {"vehicle": VEHICLE, "session": SESSION, "time": "2026-01-01T00:00:00Z"},
            409,
            "time_passed",
        ),
        (
            {"vehicle": VEHICLE, "session": "20260101-000000-empty", "model": "next_km"},
            422,
            "missing_features",
        ),
        (
            {"vehicle": VEHICLE, "session": SESSION, "time": "2020-01-01T00:00:00"},
            422,
            "wrong_type",
        ),
        ({"vehicle": VEHICLE}, 422, "wrong_type"),
        ({}, 422, "wrong_type"),
        ({"vehicle": VEHICLE, "session": SESSION, "features": {"speed": 1.0}}, 422, "wrong_type"),
        ({"vehicle": "\x00", "session": SESSION}, 422, "wrong_type"),
        ({"vehicle": 1, "session": SESSION}, 422, "wrong_type"),
        ({"vehicle": VEHICLE, "session": SESSION, "colour": "red"}, 422, "wrong_type"),
        ({"features": {"speed": "fast", "throttle": 1.0}}, 422, "wrong_type"),
        ({"features": {"speed": 1.0}}, 422, "missing_features"),
        ({"features": {"speed": 1.0, "throttle": 1.0, "wings": 1.0}}, 422, "unknown_feature"),
        ({"features": {"speed": 1.7e308, "throttle": 1.0}, "model": "next_km"}, 422, "no_value"),
    ],
)
def test_each_error_has_its_own_code(
    served: Served, question: dict[str, Any], status: int, code: str
) -> None:
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
    assert httpx.post(f"{url}/refresh", headers={"Authorization": f"Bearer {admin}"}).json() == {
        "lap_time": 1,
        "next_km": 1,
    }
    answer = served.client.post("/predict", content=b"[" * (served.settings.max_body_bytes + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_asked_about_the_past_it_answers_as_things_stood_then(served: Served) -> None:
    """The session was driven to 00:10, of which the offline store has what came up to 00:05.

    speed   10 ─────────── 20 ─────── 30 ··········· 40 (online)
    time    00:01          00:02      00:05          now       the model gives twice the speed
    """
    start = datetime(2026, 1, 1, tzinfo=UTC)
    record(
        served.settings,
        PAST,
        {start + timedelta(minutes=m): v for m, v in ((1, 10.0), (2, 20.0), (5, 30.0))},
    )
    newest = store_row(served.settings, PAST, 0, (40.0, 0.5))

    def ask(at: datetime, **more: Any) -> Any:
        answer = served.ask(
            model="next_km", vehicle=VEHICLE, session=PAST, time=at.isoformat(), **more
        )
        body = answer.json()
        return (
            (round(body["value"], 6), body["event_time"], body["age_s"])
            if answer.status_code == 200
            else body["error"]["code"]
        )

    assert ask(start + timedelta(seconds=61)) == (20.0, "2026-01-01T00:01:00.000Z", 1.0)
    assert ask(start + timedelta(minutes=2)) == (40.0, "2026-01-01T00:02:00.000Z", 0.0)
    assert ask(start + timedelta(minutes=4, seconds=59), max_age_s=200)[0] == 40.0
    assert ask(start + timedelta(minutes=4, seconds=59), max_age_s=100) == "stale_features"
    assert ask(start) == "unknown_entity"
    assert ask(start + timedelta(minutes=6)) == "time_passed"
    assert ask(newest + timedelta(seconds=1))[0] == 80.0
    never = served.ask(
        model="next_km", vehicle=VEHICLE, session="20260101-000000-never", time=start.isoformat()
    )
    assert never.json()["error"]["code"] == "unknown_entity"


def test_no_request_of_schemathesis_breaks_it(served: Served, tmp_path: Path) -> None:
    """Thousands of valid and broken requests from the OpenAPI: no 5xx, and every answer is as
    documented.
    """
    token = served.settings.secret("admin_token").get_secret_value()
    checks = (
        "not_a_server_error,status_code_conformance,"
        "content_type_conformance,response_schema_conformance"
    )
    result = subprocess.run(
        [
            TOOLS / "schemathesis",
            "run",
            f"{served.settings.serving_url}/openapi.json",
            "-H",
            f"Authorization: Bearer {token}",
            "--checks",
            checks,
            "--max-examples",
            "60",
            "--seed",
            "7",
            "--phases",
            "examples,coverage,fuzzing",
            "--suppress-health-check",
            "all",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "160"},
    )
    assert result.returncode == 0, result.stdout[-3000:]
    generated = re.search(r"(\d+) generated", result.stdout)
    assert generated is not None and int(generated[1]) > 200, result.stdout[-1000:]


def test_no_route_reads_a_pickle(served: Served, tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "read",)

    ours = [
        *served.client.get("/openapi.json").json()["paths"],
        "/predict-metrics",
        "/openapi.json",
        "/docs",
    ]
    bentos = [
        "/",
        "/livez",
        "/readyz",
        "/healthz",
        "/metrics",
        "/schema.json",
        "/docs.json",
        "/__is_ready__",
    ]
    assert served.client.get("/schema.json").json()["routes"] == []
    for path in [*ours, *bentos]:
        for kind in (
            "application/vnd.bentoml+pickle",
            "application/octet-stream",
            "application/x-pickle",
        ):
            headers = {"Content-Type": kind, "Payload-Container": "Pickle", "Bento-Version": "1"}
            answer = served.client.post(path, content=pickle.dumps(Evil()), headers=headers)
            assert answer.status_code in (401, 403, 404, 405, 422) or path == "/refresh", (
                path,
                kind,
                answer.status_code,
            )
    assert not (tmp_path / "read").exists()


def test_slow_and_broken_requests_hold_up_nobody(served: Served) -> None:
    address = ("127.0.0.1", served.settings.serving_port)
    token = served.settings.secret("token").get_secret_value()
    head = (
        f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: "
        f"Bearer {token}\r\nContent-Type: application/json\r\n"
    )
    slow = [socket.create_connection(address) for _ in range(300)]
    for n, each in enumerate(slow):
        each.sendall((head if n % 2 else head + "Content-Length: 100\r\n\r\n{").encode())
    for garbage in (
        b"\x16\x03\x01",
        b"GET\r\n\r\n",
        b"POST /predict HTTP/9.9\r\n\r\n",
        head.encode() + b"Content-Length: -1\r\n\r\n",
        b"\x00" * 5000,
    ):
        with socket.create_connection(address) as broken:
            broken.sendall(garbage)
    for _ in range(50):
        assert served.ask(vehicle=VEHICLE, session=SESSION).status_code == 200
    slow[0].settimeout(20)
    assert slow[0].recv(100).startswith(b"HTTP/1.1 504")
    for each in slow:
        each.close()


def test_each_of_many_clients_gets_its_own_answer_and_a_replay_the_same_id(served: Served) -> None:
    wrong: list[Any] = []
    answered: list[float] = []

    def own(client: httpx.Client) -> None:
        speed = time.perf_counter_ns() % 1_000_000 / 1000
        body = client.post(
            "/predict", json={"model": "next_km", "features": {"speed": speed, "throttle": 0.0}}
        ).json()
        refused = client.post("/predict", json={"model": "next_km", "features": {"speed": 1.0}})
        if abs(body["value"] - 2 * speed) > 1e-6 or refused.status_code != 422:
            wrong.append((speed, body, refused.text))
        answered.append(speed)

    with asking(served, 12, own) as raised:
        wait(lambda: len(answered) >= 1000 or bool(wrong or raised), 60)
    assert not wrong and not raised
    question = {"model": "lap_time", "vehicle": VEHICLE, "session": SESSION}
    replayed = {
        served.client.post("/predict", json=question).json()["prediction_id"] for _ in range(5)
    }
    assert len(replayed) == 1
    features = {"model": "lap_time", "features": {"speed": 1.0, "throttle": 1.0}}
    batch = served.client.post("/predict/batch", json={"questions": [features] * 500}).json()[
        "answers"
    ]
    assert len({answer["prediction_id"] for answer in batch}) == 500


def test_a_store_that_stalls_is_an_error_of_its_own_until_it_is_back(served: Served) -> None:
    cassandra = process.find(served.settings.run_dir, "cassandra")
    assert cassandra is not None
    os.kill(cassandra.pid, signal.SIGSTOP)
    try:
        answer = served.ask(vehicle=VEHICLE, session=SESSION)
        assert (
            answer.status_code,
            answer.json()["error"]["code"],
            answer.headers["Retry-After"],
        ) == (503, "store_unavailable", "1")
        assert served.client.get("/ready").status_code == 503
        assert served.ask(features={"speed": 1.0, "throttle": 1.0}).status_code == 200
    finally:
        os.kill(cassandra.pid, signal.SIGCONT)
    wait(lambda: served.ask(vehicle=VEHICLE, session=SESSION).status_code == 200, 20)


def test_the_consumer_of_the_documentation_reads_what_is_published(served: Served) -> None:
    page = (ROOT / "docs" / "predictions.md").read_text()
    code = next(
        block
        for block in re.findall(r"^(?:    .*\n|\n)+", page, re.MULTILINE)
        if "Consumer(" in block
    )
    lines = [line[4:] for line in code.strip("\n").splitlines()]
    assert len([line for line in lines if line]) <= 13
    text = "\n".join(lines).replace("127.0.0.1:19092", served.settings.bootstrap_servers)
    reader = subprocess.Popen([sys.executable, "-u", "-c", text], stdout=subprocess.PIPE, text=True)
    output = reader.stdout
    assert output is not None
    lines_read: list[str] = []
    reading = threading.Thread(target=lambda: lines_read.extend(output), daemon=True)
    reading.start()
    try:

        def heard() -> bool:
            served.ask(vehicle=VEHICLE, session=SESSION)
            return any(
                line.startswith(f"lap_time {SESSION}") and line.endswith("s champion\n")
                for line in lines_read
            )

        wait(heard, 20)
    finally:
        reader.kill()
        reader.wait()
        reading.join()
        output.close()


def test_a_batch_answers_each_question_for_itself(served: Served) -> None:
    question = {"model": "lap_time", "vehicle": VEHICLE, "session": SESSION}
    body = served.client.post(
        "/predict/batch", json={"questions": [question, {**question, "session": "none"}, question]}
    ).json()
    assert [a.get("value") for a in body["answers"]] == [
        pytest.approx(1.0),
        None,
        pytest.approx(1.0),
    ]
    assert body["answers"][1]["error"]["code"] == "unknown_entity"


def test_no_answer_is_lost_while_kafka_is_away_and_the_endpoint_is_killed(served: Served) -> None:
    """Clients go on all the while.

    Every answer they got is on the topic in the end, and while only Kafka is away every request is
    answered.
    """
    given: list[str] = []
    refused: list[int] = []

    def ask(client: httpx.Client) -> None:
        answer = client.post(
            "/predict", json={"model": "lap_time", "features": {"speed": 1.0, "throttle": 0.0}}
        )
        if answer.status_code == 200:
            given.append(answer.json()["prediction_id"])
        else:
            refused.append(answer.status_code)
        time.sleep(0.002)

    def outbox() -> float:
        return float(
            re.findall(
                r"^pitwall_predict_outbox (\S+)",
                served.client.get("/predict-metrics").text,
                re.MULTILINE,
            )[0]
        )

    with asking(served, 4, ask) as raised:
        wait(lambda: len(given) > 100, 20)
        before = len(given)
        served.kill("kafka")
        wait(lambda: len(given) > before + 500, 60)
        assert outbox() >= 400 and not raised and not refused
        served.kill("serving")
        while_down = len(given)
        served.stack.start(["kafka", "serving"])
        wait(lambda: len(given) > while_down + 100, 90)
    assert set(refused) <= {503, 504} and len(given) == len(
        set(given)
    )  # A new endpoint loads its models first.
    wait(lambda: outbox() == 0, 60)
    published = {p["prediction_id"] for p in predictions(served.settings)}
    assert not [each for each in given if each not in published]


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
            key, value = feature_record(
                settings,
                session,
                1_767_312_000_000_000 + tick * 20_000,
                1_790_000_000_000_000 + tick * 20_000,
            )
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
        return [
            (p["session"], p["event_time"])
            for p in predictions(settings)
            if p["session"] in sessions and p["model"] == "lap_time"
        ]

    try:
        wait(lambda: len(set(scored())) >= 12 * 120, 90)
        # Each partition is read in order: once its last row is scored, nothing else can come.
        last = {f"20260102-0001{partition:02d}-last" for partition in range(4)}
        for partition, session in enumerate(sorted(last)):
            key, value = feature_record(
                settings, session, 1_767_312_100_000_000, time.time_ns() // 1000
            )
            producer.produce(settings.features_topic, value, key, partition=partition)
        producer.flush(10)
        wait(lambda: last <= {p["session"] for p in predictions(settings)}, 60)
        found = scored()
        assert len(found) == len(set(found)) == 12 * 120
    finally:
        third.terminate()
        second.wait(10)
        third.wait(20)


def test_models_change_under_load_without_a_failure_or_a_mixture(served: Served) -> None:
    settings = served.settings
    question = {"model": "lap_time", "vehicle": VEHICLE, "session": SESSION}
    found: list[tuple[int, float]] = []
    batches: list[set[int]] = []

    def one(client: httpx.Client) -> None:
        answer = client.post("/predict", json=question)
        assert answer.status_code == 200, answer.text
        found.append((answer.json()["version"], round(answer.json()["value"], 6)))

    def many(client: httpx.Client) -> None:
        answers = client.post("/predict/batch", json={"questions": [question] * 200}).json()[
            "answers"
        ]
        batches.append({answer["version"] for answer in answers})

    def shown(metric: str, version: int) -> bool:
        return f"{metric} {version:.1f}" in served.client.get("/predict-metrics").text

    with asking(served, 3, one) as raised, asking(served, 1, many) as raised_too:
        second = register(settings, "lap_time", 2.0)
        wait(lambda: bool(found and batches), 30)
        wait(lambda: found[-1][0] == second and batches[-1] == {second}, 30)
        for fault in ("bare", "pickled", "infinite", "wide"):
            broken = register(settings, "lap_time", 3.0, fault=fault)
            wait(
                lambda version=broken: shown(
                    'pitwall_model_refused_version{alias="champion",model="lap_time"}', version
                ),
                30,
            )
        challenger = register(settings, "lap_time", 4.0, alias="challenger")
        wait(lambda: shown('pitwall_model_version{model="lap_time",role="shadow"}', challenger), 30)
    assert not raised and not raised_too
    assert set(found) == {(1, 1.0), (second, 2.0)}
    assert all(len(versions) == 1 for versions in batches) and len(batches) > 3
    assert (
        f"version {broken} of lap_time is refused as champion"
        in (settings.log_dir / "serving.log").read_text()
    )
    from confluent_kafka import Producer

    producer = Producer(client_config(settings))
    numbers = itertools.count()

    def scored_by_both() -> bool:
        """Whether the scorer has taken the versions: each time it is asked about a new session."""
        session = f"20260103-{next(numbers):06d}-shadow"
        key, value = feature_record(
            settings, session, 1_767_312_000_000_000, time.time_ns() // 1000
        )
        producer.produce(settings.features_topic, value, key)
        producer.flush(10)
        by_session: dict[str, set[tuple[int, str]]] = {}
        for p in predictions(settings):
            if p["session"].endswith("-shadow") and p["model"] == "lap_time":
                by_session.setdefault(p["session"], set()).add((p["version"], p["role"]))
        return {(second, "champion"), (challenger, "shadow")} in by_session.values()

    wait(scored_by_both, 30)


def test_predictions_of_a_lap_meet_their_truth_on_the_page(served: Served) -> None:
    from confluent_kafka import Producer

    from pitwall.page.data.feed import Feed
    from pitwall.page.data.recorded import Archive

    settings, session, final_s = served.settings, "20260104-000000-lapped", 30.4
    producer = Producer(client_config(settings))

    def drive(number: int, seconds: float, **named: float) -> None:
        for tick in range(round(seconds * 10)):
            at = (number - 1) * final_s + tick / 10
            lap = {"lap_number": number, "lap_time": tick / 10, "lap_distance": tick * 5.0, **named}
            key, value = feature_record(
                settings,
                session,
                1_767_484_800_000_000 + round(at * 1e6),
                time.time_ns() // 1000,
                **lap,
            )
            producer.produce(settings.features_topic, value, key)
        producer.flush(10)

    feed = Feed(settings, Archive(settings))
    try:
        wait(lambda: feed.state == "live", 30)
        drive(1, final_s, lap_last_time=np.nan)
        heard = feed.sessions.get
        wait(
            lambda: (
                (one := heard((VEHICLE, session))) is not None
                and len(one.predictions.get("lap_time", ())) == final_s * 10
            ),
            60,
        )
        assert not feed.watch.truths.scores
        drive(2, 1.0, lap_last_time=final_s)
        wait(lambda: any(name == "lap_time" for name, _ in feed.watch.truths.scores), 30)
    finally:
        feed.close()
    mine = [
        p
        for p in predictions(settings)
        if p["session"] == session and p["role"] == "champion" and p["model"] == "lap_time"
    ]
    (made,) = {(p["version"], p["value"]) for p in mine}
    score = feed.watch.truths.scores["lap_time", made[0]]
    assert (
        score.mae == pytest.approx(final_s - made[1])
        and score.count.sum() == final_s * 10
        and score.held == 0
    )
    assert (
        f'pitwall_prediction_coverage{{model="lap_time",unit="s",version="{made[0]}"}} 0.0\n'
        in feed.metrics()
    )


def test_a_built_bento_runs_elsewhere_with_tls_and_only_settings_changed(
    served: Served, tmp_path: Path
) -> None:
    """In an interpreter that has the packages but not ours, in a folder of its own, on a port of
    its own.
    """
    env = child_environment(served.settings) | {"BENTOML_HOME": str(tmp_path / "store")}
    built = subprocess.run(
        [TOOLS / "bentoml", "build", "--output", "tag"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (folder,) = (tmp_path / "store" / "bentos" / "pitwall").glob("*/")
    elsewhere = (tmp_path / "elsewhere").resolve()
    folder.rename(elsewhere)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    (site / "packages.pth").write_text(
        next(path for path in sys.path if path.endswith("site-packages"))
    )
    python = tmp_path / "venv" / "bin" / "python"
    assert (
        subprocess.run(
            [python, "-c", "import pitwall"], cwd=tmp_path, capture_output=True
        ).returncode
        == 1
    )
    certificate, key = self_signed(tmp_path)
    (port,) = free_ports(1)
    del env["PITWALL_REPOSITORY"]
    env |= {
        "PITWALL_HOME": str(tmp_path / "home"),
        "PITWALL_SERVING_PORT": str(port),
        "PITWALL_SERVING_CERTIFICATE": str(certificate),
        "PITWALL_SERVING_KEY": str(key),
        "PITWALL_SECRET_TOKEN": "elsewhere",
    }
    env |= {
        f"PITWALL_SECRET_{name.upper()}": served.settings.secret(name).get_secret_value()
        for name in ("cassandra_reader", "s3")
    }
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [python, "-m", "bentoml", "serve", elsewhere],
            cwd=tmp_path,
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        import ssl

        trusted = ssl.create_default_context(cafile=certificate)
        with httpx.Client(
            base_url=f"https://127.0.0.1:{port}",
            headers={"Authorization": "Bearer elsewhere"},
            verify=trusted,
        ) as client:

            def ready() -> bool:
                assert server.poll() is None, (tmp_path / "log").read_text()[-2000:]
                try:
                    return client.get("/ready").status_code == 200
                except httpx.TransportError:
                    return False

            wait(ready, 60)
            body = client.post(
                "/predict", json={"model": "next_km", "vehicle": VEHICLE, "session": SESSION}
            ).json()
            assert body["value"] == pytest.approx(100.0)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/ready")
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"https://127.0.0.1:{port}/ready")
        wait(
            lambda: (
                body["prediction_id"] in {p["prediction_id"] for p in predictions(served.settings)}
            ),
            20,
        )
    finally:
        process.end([server.pid])
        server.wait()


def test_a_model_of_another_definition_does_not_answer(served: Served) -> None:
    """The job publishes what it computes; `speed` meant something else when the model learned."""
    settings = served.settings
    (features,) = (each for each in load(settings.feature_repo) if each.name == "car_state")
    question = {"model": "next_km", "vehicle": VEHICLE, "session": SESSION, "max_age_s": 1e6}

    def answer(version: int) -> httpx.Response:
        shown = f'pitwall_model_version{{model="next_km",role="champion"}} {version:.1f}'
        wait(lambda: shown in served.client.get("/predict-metrics").text, 30)
        return served.client.post("/predict", json=question)

    publish_schema(settings, features)
    changed = register(settings, "next_km", None, meanings={"speed": "0123456789ab"})
    wait(lambda: answer(changed).status_code == 409, 30)
    error = answer(changed).json()["error"]
    assert error["code"] == "definitions_changed" and "'speed'" in error["message"]
    given = {"model": "next_km", "features": {"speed": 50.0, "throttle": 0.5}}
    assert served.client.post("/predict", json=given).json()["version"] == changed
    learned_anew = register(settings, "next_km", None, meanings=features.meanings)
    assert answer(learned_anew).json()["version"] == learned_anew


def test_every_part_logs_one_object_a_line(served: Served) -> None:
    """Python's and Java's own start-up lines, before any logging is set up, aside."""
    for part in ("kafka", "cassandra", "mlflow", "serving", "scorer"):
        lines = (served.settings.log_dir / f"{part}.log").read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        assert found and all({"level", "message"} <= each.keys() for each in found), part
        if part in ("kafka", "serving", "scorer"):
            assert len(found) == len(lines), (
                part,
                [line for line in lines if not line.startswith("{")],
            )
