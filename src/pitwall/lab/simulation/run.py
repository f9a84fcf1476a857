"""One run of the simulation: worlds until a number or a time is reached, and what they showed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pitwall.lab.simulation.faults import Failure, Fault, Known, faults_of
from pitwall.lab.simulation.oracle import differences
from pitwall.lab.simulation.worker import Verdict, Worker

A_BATCH = 50
"""After so many worlds the hours are looked at."""
SAMPLED = 100
"""So many of the first worlds give a short session for the oracle."""
MS_IN_HOUR = 3_600_000


@dataclass
class Report:
    """What the worlds of a run showed."""

    worlds: int = 0
    logical_hours: float = 0.0
    """Virtual time from each world's beginning until its last tick had time to leave."""
    driven_hours: float = 0.0
    """Session time of all cars."""
    rows: int = 0
    seconds: float = 0.0
    """Wall clock of the worlds, without shrinking."""
    oracle_sessions: int = 0
    oracle_differences: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    """The faults in the order in which they were found."""

    @property
    def ok(self) -> bool:
        """Whether every world kept every promise, and the oracle agrees."""
        return not self.faults and not self.oracle_differences

    def add(self, verdict: Verdict) -> None:
        """Count a world in, and compare its sample where it kept every promise."""
        self.worlds += 1
        self.logical_hours += verdict.active_ms / MS_IN_HOUR
        self.driven_hours += verdict.driven_ms / MS_IN_HOUR
        self.rows += verdict.rows
        if verdict.sample and not verdict.breaches:
            self.oracle_sessions += 1
            self.oracle_differences += [
                f"seed {verdict.world}: {line}" for line in differences(verdict.sample)
            ]


def run(
    worker: Worker,
    seed: int,
    seeds: int,
    hours: float | None,
    known: Sequence[Known],
    step: Callable[[str, float | None], None],
) -> Report:
    """Run the worlds of `seeds` seeds from `seed` on, or with `hours` until they are reached.

    `hours` are logical. `step(text, share)` tells how far it is. Raises as `Worker`.
    """
    report, failures = Report(), list[Failure]()
    begun = time.monotonic()
    for batch in _batches(seed, None if hours is not None else seeds):
        for verdict in worker.run(batch):
            report.add(verdict)
            if verdict.breaches:
                failures.append(Failure(verdict, time.monotonic() - begun))
            share = report.worlds / seeds if hours is None else report.logical_hours / hours
            text = f"{report.worlds} worlds, {report.logical_hours:.1f} h, {len(failures)} failed"
            step(text, min(share, 0.99))
        if hours is not None and report.logical_hours >= hours:
            break
    report.seconds = time.monotonic() - begun
    report.faults = faults_of(failures, worker, known, step)
    step(f"{report.worlds} worlds", 1.0)
    return report


def _batches(seed: int, seeds: int | None) -> Iterator[list[tuple[str, str]]]:
    """Tasks of the worlds of `seeds` seeds, or of endlessly many."""
    numbers = itertools.count() if seeds is None else iter(range(seeds))
    while batch := list(itertools.islice(numbers, A_BATCH)):
        yield [("sample" if n < SAMPLED else "judge", str(seed + n)) for n in batch]


def run_world(worker: Worker, world: str, known: Sequence[Known]) -> Report:
    """Run one world in its text form, and shrink it where it breaks a promise."""
    report = Report()
    begun = time.monotonic()
    for verdict in worker.run([("sample", world)]):
        report.add(verdict)
        report.seconds = time.monotonic() - begun
        failures = [Failure(verdict, report.seconds)] if verdict.breaches else []
        report.faults = faults_of(failures, worker, known, lambda text, share: None)
    return report
