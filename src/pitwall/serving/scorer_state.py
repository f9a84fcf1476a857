"""What a worker of the stream scorer says of itself: `/health`, and `/metrics` for Prometheus."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from pitwall.features.topic import FeatureRows
from pitwall.machine.lasting import Pulse
from pitwall.serving.metrics import Versions, left_out
from pitwall.serving.registry import Model, Registry
from pitwall.serving.scoring import Unfit
from pitwall.settings import Settings

LOG = logging.getLogger("pitwall.serving")
SAID_EVERY_S = 60.0
"""A model's rows that are left out for one cause are logged once in so many seconds."""


class ScorerState(Collector):
    """The worker's pulse, the rows it could not read, and those it asked no model about."""

    def __init__(self, rows: FeatureRows, registry: Registry) -> None:
        self.rows = rows
        self.pulse = Pulse("the stream scorer")
        self._unfit: Counter[tuple[str, str, str]] = Counter()
        """Rows left out by model, version and cause."""
        self._said_s: dict[tuple[str, str, str], float] = {}
        self._metrics = CollectorRegistry()
        self._metrics.register(Versions(lambda: registry))
        self._metrics.register(self)

    def unfit(self, model: Model, unfit: Unfit) -> None:
        """Count rows that this model was not asked about, and log the reason."""
        key = (model.name, str(model.version), unfit.cause)
        self._unfit[key] += unfit.rows
        now_s = time.monotonic()
        if now_s - self._said_s.get(key, -SAID_EVERY_S) >= SAID_EVERY_S:
            self._said_s[key] = now_s
            LOG.warning("%d rows are not scored: %s", unfit.rows, unfit.reason)

    def collect(self) -> Iterator[Metric]:
        """Give the counters of what was left out."""
        unfit = CounterMetricFamily(
            "pitwall_rows_not_scored",
            "Feature rows that a model was not asked about.",
            labels=["model", "version", "cause"],
        )
        for key, count in sorted(dict(self._unfit).items()):
            unfit.add_metric(key, count)
        yield unfit
        yield left_out(self.rows.unreadable)

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, media type and body of a GET request."""
        if path == "/health":
            problem = self.pulse.problem
            body = json.dumps({"ok": not problem, "problem": problem}).encode()
            return 503 if problem else 200, "application/json", body
        if path == "/metrics":
            return 200, "text/plain; version=0.0.4", generate_latest(self._metrics)
        return 404, "text/plain", b"There are /health and /metrics.\n"

    def serve(self, settings: Settings) -> None:
        """Answer on the scorer's port from now on; a further worker of one machine has none."""
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                status, media_type, body = answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing of a request."""

        address = (settings.serving_host or settings.host, settings.scorer_port)
        try:
            server = ThreadingHTTPServer(address, Handler)
        except OSError as error:
            LOG.warning(
                "no health and metrics at %s:%d (%s); PITWALL_SCORER_PORT names another port",
                *address,
                error,
            )
            return
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True, name="state").start()
