"""The type that says how one channel of a session comes from a column of its file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ChannelReading:
    """One channel of a session, and the column of the file that it comes from."""

    source: str
    """Name in the file."""
    unit: str
    """As written in the file."""
    channel: str
    """Name of the channel in the table, or the column's own name."""
    canonical_unit: str | None
    """None for a channel that is no known one."""
    factor: float | None
    """Canonical value = number in the file * `factor` + `offset`."""
    offset: float
    rate_hz: float
    """Samples a second, from the median step between two of them; 0 with fewer than two."""
    note: str
    """Why it is no known channel, or what was assumed; empty for nothing to say."""
    column: int
    """Place in `Recording.columns`; -1 for a channel that was derived."""
    assumed: bool = False
    """Whether nothing tells its unit, so that the canonical one is assumed."""
    is_fraction: bool = False
    """Whether it is the share of the lap since the line."""
    missing: float | None = None
    """The number that stands in the file where there is no value."""

    @property
    def sent_unit(self) -> str:
        """The unit that goes with its values."""
        return self.unit if self.canonical_unit is None else self.canonical_unit
