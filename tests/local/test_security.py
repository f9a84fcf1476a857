"""TLS, logins and roles against the real servers: who may, does; who may not, cannot."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from minio.error import S3Error

from pitwall.car.replay import produce
from pitwall.car.simulator import simulate
from pitwall.errors import StoreError
from pitwall.features import load
from pitwall.kafka.clients import client_config
from pitwall.local.stack import Stack
from pitwall.machine import jars
from pitwall.machine.certificates import trust
from pitwall.machine.sandbox import sandbox
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import Connection
from pitwall.stores.repository import apply
from pitwall.stores.s3 import s3_client, s3_environment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


QUOTES = """it's"; user_x="y\\ -- $1"""
"""A password that would be a command wherever a program forgot to quote it."""


@pytest.fixture(scope="module")
def secured() -> Iterator[Settings]:
    with (
        pytest.MonkeyPatch.context() as patch,
        sandbox(
            tls="true", checkpoint_interval_s="2", checkpoint_url="s3://flink/security"
        ) as settings,
    ):
        for name in ("KAFKA", "CASSANDRA", "CASSANDRA_JOB", "CASSANDRA_READER"):
            patch.setenv(f"PITWALL_SECRET_{name}", QUOTES)
        jars.fetch(settings.cache_dir / "m2", optional=["flink-s3"])
        with Stack(settings) as stack:
            stack.start(["kafka", "cassandra", "s3"], 300)
            apply(settings)
            stack.start(["flink", "page"], 300)
            yield settings


def test_a_session_goes_through_tls_and_logins(secured: Settings) -> None:
    """From Kafka by SASL over TLS through the job (its own role and S3 key) to a reader's row."""
    from pitwall.serving.reader import FeatureReader

    session = simulate(laps=1, seed=3, hz=20.0)
    produce(secured, [session], speed=None)
    reader = FeatureReader(secured)
    names = tuple(load(secured.feature_repo)[-1].names)
    limit, row = time.monotonic() + 60, None
    try:
        while row is None or row.values[names.index("session_time")] < session.times_s[-1] - 1e-6:
            assert time.monotonic() < limit, (
                row,
                (secured.log_dir / "flink.log").read_text()[-1500:],
            )
            time.sleep(0.3)
            row = reader.read(session.vehicle, session.session, names)
    finally:
        reader.close()
    client = s3_client(secured, "flink")
    while not any(client.list_objects("flink", "security/checkpoints", recursive=True)):
        assert time.monotonic() < limit, "no checkpoint on S3"
        time.sleep(0.3)
    password = secured.secret("kafka").get_secret_value()
    assert not any(
        password in path.read_text(errors="replace") for path in secured.log_dir.iterdir()
    )


@pytest.mark.parametrize(
    "change",
    [{"security.protocol": "PLAINTEXT"}, {"sasl.password": "wrong"}, {"ssl.ca.location": None}],
    ids=["clear", "password", "authority"],
)
def test_kafka_takes_no_one_else(secured: Settings, change: dict[str, Any]) -> None:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    config = {
        key: value
        for key, value in {**client_config(secured), **change}.items()
        if value is not None
    }
    with pytest.raises(KafkaException, match=r"timed out|Failed to get metadata|transport"):
        AdminClient(config).list_topics(timeout=3)


def test_the_job_only_writes_and_readers_only_read(secured: Settings) -> None:
    from cassandra import Unauthorized

    insert = (
        f"INSERT INTO {secured.keyspace}.pitwall_car_state (vehicle, session) VALUES ('v', 's')"
    )
    select = f"SELECT vehicle FROM {secured.keyspace}.pitwall_car_state LIMIT 1"
    job, reader = connect(secured, role="job"), connect(secured, role="reader")
    try:
        job.execute(insert)
        assert reader.execute(select).one()
        for session, statement in (
            (job, select),
            (reader, insert),
            (reader, f"TRUNCATE {secured.keyspace}.pitwall_car_state"),
            (job, f"DROP TABLE {secured.keyspace}.telemetry_history"),
            (reader, "LIST ROLES OF cassandra"),
        ):
            with pytest.raises(Unauthorized):
                session.execute(statement)
    finally:
        job.cluster.shutdown()
        reader.cluster.shutdown()


def test_cassandra_answers_nobody_in_clear(secured: Settings) -> None:
    with pytest.raises(StoreError, match="does not answer"):
        connect(secured.model_copy(update={"tls": False}), Connection())


def test_each_key_opens_its_own_buckets_only(secured: Settings) -> None:
    for user, own in (
        ("pitwall", ("archive", "registry")),
        ("flink", ("flink", "offline")),
        ("mlflow", ("mlflow",)),
    ):
        client = s3_client(secured, user)
        for bucket in ("offline", "archive", "registry", "flink", "mlflow"):
            if bucket in own:
                client.put_object(bucket, f"of/{user}", BytesIO(b"1"), 1)
                assert len(list(client.list_objects(bucket, "of/"))) == 1
            else:
                with pytest.raises(S3Error, match="Forbidden"):
                    client.put_object(bucket, f"of/{user}", BytesIO(b"1"), 1)
                with pytest.raises(S3Error, match="Forbidden"):
                    list(client.list_objects(bucket))


def test_feasts_registry_may_lie_on_s3(secured: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As several machines need it: applied by one, read by others."""
    from pitwall.stores.repository import feature_store

    for key, value in s3_environment(secured).items():
        monkeypatch.setenv(key, value)
    path = secured.feature_repo / "feature_store.yaml"
    text = path.read_text()
    path.write_text(text.replace("../.pitwall/data/registry.db", "s3://registry/registry.db"))
    try:
        apply(secured)
        views = {view.name for view in feature_store(secured).list_feature_views()}
    finally:
        path.write_text(text)
    assert {each.name for each in load(secured.feature_repo)} <= views
    assert (s3_client(secured).stat_object("registry", "registry.db").size or 0) > 0


def test_the_page_speaks_https_only(secured: Settings) -> None:
    assert httpx.get(f"{secured.page_url}/health", verify=trust(secured) or True).json() == {
        "ok": True,
        "problems": [],
    }
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        httpx.get(f"{secured.page_url}/health", verify=ssl.create_default_context())
    with socket.create_connection((secured.host, secured.page_port), timeout=5) as clear:
        clear.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert not clear.recv(100).startswith(b"HTTP/1.1 200")
