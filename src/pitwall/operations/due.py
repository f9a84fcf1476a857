"""Something that a store has kept longer than its setting says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

DAY_S = 86_400
Key = tuple[str, str]
"""Vehicle and session."""


@dataclass(frozen=True)
class Due:
    """What one store would lose, or how one topic would be configured."""

    store: str
    """`offline`, `online`, `history` or `topics`."""
    what: str
    """Vehicle and session or topic, as a person reads it."""
    rows: int | None
    """Rows that would be deleted; None for a topic."""
    last_written: datetime | None
    """None for a topic."""
    delete: Callable[[], None] = field(repr=False, compare=False)
    """Deletes the rows, or configures the topic."""


def is_over(last_written: datetime, days: float | None, now_s: float) -> bool:
    """Whether so many days have passed at `now_s` (s since the epoch); never with `days` None."""
    return days is not None and last_written.timestamp() < now_s - days * DAY_S
