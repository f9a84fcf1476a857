"""What a fault did to a session: its rows beside those of the undisturbed session."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise


@dataclass
class Outcome:
    """The outcome of one fault. Rows are counted by event time on the features topic."""

    fault: str
    ticks: int
    """Rows of the undisturbed session."""
    silence_s: float
    """The longest time without a new row, from the fault until the last row."""
    lost: int
    """Rows of the undisturbed session that this session does not have."""
    wrong: int
    """Rows of which a copy differs from the undisturbed session's row."""
    doubled: int
    """Copies beyond the first.

    The topic is at-least-once, so a copy is allowed after a restart of the job. A copy with other
    values makes its row wrong, too.
    """
    offline_lost: int
    """Rows that the offline store lacks."""
    online_right: bool
    """Whether the online store holds the values of the newest tick."""
    restarts: int = 0
    """How often the job began again from a checkpoint. Only then may rows be doubled."""
    refused: str = ""
    """Why this machine does not allow the fault; "" otherwise. All else is empty then."""

    @property
    def ok(self) -> bool:
        """Whether no row is lost or wrong, and none is doubled without a restart of the job."""
        return (
            not (self.doubled and not self.restarts)
            and not self.lost
            and not self.wrong
            and not self.offline_lost
            and self.online_right
        )


@dataclass
class Arrivals:
    """The rows of one session that arrived on the features topic."""

    copies: dict[int, list[bytes]] = field(default_factory=dict)
    """By event time (µs since the epoch): the values of each copy, in the order of arrival."""
    first_copies_s: list[float] = field(default_factory=list)
    """When the first copy of each row arrived, s of the monotonic clock."""

    def add(self, event_us: int, values: bytes, now_s: float) -> None:
        """Add a row that arrived at `now_s`, s of the monotonic clock."""
        copies = self.copies.setdefault(event_us, [])
        if not copies:
            self.first_copies_s.append(now_s)
        copies.append(values)


def compare(
    fault: str,
    arrivals: Arrivals,
    oracle: Arrivals,
    fault_at_s: float,
    offline_rows: int,
    online_right: bool,
    restarts: int = 0,
) -> Outcome:
    """Compare a disturbed session's rows with those of the undisturbed one, the `oracle`.

    `fault_at_s` is when the fault began, s of the monotonic clock. `offline_rows` is the number of
    distinct rows in the offline store.
    """
    expected = {event_us: copies[0] for event_us, copies in oracle.copies.items()}
    times_s = [fault_at_s, *(s for s in sorted(arrivals.first_copies_s) if s > fault_at_s)]
    return Outcome(
        fault=fault,
        ticks=len(expected),
        silence_s=round(max((b - a for a, b in pairwise(times_s)), default=0.0), 1),
        lost=len(expected.keys() - arrivals.copies.keys()),
        wrong=sum(
            any(copy != expected.get(event_us) for copy in copies)
            for event_us, copies in arrivals.copies.items()
        ),
        doubled=sum(len(copies) - 1 for copies in arrivals.copies.values()),
        offline_lost=max(0, len(expected) - offline_rows),
        online_right=online_right,
        restarts=restarts,
    )
