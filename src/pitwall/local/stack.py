"""The local stack: start what is missing, stop it, show it.

The servers are children of one supervisor process each `up` or `demo` starts. They end with it, whatever ends it.
The supervisor ends with the command that started it, unless that command let it go (`Stack.detach`).
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from types import FrameType, TracebackType

from pitwall.errors import PitwallError, StackError
from pitwall.local.servers.table import SERVERS, Server
from pitwall.machine import processes as process
from pitwall.machine.processes import Running, last_line
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment

CORE = ("kafka", "cassandra", "s3", "mlflow")
"""What `up` starts before the feature repository can be applied."""


NOTICE_S = 1.0


def with_needs(names: Iterable[str]) -> list[str]:
    """The named servers and all they need, in start order. Raises `StackError` for an unknown name."""
    wanted: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name not in SERVERS:
            raise StackError(f"unknown server {name!r}; known: {', '.join(SERVERS)}")
        if name not in wanted:
            wanted.add(name)
            queue += SERVERS[name].needs
    return [name for name in SERVERS if name in wanted]


class Stack:
    """A handle on the servers started here. As a context manager it ends them on leaving, unless detached."""

    def __init__(
        self, settings: Settings, report: Callable[[str, str], None] = lambda name, state: None
    ) -> None:
        self.settings = settings
        self.report = report
        self._supervisors: list[subprocess.Popen[bytes]] = []
        self._begun: set[str] = set()

    def __enter__(self) -> Stack:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def begin(self, names: Iterable[str]) -> list[str]:
        """Start the named servers and what they need, where they do not run, without waiting. Gives those started.

        Raises `PortTaken` before anything is started.
        """
        settings = self.settings
        missing = [name for name in with_needs(names) if self._missing(name)]
        for name in missing:
            server = SERVERS[name]
            for field in filter(None, (server.setting, *server.more_ports)):
                setting = f"PITWALL_{field.upper()}"
                process.check_port_free(settings.host, getattr(settings, field), setting, name)
        for name in missing:
            (settings.run_dir / f"{name}.ended").unlink(missing_ok=True)
        if missing:
            self._supervise(missing)
            self._begun |= set(missing)
        return missing

    def start(self, names: Iterable[str], patience_s: float = 120.0) -> None:
        """`begin`, then wait until each server answers.

        Raises `PortTaken` before anything is started, `StackError` when a server ends or does not answer.
        """
        settings = self.settings
        begun = self.begin(names)
        started = time.monotonic()
        waiting = dict.fromkeys(with_needs(names))
        for name in waiting:
            self.report(name, "starting" if name in begun else "running")
        while waiting:
            for name in list(waiting):
                server = SERVERS[name]
                if process.find(settings.run_dir, name) is None:
                    self._check_supervisor(name, started)
                elif server.ready(settings):
                    server.first_ready(settings)
                    del waiting[name]
                    self.report(name, "up")
            if time.monotonic() - started > patience_s:
                slow = ", ".join(waiting)
                raise StackError(
                    f"{slow} did not answer within {patience_s:.0f} s; see the logs in {settings.log_dir}"
                )
            time.sleep(0.1)

    def detach(self) -> None:
        """Let the servers live on after this process."""
        for supervisor in self._supervisors:
            assert supervisor.stdin is not None
            supervisor.stdin.write(b"detach\n")
            supervisor.stdin.close()
        self._supervisors = []

    def close(self) -> None:
        """End the servers started here, and wait for them."""
        for supervisor in self._supervisors:
            assert supervisor.stdin is not None
            supervisor.stdin.close()
        for supervisor in self._supervisors:
            supervisor.wait()
        self._supervisors = []
        self._begun = set()

    def _supervise(self, names: list[str]) -> None:
        self.settings.log_dir.mkdir(parents=True, exist_ok=True)
        with (self.settings.log_dir / "supervisor.log").open("ab") as log:
            self._supervisors.append(
                subprocess.Popen(
                    [sys.executable, "-m", "pitwall.local.stack", *names],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=child_environment(self.settings),
                    cwd=self.settings.repository,
                    start_new_session=True,
                )
            )

    def _missing(self, name: str) -> bool:
        """Whether this server is not there, nor about to be started by a supervisor of ours."""
        # One that was killed just now is gone before its supervisor, who looks each tenth of a second, has said so.
        limit = time.monotonic() + NOTICE_S
        while process.find(self.settings.run_dir, name) is None:
            if name not in self._begun or self._ended(name):
                return True
            if time.monotonic() > limit:
                break
            time.sleep(0.05)
        return False

    def _ended(self, name: str) -> bool:
        """Whether the supervisor has seen this server end."""
        return (self.settings.run_dir / f"{name}.ended").exists()

    def _check_supervisor(self, name: str, started: float) -> None:
        alive = any(supervisor.poll() is None for supervisor in self._supervisors)
        if alive and time.monotonic() - started < 60 and not self._ended(name):
            return
        log = self.settings.log_dir / f"{name}.log"
        raise StackError(f"{name} ended while starting: {last_line(log)}; see {log}")


def running(settings: Settings) -> dict[str, Running]:
    """What runs now, by name."""
    found = {name: process.find(settings.run_dir, name) for name in SERVERS}
    return {name: each for name, each in found.items() if each is not None}


def down(settings: Settings) -> list[str]:
    """End everything that runs, servers of later stages first. Returns the names ended."""
    found = running(settings)
    process.end([each.pid for name, each in found.items() if SERVERS[name].needs])
    process.end([each.pid for name, each in found.items() if not SERVERS[name].needs])
    for name in SERVERS:
        (settings.run_dir / f"{name}.json").unlink(missing_ok=True)
    return list(found)


def supervise(settings: Settings, names: list[str]) -> int:
    """Run the named servers as children until told to stop (SIGTERM, or standard input closed without `detach`).

    A server starts when those it needs are ready. When a child ends by itself the others go on.
    """
    stop = threading.Event()
    children: dict[str, subprocess.Popen[bytes]] = {}

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    def watch_parent() -> None:
        if sys.stdin.buffer.readline() != b"detach\n":
            stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch_parent, daemon=True).start()
    waiting = list(names)
    while not stop.is_set():
        for name in list(waiting):
            server: Server = SERVERS[name]
            if all(
                need not in names or (need in children and _settled(settings, need))
                for need in server.needs
            ):
                waiting.remove(name)
                log = settings.log_dir / f"{name}.log"
                try:
                    child = process.spawn(
                        name,
                        server.command(settings),
                        log,
                        child_environment(settings, name),
                        settings.repository,
                    )
                except (PitwallError, OSError) as error:
                    log.write_text(f"Error: {error}\n")
                    (settings.run_dir / f"{name}.ended").write_text("1")
                    continue
                children[name] = child
                (settings.run_dir / f"{name}.ended").unlink(missing_ok=True)
                process.record(settings.run_dir, name, child.pid, server.port(settings))
        for name, child in list(children.items()):
            if child.poll() is not None:
                try:
                    (settings.run_dir / f"{name}.ended").write_text(str(child.returncode))
                except OSError:
                    # A full disk ends one server; it must not end the others through this one.
                    continue
                # Once only: another `up` may have started this server again.
                del children[name]
                (settings.run_dir / f"{name}.json").unlink(missing_ok=True)
        if not waiting and not children:
            return 1
        stop.wait(0.1)
    alive = {name: child for name, child in children.items() if child.poll() is None}
    process.end([child.pid for name, child in alive.items() if SERVERS[name].needs])
    process.end([child.pid for name, child in alive.items() if not SERVERS[name].needs])
    for name, child in children.items():
        child.wait()
        (settings.run_dir / f"{name}.json").unlink(missing_ok=True)
    return 0


def _settled(settings: Settings, name: str) -> bool:
    try:
        return SERVERS[name].ready(settings)
    except PitwallError:
        return False


if __name__ == "__main__":
    sys.exit(supervise(Settings(), sys.argv[1:]))
