"""What one store holds of one session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pitwall.stores.offline.marks import Key

STORES = ("offline", "online", "history", "archive")
TAGS = "tags"
"""What people say of a session, beside the rows of the offline store."""


@dataclass(frozen=True)
class Held:
    """What one store holds of one session."""

    store: str
    """One of `STORES`, or `TAGS`."""
    place: str
    """View, table or topic."""
    vehicle: str
    session: str
    rows: int
    """Rows; of the archive, messages."""
    size: int | None
    """Bytes; None where the store does not tell."""
    delete: Callable[[], None] = field(repr=False, compare=False)

    @property
    def key(self) -> Key:
        """Vehicle and session."""
        return self.vehicle, self.session
