"""What a writer takes and gives: a session's channels with its laps and features, and files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pitwall.car.session import Session
from pitwall.channels.channel import channel_id
from pitwall.errors import UsageError

FEATURE_PREFIX = "feature_"
"""Begins the name of a feature, which may else have the id of the channel that it is made of."""
CLOCK = "Timestamp"
"""Column of the session time in tables."""
DATE = "datetime"
"""Column of the UTC time in tables that have a type for it."""


class LapSpan(Protocol):
    """One lap of a session."""

    @property
    def number(self) -> int:
        """Laps begun in the session."""

    @property
    def start_s(self) -> float:
        """Session time at which it begins."""

    @property
    def end_s(self) -> float:
        """Session time at which it ends."""

    @property
    def whole(self) -> bool:
        """Whether it was seen from line to line."""


class Span(NamedTuple):
    """A `LapSpan` by its numbers."""

    number: int
    start_s: float
    end_s: float
    whole: bool


class Group(NamedTuple):
    """Channels that have their values at the same ticks."""

    times_s: NDArray[np.float64]
    """Shape (samples,)."""
    columns: tuple[int, ...]
    """Their places in the session."""
    values: NDArray[np.float64]
    """Shape (samples, columns), without NaN."""


@dataclass(frozen=True)
class Export:
    """A session, or a lap of one, as it is to be written."""

    session: Session
    """The channels, in their own units."""
    laps: Sequence[LapSpan] = ()
    features: Session | None = None
    """Features as they were computed: their names, units, and times on the session's clock."""
    only_lap: int | None = None
    """The number of the lap, where the export is one lap of the session."""

    @property
    def start(self) -> datetime:
        """UTC time at session time 0, which the session's id tells.

        Raises `UsageError` for an id that does not begin with a time.
        """
        id = self.session.session
        try:
            return datetime.strptime(id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            raise UsageError(
                f"session id {id!r} does not begin with a time as yyyymmdd-hhmmss; "
                "rename the recording"
            ) from None

    def without_features(self) -> Export:
        """The channels alone."""
        return replace(self, features=None)

    def without_channels(self) -> Export:
        """The features alone."""
        times = np.empty(0) if self.features is None else self.features.times_s
        none = replace(
            self.session, names=(), units=(), times_s=times, values=np.empty((len(times), 0))
        )
        return replace(self, session=none)

    def joined(self) -> Session:
        """Channels and features as one session, on all times of both.

        Features are named `feature_NAME`. Raises `UsageError` for two columns of one id, and for a
        channel with the id of a table's own columns of time.
        """
        features = self.features
        if features is None:
            session = self.session
        else:
            times = np.union1d(self.session.times_s, features.times_s)
            values = np.full((len(times), len(self.session.names) + len(features.names)), np.nan)
            width = len(self.session.names)
            values[np.searchsorted(times, self.session.times_s), :width] = self.session.values
            values[np.searchsorted(times, features.times_s), width:] = features.values
            session = replace(
                self.session,
                names=(*self.session.names, *(FEATURE_PREFIX + name for name in features.names)),
                units=(*self.session.units, *features.units),
                times_s=times,
                values=values,
            )
        names = {channel_id(CLOCK): CLOCK, channel_id(DATE): DATE}
        for name in session.names:
            if names.setdefault(channel_id(name), name) is not name:
                raise UsageError(
                    f"session {session.session!r}: columns {names[channel_id(name)]!r} and "
                    f"{name!r} have one id and cannot both be written; rename one of them"
                )
        return session

    def lap(self, number: int) -> Export:
        """The export of one lap, with two ticks before it and the tick after it.

        Those ticks lie beyond the line, so a reader of the file finds the same lap time. Raises
        `UsageError` for a lap that the session does not have.
        """
        span = next((lap for lap in self.laps if lap.number == number), None)
        if span is None:
            numbers = ", ".join(str(lap.number) for lap in self.laps) or "none"
            raise UsageError(
                f"session {self.session.session!r} has no lap {number}; its laps are {numbers}"
            )
        features = self.features
        return Export(
            _between(self.session, span.start_s, span.end_s),
            (span,),
            None if features is None else _between(features, span.start_s, span.end_s),
            number,
        )


class Written(NamedTuple):
    """The files that a writer made, and what a user should know of them."""

    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    """Sentences: what the format could not hold as it was."""


class Writer(Protocol):
    """A function that writes one format."""

    def __call__(self, export: Export, path: Path) -> Written:
        """Write the file. Raises `UsageError` for what the format cannot hold."""


def groups(session: Session) -> Iterator[Group]:
    """The channels of a session by the ticks at which they have values, each channel once.

    A channel without any value is in a group without samples.
    """
    present = ~np.isnan(session.values)
    columns: dict[bytes, list[int]] = {}
    for column in range(present.shape[1]):
        columns.setdefault(np.packbits(present[:, column]).tobytes(), []).append(column)
    for members in columns.values():
        rows = present[:, members[0]]
        yield Group(session.times_s[rows], tuple(members), session.values[rows][:, members])


def _between(session: Session, start_s: float, end_s: float) -> Session:
    """The ticks from `start_s` to `end_s`, two before them and one after them."""
    first = max(int(np.searchsorted(session.times_s, start_s, "left")) - 2, 0)
    end = int(np.searchsorted(session.times_s, end_s, "right")) + 1
    return replace(session, times_s=session.times_s[first:end], values=session.values[first:end])
