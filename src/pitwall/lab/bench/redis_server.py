"""A Redis server for one benchmark: the program `redis-server` of the machine, without files."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager

from pitwall.errors import StackError, UsageError
from pitwall.lab.progress import wait
from pitwall.machine import processes
from pitwall.machine.sandbox import free_ports
from pitwall.settings import Settings


@contextmanager
def redis_server(settings: Settings) -> Iterator[int]:
    """Run the server while the block runs; yields its port.

    Raises `UsageError` where the machine has no `redis-server`, and `StackError` when it does not
    answer within 10 s.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise UsageError(
            "there is no redis-server on this machine; install it (Debian: apt-get install "
            "redis-server), or leave out --peers"
        )
    (port,) = free_ports(1)
    options = {"bind": settings.host, "port": str(port), "save": "", "appendonly": "no"}
    arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
    server = subprocess.Popen(
        [program, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=processes.die_with_parent,
    )

    def answers() -> bool:
        try:
            with closing(socket.create_connection((settings.host, port), 1)):
                return True
        except OSError:
            if server.poll() is not None:
                raise StackError(f"redis-server ended with {server.returncode}") from None
            return False

    try:
        wait(answers, 10, "redis-server to answer")
        yield port
    finally:
        processes.end([server.pid])
        server.wait()
