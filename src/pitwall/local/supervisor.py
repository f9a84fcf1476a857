"""The process that the servers of one `up` or `demo` are children of.

`python -m pitwall.local.supervisor NAMES` runs the named servers. It ends them when it is told to
stop: by SIGTERM, or by the end of its standard input. Where its first line of input is `detach`,
the end of the input no longer matters. The servers end with it, whatever ends it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from types import FrameType

from pitwall.errors import PitwallError
from pitwall.local.servers.table import SERVERS
from pitwall.local.state import end_servers, ended_mark, forget, ready_mark
from pitwall.machine import processes
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment

DETACH = b"detach\n"
PAUSE_S = 0.1
"""How often the supervisor looks at its children."""


def supervise(settings: Settings, names: list[str]) -> int:
    """Run the named servers as children until told to stop; returns the exit status.

    A server starts when the servers that it needs are ready. When one ends by itself, the others
    go on; the status is 1 where all have ended by themselves.
    """
    supervisor = _Supervisor(settings, names)
    stop = _stop_event()
    while not stop.is_set():
        supervisor.start_possible()
        supervisor.note_ended()
        if supervisor.idle:
            return 1
        stop.wait(PAUSE_S)
    supervisor.end_all()
    return 0


def _stop_event() -> threading.Event:
    """An event that is set when this process is told to stop."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    def watch_input() -> None:
        if sys.stdin.buffer.readline() != DETACH:
            stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch_input, daemon=True).start()
    return stop


class _Supervisor:
    """The servers that wait for others, and the children that run."""

    def __init__(self, settings: Settings, names: list[str]) -> None:
        self._settings = settings
        self._names = names
        self._waiting = list(names)
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def idle(self) -> bool:
        """Whether no server waits or runs."""
        return not self._waiting and not self._children

    def start_possible(self) -> None:
        """Start each waiting server whose needs are ready."""
        for name in list(self._waiting):
            if all(self._is_ready(need) for need in SERVERS[name].needs):
                self._waiting.remove(name)
                self._start(name)

    def note_ended(self) -> None:
        """Write down which children have ended by themselves."""
        for name, child in list(self._children.items()):
            if child.poll() is None:
                continue
            try:
                ended_mark(self._settings, name).write_text(str(child.returncode))
            except OSError:
                # A full disk ends one server. The others must not end with it, so try again later.
                continue
            # Note it once only: another `up` may have started the server again by then.
            del self._children[name]
            forget(self._settings, name)

    def end_all(self) -> None:
        """End the children and wait for them."""
        children = self._children.items()
        end_servers({name: child.pid for name, child in children if child.poll() is None})
        for name, child in children:
            child.wait()
            forget(self._settings, name)

    def _start(self, name: str) -> None:
        settings, server = self._settings, SERVERS[name]
        log = settings.log_dir / f"{name}.log"
        ready_mark(settings, name).unlink(missing_ok=True)  # of a process that was killed
        try:
            child = processes.spawn(
                name,
                server.command(settings),
                log,
                child_environment(settings, name),
                settings.repository,
            )
        except (PitwallError, OSError) as error:
            log.write_text(f"Error: {error}\n")
            ended_mark(settings, name).write_text("1")
            return
        self._children[name] = child
        ended_mark(settings, name).unlink(missing_ok=True)
        processes.record(settings.run_dir, name, child.pid, server.port(settings))

    def _is_ready(self, need: str) -> bool:
        """Whether a needed server answers; true for one that another supervisor has started."""
        if need not in self._names:
            return True
        try:
            return need in self._children and SERVERS[need].ready(self._settings)
        except PitwallError:
            return False


if __name__ == "__main__":
    sys.exit(supervise(Settings(), sys.argv[1:]))
