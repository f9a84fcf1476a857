"""A stack beside the user's, for tests and benchmarks: a copy of the repository, free ports.

Nothing of it stays when it is left.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from pitwall.settings import Settings

READ_BY_TOOLS = ("feature_repo", "flink_jobs", "serving", "spark_jobs", "training")
"""The folders of the repository that a sandbox has a copy of."""

FIRST_PORT = 20_000
"""A sandbox's ports lie above those of the user's own stack."""
PORTS_OF_CONNECTIONS = Path("/proc/sys/net/ipv4/ip_local_port_range")


_given: set[int] = set()
"""The ports that this process was given: a lock keeps them from other processes only."""


def free_ports(count: int) -> list[int]:
    """`count` different ports of the loopback address, which are free now.

    No other process is given them: a port stays with this process until it ends, because its
    server may start much later. The kernel gives none of them to an outgoing connection either.
    """
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(FIRST_PORT, _first_of_connections())
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given and _claimed(port):
            _given.add(port)
            ports.append(port)
    return ports


def _first_of_connections() -> int:
    """The first of the ports that the kernel gives to outgoing connections."""
    try:
        return max(FIRST_PORT + 1000, int(PORTS_OF_CONNECTIONS.read_text().split()[0]))
    except OSError:
        return 32_768


@cache
def _claims() -> int:
    """The file whose bytes stand for ports, open until the process ends, which frees its locks."""
    path = Path(tempfile.gettempdir()) / f"pitwall-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _claimed(port: int) -> bool:
    """Whether the port is this process's from now on."""
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


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
                "PITWALL_DISK_LEAST_GB": "0",
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
