"""Whether servers that start are getting on: a slow machine is no reason to give up."""

from __future__ import annotations

import time
from collections.abc import Iterable

import psutil

from pitwall.machine import processes
from pitwall.settings import Settings

WORK_S = 0.5
"""A server that computed for so many seconds since the last look is getting on."""
LONGEST_S = 1800.0
"""However much they do, servers that are not up by then do not start."""


class StartProgress:
    """Remembers when the servers that are waited for last got on.

    A server gets on when its process begins, when it writes to its log, and when it computes.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._began_s = self._moved_s = time.monotonic()
        self._logs: dict[str, int] = {}
        self._work_s: dict[int, float] = {}

    def note(self) -> None:
        """Something got on, for instance because a server is up."""
        self._moved_s = time.monotonic()

    def still_for_s(self, names: Iterable[str]) -> float:
        """Seconds since one of these servers last got on; infinite after `LONGEST_S` in all."""
        if any([self._looks_busy(name) for name in names]):
            self.note()
        now_s = time.monotonic()
        return float("inf") if now_s - self._began_s > LONGEST_S else now_s - self._moved_s

    def _looks_busy(self, name: str) -> bool:
        log = self._settings.log_dir / f"{name}.log"
        size = log.stat().st_size if log.exists() else 0
        wrote = size != self._logs.get(name, 0)
        self._logs[name] = size
        running = processes.find(self._settings.run_dir, name)
        if running is None:
            return wrote
        try:
            times = psutil.Process(running.pid).cpu_times()
        except psutil.Error:
            return wrote
        work_s = times.user + times.system + times.children_user + times.children_system
        if running.pid in self._work_s and work_s - self._work_s[running.pid] < WORK_S:
            return wrote
        self._work_s[running.pid] = work_s
        return True
