"""Many worlds that fail alike are one fault, with the smallest world that shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from pitwall.errors import UsageError
from pitwall.lab.simulation.worker import Verdict, Worker

MOST_FAULTS = 40
"""So many worlds are shrunk at most."""


@dataclass(frozen=True)
class Known:
    """A fault that is known: worlds with all these ingredients break this promise by it."""

    name: str
    promise: str
    ingredients: frozenset[str]

    def covers(self, promise: str, ingredients: frozenset[str]) -> bool:
        """Whether a world that broke this promise and has these ingredients shows the fault."""
        return promise == self.promise and self.ingredients <= ingredients


@dataclass
class Fault:
    """A promise that some worlds broke in the same way."""

    smallest: Verdict
    """The smallest world that shows it."""
    name: str = ""
    """The name of the known fault that it is; empty for a new one."""
    worlds: list[str] = field(default_factory=list)
    """All worlds that show it, by their seeds; a world counts for one fault."""
    found_after_s: float = 0.0
    """Wall clock from the begin of the run until the first of them failed."""

    @property
    def promise(self) -> str:
        """The promise that it breaks."""
        return self.smallest.breaches[0].promise

    def covers(self, verdict: Verdict) -> bool:
        """Whether a world fails alike: it breaks the same promise, and has all that it takes."""
        return (
            verdict.breaches[0].promise == self.promise
            and self.smallest.ingredients <= verdict.ingredients
        )


@dataclass(frozen=True)
class Failure:
    """A world that broke a promise, and when it did, in seconds after the begin of the run."""

    verdict: Verdict
    after_s: float


def faults_of(
    failures: Sequence[Failure],
    worker: Worker,
    known: Sequence[Known],
    step: Callable[[str, float | None], None],
) -> list[Fault]:
    """The faults behind these failures, in the order in which they were found.

    A world counts for the first fault that covers it, so a fault may hide behind another one until
    that is mended.
    """
    faults: list[Fault] = []
    rest = sorted(failures, key=lambda failure: failure.after_s)
    while rest and len(faults) < MOST_FAULTS:
        step(f"shrinking, {len(rest)} worlds left", None)
        first = {failure.verdict.breaches[0].promise: failure for failure in reversed(rest)}
        worlds = [("shrink", failure.verdict.world) for failure in islice(first.values(), 2)]
        for smallest in worker.run(worlds):
            faults.append(Fault(smallest, name=_name(smallest, known)))
        for failure in list(rest):
            fault = next((f for f in faults if f.covers(failure.verdict)), None)
            if fault is None:
                # A world may break another promise once it is smaller.
                fault = next((f for f in faults if f.smallest.world == failure.verdict.world), None)
            if fault is not None:
                rest.remove(failure)
                if not fault.worlds:
                    fault.found_after_s = failure.after_s
                fault.worlds.append(failure.verdict.world)
    return sorted(faults, key=lambda fault: fault.found_after_s)


def _name(smallest: Verdict, known: Sequence[Known]) -> str:
    promise = smallest.breaches[0].promise
    names = (fault.name for fault in known if fault.covers(promise, smallest.ingredients))
    return next(names, "")


@dataclass(frozen=True)
class KnownWorld:
    """A world that failed once, the promise that it broke, and the name of its fault."""

    fault: str
    promise: str
    world: str


def read_known(path: Path) -> tuple[list[Known], list[KnownWorld]]:
    """The known faults of a file, and the worlds that ever failed.

    A line is `known NAME PROMISE INGREDIENT,…` or `world NAME PROMISE SEED only …`; `#` begins a
    comment. Raises `UsageError` that names the file and the line.
    """
    known: list[Known] = []
    worlds: list[KnownWorld] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.partition("#")[0].split(maxsplit=3)
        match words:
            case []:
                continue
            case ["known", name, promise, ingredients]:
                known.append(Known(name, promise, frozenset(ingredients.strip().split(","))))
            case ["world", name, promise, world]:
                worlds.append(KnownWorld(name, promise, world.strip()))
            case _:
                raise UsageError(
                    f"{path}, line {number} is {line!r}; write "
                    "known NAME PROMISE INGREDIENT,… or world NAME PROMISE SEED only …"
                )
    return known, worlds
