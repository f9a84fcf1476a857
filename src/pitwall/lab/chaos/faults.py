"""The faults of `pitwall chaos`, by their names.

A server is killed, stopped, cut off, far away or silent, its clock is wrong, the disk is full or
slow, the car's clock is wrong. To add a fault, write a function that begins it and returns what
ends it, and name it in `FAULTS`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from pitwall.errors import StackError
from pitwall.lab.chaos.isolation import DISK, run_command
from pitwall.lab.chaos.world import LINKED, SERVERS, World

Ending = Callable[[], None]
"""Takes a fault away, and returns once what it took is there again."""

CAR_SKEW_S = 1800.0
"""Error of the car's clock. Kafka refuses ticks stamped more than an hour ahead of its own."""
SKEW_S = 300.0
"""Error of a server's clock."""
DELAY_S = 0.3
"""What a slow link takes longer in each direction."""
DROP_EVERY_S = 1.0
"""How often a link that drops connections does so."""
ATTEMPTS = 10
"""How often the disk's size is set to what is used of it, with a MiB more each time."""
WRITE_S, SYNC_S = 0.02, 0.5
"""What a write and a sync to a slow disk take longer."""


@dataclass(frozen=True)
class Fault:
    """One fault. `begin` causes it and returns the function that ends it."""

    text: str
    """What happens, for the documentation."""
    parts: frozenset[str]
    """What it acts on: servers, `disk`, `knobs` or `car`. Faults of one part do not overlap."""
    begin: Callable[[World], Ending]
    needs: str = ""
    """`namespaces` for a network and a disk of its own, `compiler` for a wrong clock or a slow
    disk; empty where every machine allows the fault."""


def _killed(*servers: str) -> Fault:
    def begin(world: World) -> Ending:
        for server in servers:
            world.kill(server)
        return lambda: world.start(servers)

    return Fault("kill -9, and a start at the end", frozenset(servers), begin)


def _paused(server: str) -> Fault:
    def begin(world: World) -> Ending:
        paused = world.processes_of(server)
        _signal_all(paused, psutil.Process.suspend)
        return lambda: _signal_all(paused, psutil.Process.resume)

    return Fault("SIGSTOP, and SIGCONT at the end", frozenset([server]), begin)


def _signal_all(members: list[psutil.Process], send: Callable[[psutil.Process], None]) -> None:
    for process in members:
        try:
            send(process)
        except psutil.NoSuchProcess:
            continue


def _cut(server: str, *port_settings: str) -> Fault:
    def begin(world: World) -> Ending:
        rules = [
            f"pref 10 ipproto tcp {side} {getattr(world.settings, port)} blackhole"
            for port in port_settings
            for side in ("dport", "sport")
        ]
        for rule in rules:
            run_command(f"ip rule add {rule}")

        def end() -> None:
            for rule in rules:
                run_command(f"ip rule del {rule}")

        return end

    text = "every packet from and to it is dropped"
    return Fault(text, frozenset([server]), begin, "namespaces")


def _far(server: str) -> Fault:
    def begin(world: World) -> Ending:
        link = world.links[server]
        link.delay_s = DELAY_S
        return lambda: setattr(link, "delay_s", 0.0)

    text = f"bytes are {DELAY_S:g} s longer on their way, in both directions"
    return Fault(text, frozenset([server]), begin)


def _dropped(server: str) -> Fault:
    def begin(world: World) -> Ending:
        over = threading.Event()

        def drop() -> None:
            while not over.is_set():
                world.links[server].drop()
                over.wait(DROP_EVERY_S)

        thread = threading.Thread(target=drop, daemon=True)
        thread.start()

        def end() -> None:
            over.set()
            thread.join()

        return end

    text = f"every connection to it is reset each {DROP_EVERY_S:g} s"
    return Fault(text, frozenset([server]), begin)


def _mute(server: str) -> Fault:
    def begin(world: World) -> Ending:
        world.links[server].mute(True)
        return lambda: world.links[server].mute(False)

    text = "it hears its clients, and they hear it only at the end"
    return Fault(text, frozenset([server]), begin)


def _skewed(server: str, by_s: float) -> Fault:
    def begin(world: World) -> Ending:
        pids = [process.pid for process in world.processes_of(server)]
        world.knobs.turn(pids, ahead_s=by_s)
        return lambda: world.knobs.turn(pids)

    text = f"its wall clock steps by {by_s:+g} s, and back at the end"
    return Fault(text, frozenset([server, "knobs"]), begin, "compiler")


def _car_skewed(by_s: float) -> Fault:
    def begin(world: World) -> Ending:
        world.car_skew_s = by_s
        return lambda: setattr(world, "car_skew_s", 0.0)

    text = f"the clock that stamps its ticks steps by {by_s:+g} s, and back at the end"
    return Fault(text, frozenset(["car"]), begin)


def _full_disk() -> Fault:
    def begin(world: World) -> Ending:
        home = world.settings.home_dir
        for attempt in range(ATTEMPTS):
            disk = os.statvfs(home)
            used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
            try:
                run_command(f"mount -o remount,size={used + (attempt << 20)} {home}")
                break
            except StackError:  # the servers have written more meanwhile
                if attempt == ATTEMPTS - 1:
                    raise

        def end() -> None:
            run_command(f"mount -o remount,size={DISK} {home}")
            world.start()

        return end

    text = "no byte is free on the servers' disk; a server that ends by that is started at the end"
    return Fault(text, frozenset(["disk"]), begin, "namespaces")


def _slow_disk() -> Fault:
    def begin(world: World) -> Ending:
        pids = [process.pid for server in SERVERS for process in world.processes_of(server)]
        world.knobs.turn(pids, write_s=WRITE_S, sync_s=SYNC_S)
        return lambda: world.knobs.turn(pids)

    text = f"each write of every server takes {WRITE_S:g} s longer, and each sync {SYNC_S:g} s"
    # A process has one set of knobs, so no clock is wrong meanwhile.
    return Fault(text, frozenset(["disk", "knobs"]), begin, "compiler")


_CLOCKS = ("kafka", "cassandra", "taskmanager")
FAULTS: dict[str, Fault] = {
    **{f"kill-{name}": _killed(name) for name in SERVERS if name not in ("jobmanager", "mlflow")},
    "kill-jobmanager": _killed("jobmanager", "taskmanager"),
    **{f"pause-{name}": _paused(name) for name in SERVERS if name != "jobmanager"},
    "cut-kafka": _cut("kafka", "kafka_port"),
    "cut-cassandra": _cut("cassandra", "cassandra_port"),
    "cut-s3": _cut("s3", "s3_port"),
    "cut-jobmanager": _cut("jobmanager", "flink_rpc_port", "flink_port"),
    **{f"far-{name}": _far(name) for name in LINKED},
    **{f"drop-{name}": _dropped(name) for name in LINKED},
    **{f"mute-{name}": _mute(name) for name in LINKED},
    "slow-disk": _slow_disk(),
    **{f"skew-{name}-ahead": _skewed(name, SKEW_S) for name in _CLOCKS},
    **{f"skew-{name}-behind": _skewed(name, -SKEW_S) for name in _CLOCKS},
    "skew-car-ahead": _car_skewed(CAR_SKEW_S),
    "skew-car-behind": _car_skewed(-CAR_SKEW_S),
    # The last one, because Cassandra may not start again after it, and then nothing else is tried.
    "fill-disk": _full_disk(),
}
"""Every fault by its name."""
