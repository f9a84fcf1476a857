"""The faults of `pitwall chaos`, by their names.

A server is killed, paused or cut off from the network; the disk is full; the car's clock is wrong.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from pitwall.errors import StackError
from pitwall.flink.status import features_job_state
from pitwall.flink.submit import submit_from_child
from pitwall.lab.chaos.isolation import DISK, run_command
from pitwall.lab.progress import wait
from pitwall.local.stack import Stack
from pitwall.local.state import ended_mark
from pitwall.machine import processes
from pitwall.settings import Settings

SERVERS = ["kafka", "cassandra", "s3", "jobmanager", "taskmanager"]
PAUSE_S = 15.0
"""How long a pause, a cut, a full disk or a wrong clock lasts."""
SKEW_S = 1800
"""Error of the car's clock. Kafka refuses ticks stamped more than an hour ahead of its own."""


@dataclass
class World:
    """What a fault acts on."""

    settings: Settings
    stack: Stack
    car_skew_s: float = 0.0
    """How far the clock that stamps the car's ticks is ahead, s."""


def submit(settings: Settings) -> None:
    """Submit the features job to the cluster, and wait until it runs.

    Raises `JobError` when Flink refuses it, `StackError` when it does not run within 180 s.
    """
    submit_from_child(settings)
    wait(lambda: features_job_state(settings) == "RUNNING", 180, "the features job to run")


def _server_processes(settings: Settings, server: str) -> list[psutil.Process]:
    """The server's process and its children. Raises `StackError` when the server does not run."""
    running = processes.find(settings.run_dir, server)
    if running is None or running.process is None:
        raise StackError(f"{server} does not run; see {settings.log_dir}")
    return [*running.process.children(recursive=True), running.process]


def _kill(settings: Settings, server: str) -> None:
    """Send SIGKILL to the server, and wait until its supervisor has noticed its end."""
    for process in _server_processes(settings, server):
        process.kill()
    wait(ended_mark(settings, server).exists, 20, f"the supervisor to notice the end of {server}")


def _killed(*servers: str) -> Callable[[World], None]:
    """A fault that kills these servers and starts them again, and then the job if it is gone."""

    def fault(world: World) -> None:
        for server in servers:
            _kill(world.settings, server)
        world.stack.start(servers)
        if "jobmanager" in servers:
            submit(world.settings)

    return fault


def _paused(server: str) -> Callable[[World], None]:
    """A fault that stops the server's processes for `PAUSE_S`."""

    def fault(world: World) -> None:
        paused = _server_processes(world.settings, server)
        for process in paused:
            process.suspend()
        time.sleep(PAUSE_S)
        for process in paused:
            process.resume()

    return fault


def _cut(*port_settings: str) -> Callable[[World], None]:
    """A fault that drops every packet to and from the ports in these fields of the settings."""

    def fault(world: World) -> None:
        rules = [
            f"pref 10 ipproto tcp {side} {getattr(world.settings, port)} blackhole"
            for port in port_settings
            for side in ("dport", "sport")
        ]
        for rule in rules:
            run_command(f"ip rule add {rule}")
        time.sleep(PAUSE_S)
        for rule in rules:
            run_command(f"ip rule del {rule}")

    return fault


def _fill_disk(world: World) -> None:
    """Take away the disk's free space, give it back, and start the servers that ended meanwhile."""
    settings = world.settings
    disk = os.statvfs(settings.home_dir)
    used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    run_command(f"mount -o remount,size={max(used, 1 << 20)} {settings.home_dir}")
    time.sleep(PAUSE_S)
    run_command(f"mount -o remount,size={DISK} {settings.home_dir}")
    ended = [name for name in SERVERS if processes.find(settings.run_dir, name) is None]
    world.stack.start(SERVERS, patience_s=300)
    if "jobmanager" in ended:
        submit(settings)


def _skewed(by_s: float) -> Callable[[World], None]:
    """A fault that sets the car's clock ahead (or behind, negative) for `PAUSE_S`."""

    def fault(world: World) -> None:
        world.car_skew_s = by_s
        time.sleep(PAUSE_S)
        world.car_skew_s = 0.0

    return fault


FAULTS: dict[str, Callable[[World], None]] = {
    "kill-kafka": _killed("kafka"),
    "kill-cassandra": _killed("cassandra"),
    "kill-s3": _killed("s3"),
    "kill-taskmanager": _killed("taskmanager"),
    "kill-jobmanager": _killed("jobmanager", "taskmanager"),
    "pause-kafka": _paused("kafka"),
    "pause-cassandra": _paused("cassandra"),
    "pause-s3": _paused("s3"),
    "pause-taskmanager": _paused("taskmanager"),
    "cut-kafka": _cut("kafka_port"),
    "cut-cassandra": _cut("cassandra_port"),
    "cut-s3": _cut("s3_port"),
    "cut-jobmanager": _cut("flink_rpc_port", "flink_port"),
    "fill-disk": _fill_disk,
    "skew-car-ahead": _skewed(SKEW_S),
    "skew-car-behind": _skewed(-SKEW_S),
}
"""Every fault by its name. A fault returns once what it took away is there again."""
