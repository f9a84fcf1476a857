"""The whole experiment: servers, the undisturbed drive, and one drive under each fault."""

from __future__ import annotations

import time
from dataclasses import replace

from pitwall.car.session import Session
from pitwall.errors import JobError, StackError, UsageError
from pitwall.flink.rest import get, running
from pitwall.lab.chaos.arrivals import TopicReader, offline_rows, online_row_is_right
from pitwall.lab.chaos.drive import drive
from pitwall.lab.chaos.faults import FAULTS, SERVERS, World, submit
from pitwall.lab.chaos.isolation import isolate, needs_isolation, prepare, refused
from pitwall.lab.chaos.outcome import Arrivals, Outcome, compare
from pitwall.lab.progress import Step, wait
from pitwall.local.stack import Stack
from pitwall.machine import jars
from pitwall.machine.sandbox import sandbox
from pitwall.settings import Settings

RATE_HZ = 50.0
PATIENCE_S = 180
"""How long the rows of a session may take to arrive once its drive is over."""


def run(faults: list[str], seconds: float, step: Step) -> list[Outcome]:
    """Drive for `seconds` under each of these faults, and compare with the undisturbed drive.

    The servers are a sandbox's. Faults of network and disk start the program anew in namespaces.
    Raises `UsageError` for an unknown fault, and `StackError` when a server does not come back.
    """
    for name in faults:
        if name not in FAULTS:
            raise UsageError(f"there is no fault {name!r}; there are {', '.join(FAULTS)}")
    from pitwall.car.simulator import simulate
    from pitwall.stores.repository import apply

    lap = simulate(laps=1, seed=11, hz=RATE_HZ)
    ticks = int(seconds * RATE_HZ)
    lap = replace(lap, times_s=lap.times_s[:ticks], values=lap.values[:ticks])
    jars.fetch(Settings().cache_dir / "m2", step, ["flink-s3"])
    not_isolated = isolate() if any(needs_isolation(name) for name in faults) else ""
    with sandbox(checkpoint_interval_s="2", checkpoint_url="s3://flink/chaos") as settings:
        prepare(settings)
        with Stack(settings, lambda name, state: step(f"{name} {state}", None)) as stack:
            stack.start(["kafka", "cassandra", "s3"], patience_s=300)
            apply(settings)
            stack.start(SERVERS, patience_s=300)
            submit(settings)
            experiment = _Experiment(World(settings, stack), lap)
            step("undisturbed", 0.0)
            experiment.drive_undisturbed()
            outcomes = []
            for number, name in enumerate(faults, start=1):
                step(name, number / (len(faults) + 1))
                reason = refused(name, not_isolated)
                outcomes.append(
                    Outcome(name, 0, 0.0, 0, 0, 0, 0, True, refused=reason)
                    if reason
                    else experiment.drive_under(name)
                )
            experiment.close()
    return outcomes


class _Experiment:
    """Drives of the same lap, with all rows that arrive of them."""

    def __init__(self, world: World, lap: Session) -> None:
        self._world, self._lap = world, lap
        self._topic = TopicReader(world.settings)
        self._topic.start()
        self._oracle = Arrivals()

    def drive_undisturbed(self) -> None:
        """Drive without a fault. Raises `StackError` when a row does not arrive."""
        session = self._session("undisturbed")
        drive(self._world, session, None)
        self._wait_for_rows(session)
        self._oracle = self._topic.of(session)

    def drive_under(self, fault: str) -> Outcome:
        """Drive with this fault, and compare its rows with the undisturbed drive's."""
        settings, session = self._world.settings, self._session(fault)
        job_before, restored_before = _job(settings)
        fault_at_s = drive(self._world, session, FAULTS[fault])
        try:
            self._wait_for_rows(session)
        except StackError:
            pass  # the rows that did not arrive are counted as lost
        rows = offline_rows(settings, session, len(session.times_s))
        online_right = online_row_is_right(settings, session, self._oracle)
        job, restored = _job(settings)
        restarts = restored - restored_before if job == job_before else restored
        arrivals = self._topic.of(session)
        return compare(fault, arrivals, self._oracle, fault_at_s, rows, online_right, restarts)

    def _session(self, name: str) -> Session:
        return replace(self._lap, session=f"20260101-000000-{name}")

    def _wait_for_rows(self, session: Session) -> None:
        ticks = len(session.times_s)
        wait(
            lambda: len(self._topic.of(session).copies) >= ticks,
            PATIENCE_S,
            f"all {ticks} rows of {session.session}",
        )

    def close(self) -> None:
        """Stop reading the topic."""
        self._topic.close()


def _job(settings: Settings) -> tuple[str, int]:
    """The features job's id, and how often Flink restored it from a checkpoint.

    The metric of restarts would be late; this count never is. Waits until the job runs.
    """
    while True:
        try:
            job = running(settings, "features")
            return job, int(get(settings, f"/jobs/{job}/checkpoints")["counts"]["restored"])
        except JobError:
            time.sleep(0.5)
