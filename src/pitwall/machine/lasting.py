"""Threads that outlast the errors of their work, and say whether they are well."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

LOG = logging.getLogger("pitwall.threads")
RETRY_S = 1.0
"""Pause after an error, before the work begins again."""
PATIENCE_S = 300.0
"""Work that has not succeeded for so long is stuck, unless its pause is longer."""


class Pulse:
    """Whether some work goes on: when it succeeded last, and what it failed with since then."""

    def __init__(self, name: str, patience_s: float = PATIENCE_S) -> None:
        self.name = name
        self._patience_s = patience_s
        self._beat_s = time.monotonic()
        self._error = ""

    def beat(self) -> None:
        """The work has succeeded, or done a part of it."""
        self._beat_s = time.monotonic()
        self._error = ""

    def fail(self, error: Exception) -> None:
        """The work has failed. Logs the error with its traceback."""
        self._error = f"{type(error).__name__}: {error}"[:300]
        LOG.error("%s failed and begins again", self.name, exc_info=error)

    @property
    def problem(self) -> str:
        """Why the work does not go on, as a sentence; empty while all is well."""
        if self._error:
            return f"{self.name} fails: {self._error}"
        silent_s = time.monotonic() - self._beat_s
        if silent_s > self._patience_s:
            return f"{self.name} has done nothing for {silent_s:.0f} s"
        return ""


class Lasting:
    """A daemon thread that calls `work` again and again, until `close`.

    `pause_s` lies between two calls. After an exception the thread logs it and begins again after
    `RETRY_S`. A `work` that takes long calls `pulse.beat` as it goes on.
    """

    def __init__(self, name: str, work: Callable[[], None], pause_s: float = 0.0) -> None:
        self.pulse = Pulse(name, max(PATIENCE_S, 3 * pause_s))
        self.stop = threading.Event()
        """Set when the thread is to end; a `work` that takes long looks at it."""
        self.work, self._pause_s = work, pause_s
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, wait_s: float = 10.0) -> None:
        """Tell the thread to end, and wait for it at most `wait_s` seconds."""
        self.stop.set()
        if self._thread.ident is not None:
            self._thread.join(wait_s)

    @property
    def problem(self) -> str:
        """Why the work does not go on, as a sentence; empty while all is well."""
        if (
            self._thread.ident is not None
            and not self._thread.is_alive()
            and not self.stop.is_set()
        ):
            return f"the thread of {self.pulse.name} has ended"
        return self.pulse.problem

    def _run(self) -> None:
        while not self.stop.is_set():
            try:
                self.work()
            except Exception as error:
                self.pulse.fail(error)
                self.stop.wait(RETRY_S)
            else:
                self.pulse.beat()
                self.stop.wait(self._pause_s)
