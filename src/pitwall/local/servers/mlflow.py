"""MLflow: the tracking server and the model registry."""

from __future__ import annotations

import sys

from pitwall import logs
from pitwall.local.servers.server import Server, http_address
from pitwall.machine.ports import http_ok
from pitwall.settings import Settings


def _command(settings: Settings) -> list[str]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--artifacts-destination", settings.mlflow_artifacts),
        *("--host", settings.host),
        *("--port", str(settings.mlflow_port)),
        *("--workers", "1"),
    ]
    if settings.log_format == "json":
        command += ["--uvicorn-opts", f"--log-config {logs.uvicorn_file(settings)}"]
    return command


MLFLOW = Server(
    "mlflow",
    _command,
    lambda settings: http_ok(f"{settings.mlflow_url}/health"),
    setting="mlflow_port",
    address=http_address("mlflow_port"),
    package="mlflow",
)
