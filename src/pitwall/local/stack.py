"""Start servers of the local stack and wait for them.

The servers that a `Stack` starts are children of a supervisor process. The supervisor ends with
the process that holds the `Stack`, unless that process calls `Stack.detach`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType

from pitwall.errors import StackError
from pitwall.local.progress import LONGEST_S, StartProgress
from pitwall.local.servers.table import SERVERS
from pitwall.local.state import ended_mark
from pitwall.local.supervisor import DETACH
from pitwall.machine import processes
from pitwall.machine.ports import check_port_free
from pitwall.machine.space import need_space
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment

_let_go: list[subprocess.Popen[bytes]] = []
"""Supervisors that were told to go on; dropping them would warn of processes that still run."""
CORE = ("kafka", "cassandra", "s3", "mlflow")
"""What `up` starts before the feature repository can be applied."""
NOTICE_S = 1.0
"""Within this time a supervisor has noticed that a server ended."""
SPAWN_S = 60.0
"""Within this time a supervisor has started a server, once those that it needs are ready."""


def with_needs(names: Iterable[str]) -> list[str]:
    """The named servers and all that they need, in start order.

    Raises `StackError` for an unknown name.
    """
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
    """A handle on servers started here. As a context manager it ends them, unless detached.

    `report(name, state)` is called when a server is `starting`, `running` already, or `up`. The
    servers' environment has the variables `environment` beside this process's own.
    """

    def __init__(
        self,
        settings: Settings,
        report: Callable[[str, str], None] = lambda name, state: None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self.report = report
        self._environment = dict(environment or {})
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
        """Start the named servers and what they need, as far as they do not run. Does not wait.

        Returns the names of the servers it started. Raises `PortTaken` before it starts any, and
        `StackError` where the disk has too little free space.
        """
        settings = self.settings
        missing = [name for name in with_needs(names) if self._is_missing(name)]
        if missing:
            need_space(settings)
        for name in missing:
            server = SERVERS[name]
            for field in filter(None, (server.setting, *server.more_ports)):
                setting = f"PITWALL_{field.upper()}"
                check_port_free(settings.host, getattr(settings, field), setting, name)
        for name in missing:
            ended_mark(settings, name).unlink(missing_ok=True)
        if missing:
            self._start_supervisor(missing)
            self._begun |= set(missing)
        return missing

    def start(self, names: Iterable[str], patience_s: float = 120.0) -> None:
        """`begin`, then wait until each server answers.

        Raises as `begin` does, and `StackError` when a server ends, or when none of those that are
        waited for has got on for `patience_s`.
        """
        settings = self.settings
        begun = self.begin(names)
        newest_up = time.monotonic()
        progress = StartProgress(settings)
        waiting = dict.fromkeys(with_needs(names))
        for name in waiting:
            self.report(name, "starting" if name in begun else "running")
        while waiting:
            for name in list(waiting):
                server = SERVERS[name]
                if processes.find(settings.run_dir, name) is None:
                    # A server that waits for another one cannot have started yet.
                    if not any(need in waiting for need in server.needs):
                        self._check_starting(name, newest_up)
                elif server.ready(settings):
                    server.first_ready(settings)
                    del waiting[name]
                    newest_up = time.monotonic()
                    progress.note()
                    self.report(name, "up")
            if waiting and progress.still_for_s(waiting) > patience_s:
                raise StackError(
                    f"{', '.join(waiting)} neither answered nor got on for {patience_s:.0f} s "
                    f"(of {LONGEST_S:.0f} s at most); see the logs in {settings.log_dir}"
                )
            time.sleep(0.1)

    def detach(self) -> None:
        """Let the servers go on when this process ends."""
        for supervisor in self._supervisors:
            assert supervisor.stdin is not None
            supervisor.stdin.write(DETACH)
            supervisor.stdin.close()
        _let_go.extend(self._supervisors)
        self._supervisors = []

    def close(self) -> None:
        """End the servers started here, and wait for their end."""
        for supervisor in self._supervisors:
            assert supervisor.stdin is not None
            supervisor.stdin.close()
        for supervisor in self._supervisors:
            supervisor.wait()
        self._supervisors = []
        self._begun = set()

    def _start_supervisor(self, names: list[str]) -> None:
        self.settings.log_dir.mkdir(parents=True, exist_ok=True)
        with (self.settings.log_dir / "supervisor.log").open("ab") as log:
            self._supervisors.append(
                subprocess.Popen(
                    [sys.executable, "-m", "pitwall.local.supervisor", *names],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env={**child_environment(self.settings), **self._environment},
                    cwd=self.settings.repository,
                    start_new_session=True,
                )
            )

    def _is_missing(self, name: str) -> bool:
        """Whether the server neither runs nor is about to be started by a supervisor of ours."""
        # The supervisor needs a moment to notice and write down that a server was killed.
        limit = time.monotonic() + NOTICE_S
        while processes.find(self.settings.run_dir, name) is None:
            if name not in self._begun or ended_mark(self.settings, name).exists():
                return True
            if time.monotonic() > limit:
                break
            time.sleep(0.05)
        return False

    def _check_starting(self, name: str, possible: float) -> None:
        """Raise `StackError` unless a supervisor of ours can still start this server.

        `possible` is when the servers that it needs were ready, by the monotonic clock, s.
        """
        alive = any(supervisor.poll() is None for supervisor in self._supervisors)
        ended = ended_mark(self.settings, name).exists()
        if alive and not ended and time.monotonic() - possible < SPAWN_S:
            return
        log = self.settings.log_dir / f"{name}.log"
        raise StackError(f"{name} ended while starting: {processes.last_line(log)}; see {log}")
