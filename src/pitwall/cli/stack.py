"""The commands on the local stack: `up`, `down`, `restart`, `status`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pitwall.cli.terminal import OUT, AsJson, emit, progress, table
from pitwall.settings import Settings


def up(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Names of servers; default: all that the main job needs."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start the missing servers of the local stack.

    They go on running when this command ends. It waits as long as they get on.
    """
    from pitwall.local.servers.table import SERVERS
    from pitwall.local.stack import CORE, Stack, with_needs
    from pitwall.machine import jars, processes
    from pitwall.stores.repository import apply

    settings = Settings()
    wanted = with_needs(names or [name for name, server in SERVERS.items() if server.by_default])
    with progress() as step:
        jars.fetch(settings.cache_dir / "m2", step)
        with Stack(settings, lambda name, state: step(f"{name} {state}", None)) as stack:
            stack.start([name for name in wanted if name in CORE])
            if "flink" in wanted and processes.find(settings.run_dir, "flink") is None:
                step("feast apply", None)
                apply(settings)
            stack.start(wanted)
            stack.detach()
    _show(settings, as_json)


def down(as_json: AsJson = False) -> None:
    """Stop the local stack. Its data stays."""
    from pitwall.local.state import down as stop_all

    stopped = stop_all(Settings())
    if as_json:
        emit({"stopped": stopped})
    else:
        OUT.print(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


def restart(
    name: Annotated[str, typer.Argument(help="Name of a server that runs.")],
    as_json: AsJson = False,
) -> None:
    """End one server of the local stack and start it again; the others go on."""
    from pitwall.local.restart import restart as end_and_start
    from pitwall.local.stack import Stack

    settings = Settings()
    with (
        progress() as step,
        Stack(settings, lambda server, state: step(f"{server} {state}", None)) as stack,
    ):
        end_and_start(stack, name)
        stack.detach()
    _show(settings, as_json)


def status(as_json: AsJson = False) -> None:
    """Show state, ports, versions and memory of the local stack, and free disk space."""
    _show(Settings(), as_json)


def _show(settings: Settings, as_json: bool) -> None:
    """Print the servers' states; people see no server that is down and not started by default."""
    from pitwall.local.servers.table import SERVERS
    from pitwall.machine.space import GB, space

    rows, disk = _states(settings), space(settings)
    if as_json:
        state = "low" if disk.low else "up"
        amounts = {"free_gb": disk.free / GB, "total_gb": disk.total / GB}
        emit({**rows, "disk": {"state": state, "folder": str(disk.folder), **amounts}})
        return
    servers = table("Server", "State", "Address", "Version", "Pid", "MB")
    for name, row in rows.items():
        if row["state"] == "down" and not SERVERS[name].by_default:
            continue
        colour = {"up": "green", "down": "dim"}.get(row["state"], "yellow")
        servers.add_row(
            name,
            f"[{colour}]{row['state']}[/]",
            row["url"] or "–",
            row["version"],
            str(row["pid"] or "–"),
            str(row["memory_mb"] or "–"),
        )
    OUT.print(servers)
    OUT.print(str(disk), style="red" if disk.low else "dim", markup=False, soft_wrap=True)


def _states(settings: Settings) -> dict[str, dict[str, Any]]:
    """State, port, url, version, pid and memory (MB) of each server, by its name."""
    from pitwall.local.servers.table import SERVERS
    from pitwall.local.state import running

    processes = running(settings)
    rows: dict[str, dict[str, Any]] = {}
    for name, server in SERVERS.items():
        process = processes.get(name)
        state = "down" if process is None else "up" if server.ready(settings) else "starting"
        not_up = [need for need in server.needs if rows[need]["state"] != "up"] if process else []
        if not_up:
            state = f"waits for {' and '.join(not_up)}"
        rows[name] = {
            "state": state,
            "port": server.port(settings),
            "url": server.url(settings),
            "version": server.version,
            "pid": process.pid if process else None,
            "memory_mb": round(process.memory_mb()) if process else None,
        }
    return rows
