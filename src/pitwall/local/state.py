"""What runs of the local stack, as written in the folder `run`, and how it is ended.

`<name>.json` there names the process of a server that was started, `<name>.ended` says that the
server has ended by itself. The supervisors write both. `<name>.ready` is written by servers without
a port once they are ready.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pitwall.local.servers.table import SERVERS
from pitwall.machine import processes
from pitwall.machine.processes import Running
from pitwall.settings import Settings


def ended_mark(settings: Settings, name: str) -> Path:
    """The file that says that a server has ended by itself; it holds the exit status."""
    return settings.run_dir / f"{name}.ended"


def ready_mark(settings: Settings, name: str) -> Path:
    """The file by which a server without a port says that it is ready."""
    return settings.run_dir / f"{name}.ready"


def forget(settings: Settings, name: str) -> None:
    """Remove the record of a server's process."""
    (settings.run_dir / f"{name}.json").unlink(missing_ok=True)


def running(settings: Settings) -> dict[str, Running]:
    """The servers that run now, by name, in start order."""
    records = {name: processes.find(settings.run_dir, name) for name in SERVERS}
    return {name: record for name, record in records.items() if record is not None}


def end_servers(pids: Mapping[str, int]) -> None:
    """End the named servers: first those that need others, then those that need none."""
    processes.end([pid for name, pid in pids.items() if SERVERS[name].needs])
    processes.end([pid for name, pid in pids.items() if not SERVERS[name].needs])


def down(settings: Settings) -> list[str]:
    """End all servers that run. Returns their names."""
    servers = running(settings)
    end_servers({name: server.pid for name, server in servers.items()})
    for name in SERVERS:
        forget(settings, name)
    return list(servers)
