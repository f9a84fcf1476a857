"""What compose mounts and starts, run here without containers: paths and ports moved, nothing else
changed.
"""

from __future__ import annotations

import base64
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paths import ROOT
from waiting import wait

from pitwall.local.containers import configuration, make_buckets
from pitwall.local.servers.table import SERVERS
from pitwall.local.stack import Stack
from pitwall.machine import jars
from pitwall.machine import processes as process
from pitwall.machine.java import java
from pitwall.machine.ports import port_open
from pitwall.machine.sandbox import free_ports, sandbox
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment
from pitwall.stores.s3 import BUCKETS, s3_client

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
COMPOSE = ROOT / "compose"
CONTAINERS = [sys.executable, "-m", "pitwall.local.containers"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a process that ends with the test."""
    children: list[subprocess.Popen[bytes]] = []

    def start(
        name: str, command: list[str], env: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        children.append(
            process.spawn(
                name, command, tmp_path / f"{name}.log", env or dict(os.environ), tmp_path
            )
        )
        return children[-1]

    yield start
    process.end([child.pid for child in reversed(children)])
    for child in children:
        child.wait()


def moved(name: str, settings: Settings, data: Path) -> Path:
    """A mounted file with its ports and its data folder moved to the sandbox's."""
    text = configuration()[name]
    for field in Settings.model_fields:
        if field.endswith("_port"):
            text = re.sub(
                rf"\b{Settings.model_fields[field].default}\b", str(getattr(settings, field)), text
            )
    path = data / Path(name).name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace("/var/lib/", f"{data}/"))
    return path


