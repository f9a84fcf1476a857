"""The prediction endpoint and the stream scorer."""

from __future__ import annotations

import ssl

from pitwall.local.servers.server import Server, python_module
from pitwall.machine.ports import http_ok
from pitwall.settings import DISTRIBUTION, Settings


def _endpoint_ready(settings: Settings) -> bool:
    from pitwall.serving.listen import trust

    trusted = trust(settings)
    context = trusted if isinstance(trusted, ssl.SSLContext) else None
    return http_ok(f"{settings.serving_url}/livez", context)


SERVING = Server(
    "serving",
    python_module("pitwall.serving.run"),
    _endpoint_ready,
    setting="serving_port",
    address=lambda settings: settings.serving_url,
    needs=("kafka", "cassandra", "mlflow"),
    package="bentoml",
    product="bentoml",
)
SCORER = Server(
    "scorer",
    python_module("pitwall.serving.scorer"),
    lambda settings: (settings.run_dir / "scorer.ready").exists(),
    needs=("kafka", "mlflow"),
    package=DISTRIBUTION,
)
