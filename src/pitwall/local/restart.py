"""End one server and start it again, while the others go on."""

from __future__ import annotations

import time

from pitwall.errors import StackError
from pitwall.local.servers.table import SERVERS
from pitwall.local.stack import Stack
from pitwall.local.state import end_servers, ended_mark, forget
from pitwall.machine import processes
from pitwall.machine.space import need_space

NOTED_S = 3.0
"""Within this time its supervisor, where there still is one, has noted that the server ended."""


def restart(stack: Stack, name: str) -> None:
    """End the server, start it by this `stack`, and wait until it answers.

    Raises `StackError` for an unknown name, for a server that does not run, where the disk has too
    little free space (the server then runs on), and as `Stack.start` does.
    """
    settings = stack.settings
    if name not in SERVERS:
        raise StackError(f"unknown server {name!r}; known: {', '.join(SERVERS)}")
    running = processes.find(settings.run_dir, name)
    if running is None:
        raise StackError(f"{name} does not run; start it: ./pitwall up {name}")
    need_space(settings)
    mark = ended_mark(settings, name)
    mark.unlink(missing_ok=True)
    stack.report(name, "ending")
    end_servers({name: running.pid})
    # The supervisor forgets the server when it notes its end. It must not forget the new one.
    limit_s = time.monotonic() + NOTED_S
    while not mark.exists() and time.monotonic() < limit_s:
        time.sleep(0.05)
    mark.touch()
    forget(settings, name)
    stack.start([name])