def test_servers_on_the_mounted_files_and_prepare(
    run: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """Kafka and Cassandra on what compose mounts; then `prepare`."""
    with sandbox() as settings:
        jars.fetch(settings.cache_dir / "m2")
        properties = moved("kafka/server.properties", settings, tmp_path / "kafka")
        kafka = java("kafka", settings, "-Xmx384m", "-XX:+UseSerialGC")
        subprocess.run(
            [
                *kafka,
                "kafka.tools.StorageTool",
                "format",
                "-t",
                "aaaaaaaaaaaaaaaaaaaaaa",
                "-c",
                properties,
            ],
            check=True,
            capture_output=True,
        )
        run("kafka", [*kafka, "kafka.Kafka", str(properties)])
        mounted = moved("cassandra.yaml", settings, tmp_path / "cassandra")
        flags = SERVERS["cassandra"].command(settings)
        run(
            "cassandra",
            [
                re.sub(r"^-Dcassandra\.config=.*", f"-Dcassandra.config=file://{mounted}", flag)
                for flag in flags
            ],
        )
        with Stack(settings) as stack:
            stack.start(["s3"])
            wait(
                lambda: SERVERS["kafka"].ready(settings) and SERVERS["cassandra"].ready(settings),
                60,
                "servers on the mounted files",
            )
            done = subprocess.run(
                [*CONTAINERS, "prepare"],
                env=child_environment(settings),
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr[-2000:]
            assert (tmp_path / "kafka/kafka/data/log").exists() and (
                tmp_path / "cassandra/cassandra/commitlog"
            ).exists()
            from pitwall.kafka.clients import admin
            from pitwall.stores.cassandra.connect import connect

            assert settings.features_topic in admin(settings).list_topics(timeout=10).topics
            session = connect(settings, keyspace=settings.keyspace)
            tables = {
                row[0]
                for row in session.execute(
                    "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s",
                    (settings.keyspace,),
                )
            }
            session.cluster.shutdown()
            assert {"telemetry_history", "pitwall_car_state"} <= tables
            make_buckets(settings)
            client = s3_client(settings)
            assert {bucket.name for bucket in client.list_buckets()} >= set(BUCKETS)


def test_mlflow_keeps_its_runs_in_postgres(
    run: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """MLflow as its container starts it, on a PostgreSQL that asks for the password as compose
    makes it.
    """
    found = shutil.which("initdb") or next(
        iter(sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), reverse=True)), None
    )
    if found is None:
        pytest.skip("no PostgreSQL on this machine (Debian: apt install postgresql)")
    bin_dir = Path(os.path.realpath(found)).parent
    owner = (
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    )
    [port] = free_ports(1)
    with sandbox(mlflow_backend=f"postgresql://mlflow@127.0.0.1:{port}/postgres") as settings:
        from tempfile import TemporaryDirectory

        with TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:
            data = Path(folder) / "data"
            password = Path(folder) / "password"
            password.write_text(settings.secret("postgres").get_secret_value())
            if owner:
                os.chown(folder, 65534, 65534)
                os.chown(password, 65534, 65534)
            subprocess.run(
                [
                    *owner,
                    bin_dir / "initdb",
                    "-D",
                    data,
                    "-U",
                    "mlflow",
                    "--auth-host=scram-sha-256",
                    f"--pwfile={password}",
                ],
                check=True,
                capture_output=True,
                cwd=folder,
            )
            run(
                "postgres",
                [
                    *owner,
                    str(bin_dir / "postgres"),
                    "-D",
                    str(data),
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    f"port={port}",
                    "-c",
                    "shared_buffers=32MB",
                    "-c",
                    "fsync=off",
                    "-c",
                    f"unix_socket_directories={folder}",
                ],
            )
            wait(lambda: port_open("127.0.0.1", port), 30, "postgres")
            run("mlflow", [*CONTAINERS, "become", "mlflow"])
            wait(
                lambda: SERVERS["mlflow"].ready(settings),
                240,
                (tmp_path / "mlflow.log").read_text()[-2000:],
            )
            assert subprocess.run([*CONTAINERS, "healthy", "mlflow"]).returncode == 0
            tables = subprocess.run(
                [
                    bin_dir / "psql",
                    "-h",
                    "127.0.0.1",
                    "-p",
                    str(port),
                    "-U",
                    "mlflow",
                    "-d",
                    "postgres",
                    "-Atc",
                    "SELECT count(*) FROM experiments",
                ],
                env={**os.environ, "PGPASSWORD": settings.secret("postgres").get_secret_value()},
                capture_output=True,
                text=True,
            )
            assert tables.stdout.strip() == "1", tables.stderr


class Backend(http.server.BaseHTTPRequestHandler):
    """Answers with the path it was asked for."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def test_the_edge_lets_in_who_knows_the_token(
    run: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    nginx = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
    if nginx is None or not module.exists():
        pytest.skip(
            "no nginx with streams on this machine (Debian: "
            "apt install nginx-light libnginx-mod-stream)"
        )
    shutil.copy(COMPOSE / "secrets", tmp_path / "secrets")
    subprocess.run([tmp_path / "secrets"], check=True)
    text = (COMPOSE / "config" / "edge.conf").read_text()
    used = sorted(set(re.findall(r"\b[12]\d{4}\b", text)))
    ports = dict(zip(used, map(str, free_ports(len(used))), strict=True))
    text = re.sub(r"\b[12]\d{4}\b", lambda found: ports[found[0]], text)
    # A user cannot read another's folder; whose worker it is does not matter here.
    text = text.replace("/tmp/", f"{tmp_path}/")
    text = text.replace("/run/secrets/htpasswd", f"{tmp_path}/secrets.d/htpasswd").replace(
        "/srv/panel", str(COMPOSE / "config/panel")
    )
    (tmp_path / "edge.conf").write_text(
        f"load_module {module};\n{'user root;' if os.getuid() == 0 else ''}\n{text}"
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(ports["18080"])), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    run("nginx", [nginx, "-c", str(tmp_path / "edge.conf"), "-g", "daemon off;"])
    wait(lambda: port_open("127.0.0.1", int(ports["28080"])), 10, "the edge")

    def ask(port: str, path: str = "/", password: str | None = None) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{ports[port]}{path}")
        if password is not None:
            request.add_header(
                "Authorization",
                "Basic " + base64.b64encode(f"pitwall:{password}".encode()).decode(),
            )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    token = (tmp_path / "secrets.d" / "token").read_text()
    try:
        assert ask("28080", "/live") == (401, "")
        assert ask("28080", "/live", "guess") == (401, "")
        assert ask("28080", "/live", token) == (200, "/live")
        for port in ("25000", "28081", "29090", "25601", "28888"):
            assert ask(port)[0] == 401, port
        assert "Live page" in ask("28888", "/", token)[1]
        assert ask("28000", "/health")[0] == 204
    finally:
        server.shutdown()
        server.server_close()
