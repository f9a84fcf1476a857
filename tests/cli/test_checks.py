"""Whether servers answer is asked where the settings say that they are."""

from __future__ import annotations

import http.server
import socket
import threading
from pathlib import Path

import pytest

from pitwall.cli.checks import need_cassandra, need_kafka, need_registry
from pitwall.errors import PitwallError
from pitwall.settings import Settings


def test_kafka_elsewhere_is_asked_where_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as broker:
        there = f"127.0.0.1:{broker.getsockname()[1]}"
        need_kafka(Settings(kafka_port=1, kafka_servers=f"127.0.0.1:1,{there}"))
        with pytest.raises(PitwallError, match=r":1 does not answer; see PITWALL_KAFKA"):
            need_kafka(Settings(kafka_port=int(there.split(":")[1]), kafka_servers="127.0.0.1:1"))


def test_cassandra_elsewhere_is_asked_where_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "feature_repo"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as node:
        port = node.getsockname()[1]
        text = "online_store: {type: pitwall.x, hosts: [127.0.0.9, 127.0.0.1], port: %d}"
        (folder / "feature_store.yaml").write_text(text % port)
        need_cassandra(Settings(repository=tmp_path, cassandra_port=1))
        (folder / "feature_store.yaml").write_text(text % 1)
        with pytest.raises(PitwallError, match=r"127.0.0.1:1 does not answer; see online_store.ho"):
            need_cassandra(Settings(repository=tmp_path, cassandra_port=port))
    with pytest.raises(PitwallError, match=r"127.0.0.1:1 does not answer; start it"):
        need_cassandra(Settings(repository=tmp_path / "none", cassandra_port=1))


def test_mlflow_elsewhere_is_asked_where_it_is() -> None:
    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = f"http://127.0.0.1:{server.server_port}"
        need_registry(Settings(mlflow_port=1, mlflow_server=there, s3_server=there))
        with pytest.raises(PitwallError, match=r"s3 at .*:1 does not answer; see PITWALL_S3_SERV"):
            need_registry(Settings(mlflow_server=there, s3_server="http://127.0.0.1:1"))
        server.shutdown()
    with pytest.raises(PitwallError, match=r"127.0.0.1:1 does not answer; see PITWALL_MLFLOW_SER"):
        need_registry(Settings(mlflow_server="http://127.0.0.1:1"))
