"""Which feature rows are scored: the first row of each slot of a session's clock."""

from __future__ import annotations

from collections import OrderedDict

MAX_SESSIONS = 10_000


class Sampler:
    """Takes one row for each session, vehicle and slot of 1/`hz` seconds of event time.

    The choice depends on the rows alone: a worker that reads a partition from a little earlier
    takes the same rows as the worker it follows. A row whose event time lies back is a duplicate
    where its Kafka time lies back, too; with a newer Kafka time the session has begun anew.
    """

    def __init__(self, hz: float) -> None:
        self._slot_us = 1e6 / hz
        self._sessions: OrderedDict[tuple[str, str], tuple[int, int, int]] = OrderedDict()
        self._before: tuple[tuple[str, str], tuple[int, int, int] | None] | None = None

    def take(self, vehicle: str, session: str, event_us: int, created_us: int) -> bool:
        """Whether this row (event time and Kafka time in microseconds) is the first of its slot."""
        key = (vehicle, session)
        slot = int(event_us / self._slot_us + 1e-6)
        known = self._sessions.get(key)
        self._before = key, known
        if known is None:
            self._sessions[key] = (slot, event_us, created_us)
            if len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)
            return True
        last, newest_us, newest_created_us = known
        if event_us <= newest_us:
            if created_us <= newest_created_us:
                return False
            last = slot - 1
        self._sessions[key] = (max(slot, last), event_us, max(created_us, newest_created_us))
        return slot > last

    def give_back(self) -> None:
        """Forget the row that `take` was asked about last: it cannot be scored."""
        if self._before is not None:
            key, known = self._before
            if known is None:
                self._sessions.pop(key, None)
            else:
                self._sessions[key] = known
