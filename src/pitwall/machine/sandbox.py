"""A stack beside the user's, for tests and benchmarks: a copy of the repository, free ports.

Nothing of it stays when it is left.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pitwall.settings import Settings

READ_BY_TOOLS = ("feature_repo", "flink_jobs", "serving", "spark_jobs", "training")
"""The folders of the repository that a sandbox has a copy of."""


def free_ports(count: int) -> list[int]:
    """`count` different ports of the loopback address on which nothing listens now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


@contextmanager
def sandbox(**values: str) -> Iterator[Settings]:
    """Settings of a stack with its own folder and ports; `values` are further settings.

    They are set in this process's environment, so that child processes see them, too.
    """
    before = dict(os.environ)
    repository = Settings().repository
    with tempfile.TemporaryDirectory(prefix="pitwall-", ignore_cleanup_errors=True) as folder:
        for name in READ_BY_TOOLS:
            if (repository / name).exists():
                shutil.copytree(repository / name, Path(folder) / name)
        ports = [name for name in Settings.model_fields if name.endswith("_port")]
        os.environ.update(
            {
                "PITWALL_REPOSITORY": folder,
                "PITWALL_HOME": str(Path(folder) / ".pitwall"),
                **{
                    f"PITWALL_{name.upper()}": str(port)
                    for name, port in zip(ports, free_ports(len(ports)), strict=True)
                },
                **{f"PITWALL_{name.upper()}": value for name, value in values.items()},
            }
        )
        try:
            yield Settings()
        finally:
            os.environ.clear()
            os.environ.update(before)
