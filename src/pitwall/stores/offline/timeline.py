"""Which feature row counts at which instant: arrays of numbers only, no files and no Feast.

Times are µs since the epoch. A row *happened* at its event time. It is *known* from that time on or
from a later one:

    event   ──●────────●────────●──────────►      at the instant ▼ counts the last ● before or at ▼
    known          ▲        ▼                      whose own ▲ is also before or at ▼
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Known = Literal["created", "session", "event"]
"""From when a row is known.

`created`: from its created time. `session`: from the time that the entity's own clock showed when
the row was created. `event`: from its event time."""
NEVER = np.iinfo(np.int64).max
NO_CREATED = np.iinfo(np.int64).min
"""Created time of a row that has none.

Such a row is known from its event time, and of rows with equal event times it is the oldest."""


@dataclass(frozen=True)
class Rows:
    """Feature rows; all four arrays have the shape (rows,)."""

    entity: npt.NDArray[np.int32]
    """Entity number."""
    event: Ints
    """Event time in µs since the epoch."""
    created: Ints
    """Created time in µs since the epoch, or `NO_CREATED`."""
    row: Ints
    """Number of the row in the scan."""

    def __len__(self) -> int:
        return len(self.entity)

    def take(self, order: Ints) -> Rows:
        """The rows at these positions."""
        return Rows(self.entity[order], self.event[order], self.created[order], self.row[order])

    @staticmethod
    def together(parts: list[Rows]) -> Rows:
        """The rows of all parts, in order."""
        if not parts:
            none = np.empty(0, np.int64)
            return Rows(np.empty(0, np.int32), none, none, none)
        return Rows(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("entity", "event", "created", "row")
            )
        )


def ordered(rows: Rows) -> Rows:
    """The rows sorted by entity, event time, created time and row number."""
    if not np.all(rows.entity[1:] >= rows.entity[:-1]):
        small = int(rows.entity.max()) < 2**16
        rows = rows.take(
            np.argsort(rows.entity.astype(np.uint16) if small else rows.entity, kind="stable")
        )
    # In most files the rows of an entity are sorted already, so that the full sort is not needed.
    same = rows.entity[1:] == rows.entity[:-1]
    after = rows.event[1:] > rows.event[:-1]
    equal = (rows.event[1:] == rows.event[:-1]) & (rows.created[1:] >= rows.created[:-1])
    if not np.all(~same | after | equal):
        frame = pl.DataFrame(
            {"entity": rows.entity, "event": rows.event, "created": rows.created, "row": rows.row}
        )
        frame = frame.sort("entity", "event", "created", "row")
        rows = Rows(*(frame[name].to_numpy() for name in ("entity", "event", "created", "row")))
    return rows


def known(rows: Rows, rule: Known) -> Ints | None:
    """From when each of the ordered rows is known; None where that is the event time of every row.

    By the rule `session`, an entity has its own clock: in order of creation, the clock shows the
    newest event time seen so far. The clock restarts when a row with the entity's first event time
    comes again, as in a replay or a backfill. So it makes no difference how fast a session was
    recorded or how many years later; and a late row is known only from the time of the rows before
    it in order of creation.
    """
    if rule == "event" or len(rows) == 0:
        return None
    if rule == "created":
        return np.where(rows.created == NO_CREATED, rows.event, rows.created)
    same = rows.entity[1:] == rows.entity[:-1]
    if np.all(~same | (rows.created[1:] >= rows.created[:-1])):
        return None
    first = np.concatenate([[True], ~same])
    begin = rows.event[np.maximum.accumulate(np.where(first, np.arange(len(rows)), 0))]
    created = np.where(rows.created == NO_CREATED, NEVER, rows.created)
    frame = pl.DataFrame(
        {
            "entity": rows.entity,
            "event": rows.event,
            "created": created,
            "restart": rows.event == begin,
        }
    )
    clock = (
        frame.with_row_index("position")
        .sort("entity", "created", "event", "position")
        .with_columns(run=pl.col("restart").cast(pl.Int64).cum_sum())
        .with_columns(clock=pl.col("event").cum_max().over("entity", "run"))
        .sort("position")
    )
    result = clock["clock"].to_numpy()
    return np.where(rows.created == NO_CREATED, rows.event, result)


def newest(
    rows: Rows, rule: Known, entity: npt.NDArray[np.int32], at: Ints, ttl_us: int | None
) -> Ints:
    """The row that counts for each question (entity number, instant), or −1; shape (questions,).

    Of the entity's rows that had happened and were known by that instant, it is the newest by event
    time, then by created time, then by row number. No row counts when that one happened more than
    `ttl_us` before the instant.
    """
    rows = ordered(rows)
    if len(rows) == 0:
        return np.full(len(entity), -1, np.int64)
    low = np.searchsorted(rows.entity, entity, "left")
    high = np.searchsorted(rows.entity, entity, "right")
    place = _last_until(rows.event, low, high, at)
    known_at = known(rows, rule)
    if known_at is not None:
        unknown = np.flatnonzero((place >= 0) & (known_at[place] > at))
        if len(unknown):
            place[unknown] = _last_at_most(known_at, low[unknown], place[unknown], at[unknown])
    if ttl_us is not None:
        place[(place >= 0) & (rows.event[place] < at - ttl_us)] = -1
    return np.where(place >= 0, rows.row[place], -1)


def _last_until(values: Ints, low: Ints, high: Ints, limit: Ints) -> Ints:
    """The last place in [low, high) whose value is at most `limit`, or −1, for each question.

    Values rise within each [low, high). One binary search for all questions together.
    """
    left, right = low.copy(), high.copy()
    while np.any(left < right):
        middle = (left + right) // 2
        go_right = (left < right) & (values[np.minimum(middle, len(values) - 1)] <= limit)
        right = np.where(go_right | (left >= right), right, middle)
        left = np.where(go_right, middle + 1, left)
    return np.where(left > low, left - 1, -1)


def _last_at_most(values: Ints, low: Ints, high: Ints, limit: Ints) -> Ints:
    """The last place in [low, high] whose value is at most `limit`, or −1, for each question.

    Values may have any order. The search goes up and down a tree of minima: 2 log2(n) steps for all
    questions together.
    """
    levels = [values]
    while len(levels[-1]) > 1:
        last = levels[-1]
        padded = np.append(last, NEVER) if len(last) % 2 else last
        levels.append(np.minimum(padded[::2], padded[1::2]))
    level, block = np.full(len(high), -1), np.zeros(len(high), np.int64)
    seek, end = np.arange(len(high)), high + 1
    for height, minima in enumerate(levels):
        odd = np.flatnonzero(end % 2 == 1)
        hit = odd[minima[end[odd] - 1] <= limit[seek[odd]]]
        level[seek[hit]], block[seek[hit]] = height, end[hit] - 1
        # Blocks that lie before the entity's first row hold no answer.
        go_on = (end // 2) << (height + 1) > low[seek]
        go_on[hit] = False
        seek, end = seek[go_on], end[go_on] // 2
    for height in range(len(levels) - 2, -1, -1):
        down = np.flatnonzero(level > height)
        right = 2 * block[down] + 1
        inside = np.minimum(right, len(levels[height]) - 1)
        take = (right < len(levels[height])) & (levels[height][inside] <= limit[down])
        block[down] = np.where(take, right, 2 * block[down])
    return np.where((level >= 0) & (block >= low), block, -1)
