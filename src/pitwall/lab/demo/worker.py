"""A process that has Feast and MLflow loaded before they are needed: it trains, and compares.

Importing the two takes ten seconds of CPU; a demo needs them twice, and loads them once, while
the servers start. `python -m pitwall.lab.demo.worker` reads one JSON task a line from standard
input and answers with one JSON line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from pitwall.errors import JobError, ModelError, PitwallError, UsageError
from pitwall.machine import processes
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment


class Worker:
    """A handle on the process. It ends with this one."""

    def __init__(self, settings: Settings) -> None:
        self._log = settings.log_dir / "training.log"
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log.open("w"),
            text=True,
            env=child_environment(settings),
            cwd=settings.repository,
            preexec_fn=processes.die_with_parent,
        )

    def train(self, name: str, sessions: list[str]) -> dict[str, Any]:
        """Train one task on these sessions; gives what `pitwall.training.train` gives, or `error`.

        Raises `JobError` where the process ends.
        """
        return self._ask({"train": name, "sessions": sessions})

    def parity(self, sessions: list[str], since_ms: int) -> dict[str, Any]:
        """Compare the online rows and what was served of these sessions since then (wall clock).

        Gives match, mismatch, missing. Raises `JobError` where the comparison fails.
        """
        answer = self._ask({"parity": sessions, "since_ms": since_ms})
        if "error" in answer:
            raise JobError(f"parity could not be measured: {answer['error']}; see {self._log}")
        return answer

    def _ask(self, task: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        for line in self._process.stdout:
            if line.startswith("{"):
                return dict(json.loads(line))
        raise JobError(f"the process that trains has ended; see {self._log}")

    def close(self) -> None:
        """Let the process end, and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _train(settings: Settings, name: str, sessions: list[str]) -> dict[str, Any]:
    from pitwall.training.train import train

    try:
        return train(settings, name, sessions, promoted=True)
    except (ModelError, UsageError) as failed:
        return {"error": str(failed)}


def _parity(settings: Settings, sessions: list[str], since_ms: int) -> dict[str, Any]:
    from pitwall.monitoring.parity import compare, online_rows
    from pitwall.serving.served import logged

    served = [vector for vector in logged(settings, since_ms) if vector.session in sessions]
    try:
        result = compare(settings, [*online_rows(settings, sessions), *served])
    except PitwallError as failed:
        return {"error": str(failed)}
    return {"match": result.match, "mismatch": result.mismatch, "missing": result.missing}


def main() -> None:
    """Load the libraries, then work until standard input ends."""
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
