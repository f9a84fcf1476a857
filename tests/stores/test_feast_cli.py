"""Feast's own command line and server on our stores: plan, apply, materialize, serve, push,
teardown; options in feature_store.yaml.
"""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from pitwall.errors import StoreError, UsageError
from pitwall.machine.sandbox import free_ports
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import Connection, Tls, configured

pytestmark = pytest.mark.integration

KEYSPACE = "feast_cli"
YAML = """
project: garage
provider: local
registry: registry.db
online_store:
  type: pitwall.stores.online.store.CassandraOnlineStore
  keyspace: feast_cli
  replication: {class: SimpleStrategy, replication_factor: 1}
  read_consistency: LOCAL_QUORUM
  write_consistency: LOCAL_QUORUM
  data_center: datacenter1
  request_timeout_s: 5
offline_store:
  type: pitwall.stores.offline.store.ParquetOfflineStore
entity_key_serialization_version: 3
auth: {type: no_auth}
"""
DEFINITIONS = """
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Float64, Int64, String

driver = Entity(name="driver", join_keys=["driver"], value_type=ValueType.STRING)
source = FileSource(
    name="pace_file",
    path="PATH",
    timestamp_field="event_timestamp",
    created_timestamp_column="created_timestamp",
)
push = PushSource(name="pace_push", batch_source=source)
pace = FeatureView(
    name="pace",
    entities=[driver],
    ttl=timedelta(days=3650),
    source=push,
    schema=[
        Field(name="driver", dtype=String),
        Field(name="lap_s", dtype=Float64),
        Field(name="laps", dtype=Int64)],
)
"""
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def repo(cassandra: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("garage")
    rows = pa.table(
        {
            "driver": ["a", "a", "b"],
            "lap_s": [90.5, 89.25, None],
            "laps": pa.array([1, 2, 3], pa.int64()),
            "event_timestamp": pa.array(
                [NOW - timedelta(hours=h) for h in (3, 2, 1)], pa.timestamp("us", "UTC")
            ),
            "created_timestamp": pa.array([NOW] * 3, pa.timestamp("us", "UTC")),
        }
    )
    (folder / "pace").mkdir()
    pq.write_table(rows, folder / "pace" / "rows.parquet")
    (folder / "feature_store.yaml").write_text(YAML)
    (folder / "pace.py").write_text(DEFINITIONS.replace("PATH", str(folder / "pace")))
    return folder


def feast(repo: Path, *arguments: str) -> Result:
    """Feast's command line in this process: importing it costs seconds."""
    from feast.cli.cli import cli

    folder, modules = Path.cwd(), set(sys.modules)
    try:
        result = CliRunner().invoke(cli, ["--chdir", str(repo), *arguments])
    finally:
        os.chdir(folder)
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(repo)):
                del sys.modules[name]
    return result


def columns(settings: Settings, table: str) -> set[str]:
    session = connect(settings)
    try:
        query = (
            "SELECT column_name FROM system_schema.columns "
            "WHERE keyspace_name = %s AND table_name = %s"
        )
        return {name for (name,) in session.execute(query, (KEYSPACE, table))}
    finally:
        session.cluster.shutdown()


def test_from_plan_to_teardown(cassandra: Settings, repo: Path) -> None:
    plan = feast(repo, "plan")
    assert plan.exit_code == 0, plan.output
    assert (
        "cassandra table" in plan.output
        and 'feast_cli."garage_pace"' in plan.output
        and not columns(cassandra, "garage_pace")
    )
    applied = feast(repo, "apply")
    assert applied.exit_code == 0, applied.output
    assert columns(cassandra, "garage_pace") == {
        "driver",
        "event_timestamp",
        "created_timestamp",
        "lap_s",
        "laps",
    }
    assert "No changes to infrastructure" in feast(repo, "plan").output

    start, end = (NOW - timedelta(days=1)).isoformat(), NOW.isoformat()
    materialized = feast(repo, "materialize", start, end)
    assert materialized.exit_code == 0, materialized.output
    _serve_and_push(repo)

    definitions = repo / "pace.py"
    text = definitions.read_text()
    definitions.write_text(
        text.replace("dtype=Int64)", 'dtype=Int64), Field(name="tyre", dtype=String)')
    )
    assert "column tyre text" in feast(repo, "plan").output
    assert feast(repo, "apply").exit_code == 0 and "tyre" in columns(cassandra, "garage_pace")
    definitions.write_text(text.replace('name="laps", dtype=Int64', 'name="laps", dtype=Float64'))
    for command in ("plan", "apply"):
        refused = feast(repo, command)
        assert isinstance(refused.exception, StoreError), refused.output
        assert "'laps' of view 'pace' is double" in str(refused.exception) and "new name" in str(
            refused.exception
        )
    definitions.write_text(text)
    assert feast(repo, "apply").exit_code == 0
    torn_down = feast(repo, "teardown")
    assert torn_down.exit_code == 0, torn_down.output
    assert not columns(cassandra, "garage_pace")


