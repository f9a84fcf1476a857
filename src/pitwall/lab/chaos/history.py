"""What happened during an experiment, one JSON object a line, to explain a failure afterwards."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any


class History:
    """Writes the file at `path`. May be used by several threads.

    Each line has `s` (seconds since the history began) and `what`. Things that happen many times
    a second are counted, and written once a second.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w")
        self._begun_s = time.monotonic()
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._second = 0

    def __enter__(self) -> History:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.note("error", error=f"{type(error).__name__}: {error}")
        with self._lock:
            self._write_counts()
            self._file.close()

    def note(self, what: str, **facts: Any) -> None:
        """Write a line of its own."""
        with self._lock:
            self._write_counts()
            self._write(self._now_s(), what, facts)

    def count(self, name: str, n: int = 1) -> None:
        """Count `n` things of this name in this second."""
        with self._lock:
            if int(self._now_s()) != self._second:
                self._write_counts()
            self._counts[name] += n

    def keep(self, log: Path) -> None:
        """Copy a server's log into the folder beside the history, under a name with the time."""
        folder = self.path.with_suffix("")
        folder.mkdir(exist_ok=True)
        try:
            shutil.copyfile(log, folder / f"{log.stem}-{self._now_s():.0f}{log.suffix}")
        except FileNotFoundError:
            pass  # a server that has not written yet

    def _now_s(self) -> float:
        return time.monotonic() - self._begun_s

    def _write_counts(self) -> None:
        if self._counts:
            self._write(self._second, "counts", dict(self._counts))
            self._counts.clear()
        self._second = int(self._now_s())

    def _write(self, second: float, what: str, facts: dict[str, Any]) -> None:
        line = {"s": round(second, 2), "what": what, **facts}
        self._file.write(json.dumps(line, default=str) + "\n")
        self._file.flush()
