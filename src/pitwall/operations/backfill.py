"""Send recorded sessions through the features job into the offline store.

A backfill has a topic of its own, and a job of its own that ends with the topic.
`python -m pitwall.operations.backfill TOPIC` is that job.
"""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.errors import JobError
from pitwall.features import load
from pitwall.flink.cluster import cluster_options, job_options, write_configuration
from pitwall.flink.submit import environment, submit, wait
from pitwall.kafka.clients import admin
from pitwall.kafka.topics import create_topic
from pitwall.machine import jars
from pitwall.machine import processes as process
from pitwall.machine.processes import last_line
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment


@dataclass(frozen=True)
class Backfilled:
    """Sessions and rows that came into the offline store, and how long it took, s."""

    sessions: int
    rows: int
    seconds: float


def run(
    settings: Settings, sessions: Sequence[Session], step: Callable[[str, float | None], None]
) -> Backfilled:
    """Compute the features of sessions anew and write them to the offline store.

    Where the store has a row of the same car, session and event time already, readers take the new
    one. `step(text, share)` is called as the work goes on, with the share done, 0 to 1, or None
    where it is not known. Raises `JobError` when the job fails or rows are missing afterwards.
    """
    started_s = time.monotonic()
    topic = f"p424-backfill-{uuid.uuid4().hex[:12]}"
    ticks = sum(len(session.times_s) for session in sessions)
    jars.fetch(settings.cache_dir / "m2", step)
    create_topic(settings, topic, settings.parallelism)
    try:
        sent = 0

        def on_ticks(more: int) -> None:
            nonlocal sent
            sent += more
            step(f"{sent:,}/{ticks:,} ticks", sent / ticks)

        produce(settings, sessions, speed=None, topic=topic, on_ticks=on_ticks)
        step(f"features of {ticks:,} ticks", None)
        before_s = time.time()
        log = settings.log_dir / "backfill.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            job = subprocess.run(
                [sys.executable, "-m", __spec__.name, topic],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=child_environment(settings),
                cwd=settings.repository,
                preexec_fn=process.die_with_parent,
            )
        if job.returncode:
            raise JobError(f"the backfill failed: {last_line(log)}; see {log}")
    finally:
        client = admin(settings)
        for future in client.delete_topics([topic]).values():
            future.result()
    rows = _written(settings, [session.session for session in sessions], before_s)
    if rows != ticks:
        raise JobError(f"{ticks} ticks became {rows} rows in the offline store; see {log}")
    return Backfilled(len(sessions), rows, round(time.monotonic() - started_s, 1))


def _written(settings: Settings, sessions: list[str], since_s: float) -> int:
    """Number of rows of these sessions in files written after `since_s`, s since the epoch."""
    from pitwall.stores.offline.database import count_rows
    from pitwall.stores.offline.files import recorded

    return sum(
        count_rows(recorded(settings, features.name), sessions, since_s - 1)
        for features in load(settings.feature_repo)
    )


def main() -> None:
    """Run the job in a cluster of its own, on free ports, and wait for its end."""
    # The topic is read to its end, so a slow partition must not count as idle.
    settings = Settings(idle_timeout_s=3600.0)
    write_configuration(settings)
    options = {
        **cluster_options(settings),
        **job_options(settings, "backfill"),
        "rest.port": "0",
        "metrics.reporters": "",
        "execution.checkpointing.interval": "2 s",
        "execution.checkpointing.dir": f"file://{settings.home_dir / 'tmp' / 'backfill'}",
        "execution.checkpointing.externalized-checkpoint-retention": "NO_EXTERNALIZED_CHECKPOINTS",
        "restart-strategy.type": "none",
    }
    options.pop("execution.state-recovery.path", None)
    wait(submit(environment(options, settings, remote=False), settings, sys.argv[1], ("offline",)))


if __name__ == "__main__":
    main()
