"""Causes the faults of a schedule in a thread, and notes what became of the servers and the job."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from pitwall.errors import JobError
from pitwall.flink.rest import get, jobs
from pitwall.lab.chaos.faults import FAULTS
from pitwall.lab.chaos.plan import Planned, Round
from pitwall.lab.chaos.world import SERVERS, World

CALM_S = 12.0
"""The last round ends so long before the drive does."""
WATCH_S = 0.5
"""How often the servers and the job are looked at."""


@dataclass(frozen=True)
class Episode:
    """A fault that was caused. Times are seconds of the monotonic clock.

    It ended when what it took was there again: servers that were started answered.
    """

    fault: str
    begun_s: float
    ended_s: float

    @property
    def parts(self) -> frozenset[str]:
        """What the fault acted on."""
        return FAULTS[self.fault].parts


class Troubles(threading.Thread):
    """Causes these rounds one after the other, as long as they are over by `end_s`.

    `refused` says of faults why this machine does not allow them; they are left out.
    """

    def __init__(
        self, world: World, rounds: Iterable[Round], refused: dict[str, str], end_s: float
    ) -> None:
        super().__init__(daemon=True, name="troubles")
        self.episodes: list[Episode] = []
        """The faults so far, in the order of their ends."""
        self._world, self._rounds, self._end_s = world, rounds, end_s
        self._refused = refused
        self._errors: list[BaseException] = []

    def run(self) -> None:
        """Cause the rounds."""
        for planned in self._rounds:
            if self._errors or time.monotonic() + planned.seconds + CALM_S > self._end_s:
                return
            time.sleep(planned.pause_s)
            members = [
                threading.Thread(target=self._cause, args=(fault,), daemon=True)
                for fault in planned.faults
            ]
            for member in members:
                member.start()
            for member in members:
                member.join()
            try:
                self._world.start()
            except BaseException as error:
                self._errors.append(error)

    def _cause(self, planned: Planned) -> None:
        history, name = self._world.history, planned.fault
        if name in self._refused:
            history.note("fault refused", fault=name, reason=self._refused[name])
            return
        try:
            time.sleep(planned.after_s)
            begun_s = time.monotonic()
            history.note("fault begins", fault=name, hold_s=planned.hold_s)
            end = FAULTS[name].begin(self._world)
            try:
                time.sleep(planned.hold_s)
            finally:
                history.note("fault ends", fault=name)
                end()
                history.note("fault over", fault=name)
            self.episodes.append(Episode(name, begun_s, time.monotonic()))
        except BaseException as error:
            history.note("fault failed", fault=name, error=f"{type(error).__name__}: {error}")
            self._errors.append(error)

    def wait(self) -> list[Episode]:
        """Wait for the last round's end; returns all faults."""
        self.join()
        return self.episodes

    @property
    def error(self) -> str:
        """Why a fault could not begin or end, such as a server that did not start; or ""."""
        return "; ".join(map(str, self._errors))


class Watch(threading.Thread):
    """Notes in the history when a server's process or the job changes."""

    def __init__(self, world: World) -> None:
        super().__init__(daemon=True, name="watch")
        self._world, self._over = world, threading.Event()
        self._restored: dict[str, int] = {}

    @property
    def restarts(self) -> int:
        """How often the job began again from a checkpoint so far, in all its runs."""
        return sum(self._restored.values())

    def run(self) -> None:
        """Look until `close`."""
        before: dict[str, int | None] = {}
        while not self._over.wait(WATCH_S):
            for server in SERVERS:
                members = self._world.processes_of(server)
                pid = members[0].pid if members else None
                if server in before and before[server] != pid:
                    state = "server ended" if pid is None else "server started"
                    self._world.history.note(state, server=server, pid=pid)
                    if pid is None:  # the next process writes the log anew
                        self._world.history.keep(self._world.settings.log_dir / f"{server}.log")
                before[server] = pid
            self.look_at_job()

    def look_at_job(self) -> None:
        """Ask Flink how often it restored the job."""
        settings = self._world.settings
        try:
            for job in jobs(settings):
                counts = get(settings, f"/jobs/{job['jid']}/checkpoints")["counts"]
                restored = int(counts["restored"])
                if self._restored.get(job["jid"]) != restored:
                    self._world.history.note(
                        "job", id=job["jid"], state=job["state"], restored=restored
                    )
                self._restored[job["jid"]] = restored
        except (JobError, KeyError):
            pass  # Flink does not answer: it will be asked again

    def close(self) -> None:
        """Stop looking."""
        self._over.set()
        self.join()
