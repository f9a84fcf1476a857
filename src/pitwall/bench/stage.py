"""Servers of a benchmark's own, with empty state and ports of their own: nothing of the user's stack is touched."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from pitwall.local import jars
from pitwall.local.stack import Stack
from pitwall.settings import Settings

PORTS = ("kafka", "kafka_controller", "cassandra", "cassandra_storage", "s3", "mlflow", "flink", "serving", "page")


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


@contextmanager
def stage(*servers: str, **values: str) -> Iterator[tuple[Settings, Stack]]:
    """Run the named servers; `values` are further settings. Everything ends, and its data go, on leaving."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="pitwall-bench-") as home:
        os.environ["PITWALL_HOME"] = home
        for name, port in zip(PORTS, _free_ports(len(PORTS)), strict=True):
            os.environ[f"PITWALL_{name.upper()}_PORT"] = str(port)
        os.environ.update({f"PITWALL_{name.upper()}": value for name, value in values.items()})
        try:
            settings = Settings()
            jars.fetch(settings.cache_dir / "m2")
            with Stack(settings) as stack:
                stack.start(servers)
                yield settings, stack
        finally:
            os.environ.clear()
            os.environ.update(before)
