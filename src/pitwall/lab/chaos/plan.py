"""Which faults come when: a schedule that follows from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PAIRS = 0.5
"""Share of rounds with two faults."""
PAUSE_S = (4.0, 30.0)
"""Shortest and longest pause before a round."""
HOLD_S = (2.0, 20.0)
"""Shortest and longest time that a fault lasts."""


@dataclass(frozen=True)
class Planned:
    """A fault that begins `after_s` after its round, and ends `hold_s` later."""

    fault: str
    after_s: float
    hold_s: float


@dataclass(frozen=True)
class Round:
    """Faults that overlap. A round begins `pause_s` after the end of the round before it.

    The pause counts from when all servers run again. So a seed gives the same faults in the same
    order on every machine, while a slow machine has fewer rounds in an hour.
    """

    pause_s: float
    faults: tuple[Planned, ...]

    @property
    def seconds(self) -> float:
        """How long the round lasts, with its pause, without the servers' starts."""
        return self.pause_s + max(planned.after_s + planned.hold_s for planned in self.faults)


def one(fault: str, after_s: float, hold_s: float) -> Round:
    """A round with one fault, which begins after `after_s`."""
    return Round(after_s, (Planned(fault, 0.0, hold_s),))


def rounds(seed: int, parts: Mapping[str, frozenset[str]]) -> Iterator[Round]:
    """Rounds without end. `parts` says of each fault which parts of the stack it acts on.

    The faults of a pair act on different parts, and the second begins while the first lasts. Faults
    are dealt like cards, so that all come about equally often.
    """
    chance = random.Random(seed)
    deck: list[str] = []
    while True:
        first = _draw(chance, deck, parts, frozenset())
        assert first is not None, "there are no faults"
        names = [first]
        if chance.random() < PAIRS and (second := _draw(chance, deck, parts, parts[first])):
            names.append(second)
        planned: list[Planned] = []
        for name in names:
            after_s = chance.uniform(0, planned[0].hold_s) if planned else 0.0
            planned.append(Planned(name, round(after_s, 1), round(chance.uniform(*HOLD_S), 1)))
        yield Round(round(chance.uniform(*PAUSE_S), 1), tuple(planned))


def _draw(
    chance: random.Random,
    deck: list[str],
    parts: Mapping[str, frozenset[str]],
    taken: frozenset[str],
) -> str | None:
    """Take the next fault of the deck that acts on none of the `taken` parts; None without one.

    When the deck has no such fault, the faults that it lacks are shuffled and put beneath it.
    """
    for _ in range(2):
        for name in deck:
            if not parts[name] & taken:
                deck.remove(name)
                return name
        dealt = [name for name in parts if name not in deck]
        chance.shuffle(dealt)
        deck += dealt
    return None