def _serve_and_push(repo: Path) -> None:
    (port,) = free_ports(1)
    command = [
        str(Path(sys.executable).parent / "feast"),
        "--chdir",
        str(repo),
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    log = (repo / "serve.log").open("w")
    server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    question = {
        "features": ["pace:lap_s", "pace:laps"],
        "entities": {"driver": ["a", "b", "nobody"]},
    }
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            limit = time.monotonic() + 120
            while True:
                try:
                    client.get("/health").raise_for_status()
                    break
                except httpx.HTTPError:
                    assert server.poll() is None and time.monotonic() < limit, (
                        repo / "serve.log"
                    ).read_text()[-2000:]
                    time.sleep(0.3)
            assert _values(client, question) == {"lap_s": [89.25, None, None], "laps": [2, 3, None]}
            row = {
                "driver": ["a"],
                "lap_s": [88.0],
                "laps": [3],
                "event_timestamp": [NOW.isoformat()],
                "created_timestamp": [NOW.isoformat()],
            }
            pushed = client.post(
                "/push", json={"push_source_name": "pace_push", "df": row, "to": "online"}
            )
            assert pushed.status_code == 200, pushed.text
            late = {
                **row,
                "lap_s": [99.0],
                "event_timestamp": [(NOW - timedelta(hours=1)).isoformat()],
            }
            assert (
                client.post(
                    "/push", json={"push_source_name": "pace_push", "df": late, "to": "online"}
                ).status_code
                == 200
            )
            assert _values(client, question)["lap_s"] == [88.0, None, None]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        log.close()


def _values(client: httpx.Client, question: dict[str, object]) -> dict[str, list[object]]:
    answer = client.post("/get-online-features", json=question)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    found = {
        name: result["values"]
        for name, result in zip(body["metadata"]["feature_names"], body["results"], strict=True)
    }
    return {name: found[name] for name in ("lap_s", "laps")}


def test_a_keyspace_replicated_otherwise_is_refused(cassandra: Settings, tmp_path: Path) -> None:
    from pitwall.lab.bench.stores import ours, view

    backend = ours(
        cassandra, tmp_path, replication={"class": "SimpleStrategy", "replication_factor": 3}
    )
    with pytest.raises(
        StoreError, match=r"replication is .* keyspace pitwall has .*ALTER KEYSPACE"
    ):
        backend.apply(view("any", {}))


def test_a_wrong_option_is_named(cassandra: Settings) -> None:
    path = cassandra.feature_repo / "feature_store.yaml"
    text = path.read_text()
    try:
        for wrong, named in (
            ("  request_timeout_s: 0\n", "online_store.request_timeout_s is 0"),
            ("  read_consistency: SOME\n", "online_store.read_consistency is 'SOME'"),
            ("  hosst: [a]\n", r"online_store.hosst is \['a'\]"),
        ):
            path.write_text(
                text.replace("CassandraOnlineStore\n", f"CassandraOnlineStore\n{wrong}")
            )
            with pytest.raises(UsageError, match=named):
                configured(cassandra)
    finally:
        path.write_text(text)


def test_tls_and_login(cassandra: Settings, tmp_path: Path) -> None:
    """Through a TLS door before the local node; one who does not know its certificate, or the
    password, stays outside.
    """
    import asyncio
    import threading

    made = subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=door",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ],
        cwd=tmp_path,
        capture_output=True,
    )
    assert made.returncode == 0, made.stderr
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    (port,) = free_ports(1)
    loop = asyncio.new_event_loop()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, outside = await asyncio.open_connection(cassandra.host, cassandra.cassandra_port)
        await asyncio.gather(pass_on(reader, outside), pass_on(inside, writer))

    loop.run_until_complete(asyncio.start_server(door, "127.0.0.1", port, ssl=context))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    try:
        session = connect(cassandra, Connection(port=port, tls=Tls(ca=tmp_path / "cert.pem")))
        assert session.execute("SELECT cluster_name FROM system.local").one()
        session.cluster.shutdown()
        with pytest.raises(StoreError, match="certificate verify failed"):
            connect(cassandra, Connection(port=port, tls=Tls()))
        with pytest.raises(UsageError, match=r"tls\.ca is '.*none.pem'"):
            connect(cassandra, Connection(tls=Tls(ca=tmp_path / "none.pem")))
        with pytest.raises(StoreError, match=r"credentials|Bad"):
            connect(cassandra, Connection(), password="wrong")
    finally:
        loop.call_soon_threadsafe(loop.stop)
