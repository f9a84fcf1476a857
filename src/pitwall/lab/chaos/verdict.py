"""What faults did to each output of the chain, and whether that is allowed."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from pitwall.lab.chaos.arrivals import Arrivals, Event, Values
from pitwall.lab.chaos.asker import HUNG, RIGHT, UNREACHABLE, WRONG, Asked, equal
from pitwall.lab.chaos.troubles import Episode

RECOVERY_S = 30.0
"""So long after a fault the endpoint may still refuse questions."""


@dataclass
class Topic:
    """The messages of a session on one topic, beside those of the undisturbed session."""

    expected: int = 0
    lost: int = 0
    """Messages of the undisturbed session that this session does not have."""
    wrong: int = 0
    """Messages of which a copy differs from the undisturbed session's."""
    doubled: int = 0
    """Copies beyond the first."""
    silence_s: float = 0.0
    """The longest time without a new message, from the first fault until the last message."""


@dataclass
class Answers:
    """The questions to the endpoint."""

    asked: int = 0
    right: int = 0
    wrong: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """Refusals by error code, also those that a fault explains."""
    no_answer: int = 0
    """Questions that hung or found no endpoint, also those that a fault explains."""
    unexplained: dict[str, int] = field(default_factory=dict)
    """By outcome: refusals that no fault explains, and questions without an answer that no fault of
    the endpoint or its link explains."""
    lost: int = 0
    """Answers that are not on the topic of predictions with their id and value."""
    right_again: bool = True
    """Whether the last tick's value was served in the end."""
    silence_s: float = 0.0
    """The longest time without a right answer since the first fault."""


@dataclass
class Outcome:
    """What one drive under faults gave."""

    fault: str
    """The fault, or what was drawn: `5 minutes`."""
    rows: Topic = field(default_factory=Topic)
    offline_lost: int = 0
    offline_wrong: int = 0
    online_right: bool = True
    """Whether the online store holds the values of the newest tick."""
    predictions: Topic = field(default_factory=Topic)
    answers: Answers = field(default_factory=Answers)
    restarts: int = 0
    """How often the job began again from a checkpoint. Only then may rows be doubled."""
    faults: dict[str, int] = field(default_factory=dict)
    """How often each fault was caused."""
    refused: str = ""
    """Why this machine does not allow the fault; "" otherwise. All else is empty then."""
    error: str = ""
    """Why the drive came to no end, such as a server that did not start again; "" otherwise. All
    else is empty then."""

    @property
    def lost(self) -> int:
        """Rows (topic and offline store), predictions and published answers that are missing."""
        return self.rows.lost + self.offline_lost + self.predictions.lost + self.answers.lost

    @property
    def wrong(self) -> int:
        """Rows (topic and both stores), predictions and answers that are wrong."""
        return (
            self.rows.wrong
            + self.offline_wrong
            + (not self.online_right)
            + self.predictions.wrong
            + self.answers.wrong
        )

    @property
    def failures(self) -> list[str]:
        """What is not as promised, each in a few words; empty where all is well."""
        answers = self.answers
        checks = {
            self.error: self.error,
            f"{self.rows.lost} rows lost": self.rows.lost,
            f"{self.rows.wrong} rows wrong": self.rows.wrong,
            f"{self.rows.doubled} rows doubled without a restart of the job": self.rows.doubled
            and not self.restarts,
            f"{self.offline_lost} offline rows lost": self.offline_lost,
            f"{self.offline_wrong} offline rows wrong": self.offline_wrong,
            "the online row wrong": not self.online_right,
            f"{self.predictions.lost} predictions lost": self.predictions.lost,
            f"{self.predictions.wrong} predictions wrong": self.predictions.wrong,
            f"{self.predictions.doubled} predictions doubled": self.predictions.doubled,
            f"{answers.wrong} answers wrong": answers.wrong,
            f"{answers.lost} answers not on the topic": answers.lost,
            f"{sum(answers.unexplained.values())} questions without a right answer that no fault "
            f"explains ({', '.join(sorted(answers.unexplained))})": answers.unexplained,
            "the last answer not right": not answers.right_again,
        }
        return [text for text, failed in checks.items() if failed]

    @property
    def ok(self) -> bool:
        """Whether everything is as promised."""
        return not self.failures

    def as_json(self) -> dict[str, Any]:
        """All figures, with the failures."""
        return {"ok": self.ok, "failures": self.failures, **asdict(self)}


def topic(
    arrivals: Arrivals[Event, Values],
    expected: Mapping[Event, Values],
    since_s: float,
    same: Callable[[Values, Values], bool] = operator.eq,
) -> Topic:
    """Compare what arrived with what was `expected`, by event time.

    `since_s` is when the first fault began, s of the monotonic clock; `same` compares the values of
    a copy with the right ones.
    """
    times_s = [since_s, *(s for s in sorted(arrivals.first_copies_s) if s > since_s)]
    copies = dict(arrivals.copies)
    return Topic(
        expected=len(expected),
        lost=len(expected.keys() - copies.keys()),
        wrong=sum(
            event not in expected or any(not same(value, expected[event]) for value in values)
            for event, values in copies.items()
        ),
        doubled=sum(len(values) - 1 for values in copies.values()),
        silence_s=_longest(times_s),
    )


def answers(
    asked: Sequence[Asked],
    published: Mapping[str, float],
    episodes: Sequence[Episode],
    last_us: int,
) -> Answers:
    """Judge the questions. `published` holds the endpoint's predictions on the topic by their id.

    `last_us` is the event time of the last tick, µs since the epoch.
    """
    if not asked:
        return Answers(right_again=False)
    begun_s = min((episode.begun_s for episode in episodes), default=asked[0].asked_s)
    right = [one for one in asked if one.outcome == RIGHT]
    times_s = [begun_s, *(one.ended_s for one in right if one.ended_s > begun_s)]
    if asked[-1].ended_s > times_s[-1]:
        times_s.append(asked[-1].ended_s)
    outcomes = Counter(one.outcome for one in asked)
    silent = outcomes.pop(HUNG, 0) + outcomes.pop(UNREACHABLE, 0)
    return Answers(
        asked=len(asked),
        right=outcomes.pop(RIGHT, 0),
        wrong=outcomes.pop(WRONG, 0),
        refused=dict(outcomes),
        no_answer=silent,
        unexplained=dict(
            Counter(
                one.outcome
                for one in asked
                if one.outcome not in (RIGHT, WRONG) and not _explained(one, episodes)
            )
        ),
        lost=sum(
            one.prediction_id not in published or not equal(published[one.prediction_id], one.value)
            for one in right
        ),
        right_again=bool(right) and right[-1].event_us == last_us,
        silence_s=_longest(times_s),
    )


def _explained(asked: Asked, episodes: Iterable[Episode]) -> bool:
    """Whether a fault lasted, or was over for less than `RECOVERY_S`, during the question.

    Where there was no answer at all, only a fault of the endpoint or its link explains it.
    """
    silent = asked.outcome in (HUNG, UNREACHABLE)
    return any(
        episode.begun_s <= asked.ended_s
        and asked.asked_s <= episode.ended_s + RECOVERY_S
        and (not silent or "serving" in episode.parts)
        for episode in episodes
    )


def _longest(times_s: Sequence[float]) -> float:
    return round(max((b - a for a, b in pairwise(times_s)), default=0.0), 1)
