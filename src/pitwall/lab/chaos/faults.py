"""What `pitwall chaos` does to the servers of a live session: each is killed, paused, cut off, its
disk filled, the car's clock put wrong.

Cutting and filling need namespaces of their own for network and mounts, in which no other program
of the machine is touched.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from pitwall.errors import JobError, StackError
from pitwall.flink.status import features_job_state
from pitwall.local.stack import Stack
from pitwall.machine import processes as process
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment

SERVERS = ["kafka", "cassandra", "s3", "jobmanager", "taskmanager"]
PAUSE_S = 15.0
"""How long a pause, a cut, a full disk or a wrong clock lasts."""
SKEW_S = 1800
"""How wrong the car's clock is put. Kafka refuses ticks stamped more than an hour ahead of its own.
"""
DISK = "4g"
"""The servers' disk, of which they use a tenth."""
_ISOLATED = "PITWALL_CHAOS_ISOLATED"


@dataclass
class World:
    """What a fault can reach."""

    settings: Settings
    stack: Stack
    car_skew_s: float = 0.0
    """How far the clock that stamps the car's ticks is ahead."""


def isolate() -> str:
    """Begin this program anew in namespaces of its own; gives why the machine does not let it, or
    "" when it is in them.
    """
    if os.environ.get(_ISOLATED):
        return ""
    command = [
        "unshare",
        "--net",
        "--mount",
        "--propagation",
        "private",
        *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]),
    ]
    try:
        tried = subprocess.run(
            [*command, "ip", "link", "set", "lo", "up"], capture_output=True, text=True
        )
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    if tried.returncode:
        return (tried.stderr.strip().splitlines() or ["unshare failed"])[-1]
    os.environ[_ISOLATED] = "1"
    os.execvp(command[0], [*command, sys.executable, "-m", "pitwall.cli.main", *sys.argv[1:]])


def prepare(settings: Settings) -> None:
    """In namespaces of our own: bring up their network, and lay the servers' state on a disk of its
    own.
    """
    if not os.environ.get(_ISOLATED):
        return
    _run("ip link set lo up")
    # Rules on ports come before the one that finds local addresses.
    _run("ip rule add pref 100 lookup local")
    _run("ip rule del pref 0")
    settings.home_dir.mkdir(parents=True, exist_ok=True)
    _run(f"mount -t tmpfs -o size={DISK} pitwall {settings.home_dir}")


def refused(name: str, isolated: str) -> str:
    """Why a fault cannot be tried here, or "". `isolated` is what `isolate` said."""
    return isolated if name.startswith(("cut-", "fill-")) else ""


def kill(settings: Settings, name: str) -> None:
    """kill -9 of one server of the stack, by its own id."""
    for each in _family(settings, name):
        each.kill()
    wait(lambda: (settings.run_dir / f"{name}.ended").exists(), 20, f"{name} to be seen as ended")


def submit(settings: Settings) -> None:
    """Submit the features job to the cluster, and wait until it runs."""
    command = [sys.executable, "-m", "pitwall.flink.submit", "--cluster"]
    result = subprocess.run(
        command,
        env=child_environment(settings),
        cwd=settings.repository,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        last_line = (result.stdout + result.stderr).strip().splitlines()[-1]
        raise JobError(f"the features job was not submitted: {last_line}")
    wait(lambda: features_job_state(settings) == "RUNNING", 180, "the features job to run")


def wait(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Until `done`. Raises `StackError` after `seconds`."""
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            raise StackError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)


def _family(settings: Settings, name: str) -> list[psutil.Process]:
    found = process.find(settings.run_dir, name)
    if found is None or found.process is None:
        raise StackError(f"{name} does not run; see {settings.log_dir}")
    return [*found.process.children(recursive=True), found.process]


def _run(command: str) -> None:
    result = subprocess.run(command.split(), capture_output=True, text=True)
    if result.returncode:
        raise StackError(f"`{command}` failed: {result.stderr.strip()}")


def _killed(*names: str) -> Callable[[World], None]:
    def fault(world: World) -> None:
        for name in names:
            kill(world.settings, name)
        world.stack.start(names)
        if "jobmanager" in names:
            submit(world.settings)

    return fault


def _paused(name: str) -> Callable[[World], None]:
    def fault(world: World) -> None:
        family = _family(world.settings, name)
        for each in family:
            each.suspend()
        time.sleep(PAUSE_S)
        for each in family:
            each.resume()

    return fault


def _cut(*ports: str) -> Callable[[World], None]:
    """What stands before the number of these ports is dropped, in both directions."""

    def fault(world: World) -> None:
        rules = [
            f"pref 10 ipproto tcp {side} {getattr(world.settings, port)} blackhole"
            for port in ports
            for side in ("dport", "sport")
        ]
        for rule in rules:
            _run(f"ip rule add {rule}")
        time.sleep(PAUSE_S)
        for rule in rules:
            _run(f"ip rule del {rule}")

    return fault


def _filled(world: World) -> None:
    """No byte more for anybody; then space again, and whoever ended over it is started."""
    settings = world.settings
    disk = os.statvfs(settings.home_dir)
    used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    _run(f"mount -o remount,size={max(used, 1 << 20)} {settings.home_dir}")
    time.sleep(PAUSE_S)
    _run(f"mount -o remount,size={DISK} {settings.home_dir}")
    ended = [name for name in SERVERS if process.find(settings.run_dir, name) is None]
    world.stack.start(SERVERS, patience_s=300)
    if "jobmanager" in ended:
        submit(settings)


def _skewed(by_s: float) -> Callable[[World], None]:
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
    "fill-disk": _filled,
    "skew-car-ahead": _skewed(SKEW_S),
    "skew-car-behind": _skewed(-SKEW_S),
}
"""By name; each returns once what it took away is there again."""
