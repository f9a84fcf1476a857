"""A process that loads Feast and MLflow before they are needed; it trains, and measures parity.

Importing the two takes ten seconds of CPU. A demo needs them twice, and loads them once, while the
servers start. `python -m pitwall.lab.demo.worker` reads tasks from standard input, one JSON object
a line, and answers each with one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from pitwall.errors import JobError, ModelError, PitwallError, UsageError
from pitwall.lab.programs import start_module
from pitwall.settings import Settings


class Worker:
    """A handle on the process. It ends with the process that holds the handle."""

    def __init__(self, settings: Settings) -> None:
        self._log = settings.log_dir / "training.log"
        with self._log.open("wb") as log:
            self._process = start_module(
                settings,
                __name__,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )

    def train(self, name: str, sessions: list[str]) -> dict[str, Any]:
        """Train one task on these sessions.

        Returns the answer of `pitwall.training.train.train`, or `error` alone where it raised one.
        Raises `JobError` when the process has ended.
        """
        return self._ask({"train": name, "sessions": sessions})

    def parity(self, sessions: list[str], since_ms: int) -> dict[str, Any]:
        """Compare the online rows of these sessions, and what was served, with the offline store.

        `since_ms` is when serving began, ms since the epoch. Returns `match`, `mismatch` and
        `missing`, numbers of values. Raises `JobError` when the comparison fails.
        """
        answer = self._ask({"parity": sessions, "since_ms": since_ms})
        if "error" in answer:
            raise JobError(f"parity could not be measured: {answer['error']}; see {self._log}")
        return answer

    def _ask(self, task: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(task).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the process has ended, as its output shows
        for line in self._process.stdout:
            if line.startswith(b"{"):
                return dict(json.loads(line))
        raise JobError(f"the process that trains models has ended; see {self._log}")

    def close(self) -> None:
        """Let the process end, and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _train(settings: Settings, name: str, sessions: list[str]) -> dict[str, Any]:
    from pitwall.training.train import train

    try:
        return train(settings, name, sessions, promoted=True, new_circuit=True)
    except (ModelError, UsageError) as error:
        return {"error": str(error)}


def _parity(settings: Settings, sessions: list[str], since_ms: int) -> dict[str, Any]:
    from pitwall.monitoring.parity import compare, online_rows
    from pitwall.serving.served import logged

    served = [vector for vector in logged(settings, since_ms) if vector.session in sessions]
    try:
        result = compare(settings, [*online_rows(settings, sessions), *served])
    except PitwallError as error:
        return {"error": str(error)}
    return {"match": result.match, "mismatch": result.mismatch, "missing": result.missing}


def main() -> None:
    """Load the libraries, then do one task after the other until standard input ends."""
    import feast  # noqa: F401
    import mlflow.sklearn  # noqa: F401

    import pitwall.training.train  # noqa: F401

    settings = Settings()
    for line in sys.stdin:
        task = json.loads(line)
        answer = (
            _train(settings, task["train"], task["sessions"])
            if "train" in task
            else _parity(settings, task["parity"], task["since_ms"])
        )
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
