"""Which feature row counts at which instant: numbers only, no files and no Feast.

Times are µs since the epoch. A row *happened* at its event time and is *known* from a later or the same instant on:

    event   ──●────────●────────●──────────►      the row asked for at ▼ is the last ● at or before it
    known          ▲        ▼                      of those whose ▲ is at or before it too
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Known = Literal["created", "session", "event"]
"""When a row counts as known: at its created time; as the entity's own clock stood when it was created; or at its event time."""
NEVER = np.iinfo(np.int64).max
NO_CREATED = np.iinfo(np.int64).min
"""Created time of a row without one: it is known at its event time and the oldest of its equals."""


@dataclass(frozen=True)
class Rows:
    """Feature rows, column by column: entity number, event time, created time, and where the row stands in the files."""

    entity: npt.NDArray[np.int32]
    event: Ints
    created: Ints
    row: Ints

    def __len__(self) -> int:
        return len(self.entity)

    def take(self, order: Ints) -> Rows:
        """The rows at these positions."""
        return Rows(self.entity[order], self.event[order], self.created[order], self.row[order])

    @staticmethod
    def together(parts: list[Rows]) -> Rows:
        """All rows of the parts."""
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
    """By entity, event time, created time and place. Files mostly have an entity's rows in order already."""
    small = len(rows) == 0 or int(rows.entity.max()) < 2**16
    rows = rows.take(
        np.argsort(rows.entity.astype(np.uint16) if small else rows.entity, kind="stable")
    )
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
    """When each of the ordered rows is known; None where that is its event time throughout.

    By the session's own clock: in order of creation an entity's clock stands at the newest event time seen so far; it
    begins anew, with a replay or a backfill, when a row of its first event time comes again. So how fast and how many
    years later a session is recorded makes no difference, and a row that came after later ones is known only then.
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
            "anew": rows.event == begin,
        }
    )
    clock = (
        frame.with_row_index("at")
        .sort("entity", "created", "event", "at")
        .with_columns(run=pl.col("anew").cast(pl.Int64).cum_sum())
        .with_columns(clock=pl.col("event").cum_max().over("entity", "run"))
        .sort("at")
    )
    result = clock["clock"].to_numpy()
    return np.where(rows.created == NO_CREATED, rows.event, result)


def newest(
    rows: Rows, rule: Known, entity: npt.NDArray[np.int32], at: Ints, ttl_us: int | None
) -> Ints:
    """For each question (entity number, instant) the place of the row that counts, or -1.

    That is the newest by event time, then by created time, then by place, of the entity's rows that happened and were
    known by then; no row if that one happened more than `ttl_us` earlier.
    """
    rows = ordered(rows)
    if len(rows) == 0:
        return np.full(len(entity), -1, np.int64)
    low = np.searchsorted(rows.entity, entity, "left")
    high = np.searchsorted(rows.entity, entity, "right")
    found = _last_until(rows.event, low, high, at)
    when = known(rows, rule)
    if when is not None:
        late = np.flatnonzero((found >= 0) & (when[found] > at))
        if len(late):
            found[late] = _last_at_most(when, low[late], found[late], at[late])
    if ttl_us is not None:
        found[(found >= 0) & (rows.event[found] < at - ttl_us)] = -1
    return np.where(found >= 0, rows.row[found], -1)


def _last_until(values: Ints, low: Ints, high: Ints, limit: Ints) -> Ints:
    """The last place in [low, high) whose value is at most the limit, or -1; values rise there. Binary search, all at once."""
    left, right = low.copy(), high.copy()
    while np.any(left < right):
        middle = (left + right) // 2
        go = (left < right) & (values[np.minimum(middle, len(values) - 1)] <= limit)
        right = np.where(go | (left >= right), right, middle)
        left = np.where(go, middle + 1, left)
    return np.where(left > low, left - 1, -1)


def _last_at_most(values: Ints, low: Ints, high: Ints, limit: Ints) -> Ints:
    """The last place in [low, high] whose value is at most the limit, or -1; values come in any order.

    Up and down a tree of minima: 2 log2(n) steps for all questions together.
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
        # What is left of the block lies before the entity's first row: nothing to find.
        go = (end // 2) << (height + 1) > low[seek]
        go[hit] = False
        seek, end = seek[go], end[go] // 2
    for height in range(len(levels) - 2, -1, -1):
        down = np.flatnonzero(level > height)
        right = 2 * block[down] + 1
        inside = np.minimum(right, len(levels[height]) - 1)
        take = (right < len(levels[height])) & (levels[height][inside] <= limit[down])
        block[down] = np.where(take, right, 2 * block[down])
    return np.where((level >= 0) & (block >= low), block, -1)
