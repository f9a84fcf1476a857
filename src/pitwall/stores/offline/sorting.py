"""The rows of a scan in the order of a compacted file: by entity, event time and created time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from pitwall.stores.offline.columns import Columns
from pitwall.stores.offline.keys import Keys, keys_of
from pitwall.stores.offline.scan import Scan
from pitwall.stores.offline.timeline import Ints, ordered
from pitwall.stores.offline.units import UNIT_ROWS


@dataclass(frozen=True)
class Entities:
    """The entities of a scan; the arrays have the shape (entities,)."""

    keys: Keys
    rows: Ints
    """Rows of each entity that have an event time."""
    first: Ints
    """First event time, µs since the epoch."""
    last: Ints
    """Last event time, µs since the epoch."""
    kept: npt.NDArray[np.bool_]
    """Whether the entity's rows stay."""


def entities_of(scan: Scan, columns: Columns, gone: Keys) -> Entities:
    """The entities of the scan; those in `gone` are not kept. Reads keys and event times."""
    names, time = [*columns.keys], pl.col(columns.event).cast(pl.Datetime("us")).to_physical()
    counts = [
        pl.DataFrame(pl.from_arrow(batch))
        .group_by(names)
        .agg(__rows=pl.len(), __first=time.min(), __last=time.max())
        for batch, _ in scan.batches([*names, columns.event], columns.event, None, None)
        if batch.num_rows
    ]
    frame = pl.concat(counts) if counts else pl.DataFrame(schema=[*names, *_COUNTS])
    frame = (
        frame.drop_nulls(names)
        .group_by(names)
        .agg(pl.col("__rows").sum(), pl.col("__first").min(), pl.col("__last").max())
    )
    arrays = {name: frame[name].to_arrow().cast(kind) for name, kind in columns.keys.items()}
    keys = keys_of(arrays)
    order = np.argsort(keys.numbers([*arrays.values()]))
    rows, first, last = (frame[name].cast(pl.Int64).to_numpy()[order] for name in _COUNTS)
    return Entities(keys, rows, first, last, gone.numbers([*arrays.values()])[order] < 0)


_COUNTS = ("__rows", "__first", "__last")


def row_groups(scan: Scan, columns: Columns, entities: Entities, hold: int) -> Iterator[Ints]:
    """Row numbers of each row group of the new files, in order.

    A row group ends between two entities, except within an entity of more than `UNIT_ROWS` rows.
    Rows without event time or key count in no query; they are kept all the same, at the end. Keys
    and times of about `hold` rows are held at once.
    """
    placed = np.zeros(scan.rows, bool)
    for first, end, low, high in _parts(entities, hold):
        rows = ordered(scan.narrow(columns, entities.keys, low, high, (first, end)))
        placed[rows.row] = True
        rows = rows.take(np.flatnonzero(entities.kept[rows.entity]))
        for begin, stop in pairwise(_cuts(rows.entity)):
            yield rows.row[begin:stop]
    rest = np.flatnonzero(~placed)
    for begin in range(0, len(rest), UNIT_ROWS):
        yield rest[begin : begin + UNIT_ROWS]


def _parts(entities: Entities, hold: int) -> Iterator[tuple[int, int, int | None, int | None]]:
    """Parts of about `hold` rows: first entity, the one behind the last, first and last time."""
    first = held = 0
    for number, count in enumerate(entities.rows.tolist()):
        if held and held + count > hold:
            yield first, number, None, None
            first, held = number, 0
        if count <= hold:
            held += count
            continue
        # Half as long as an even distribution of the rows over the time would allow.
        bounds = np.linspace(
            entities.first[number], entities.last[number] + 1, 2 * -(-count // hold) + 1
        )
        for low, high in pairwise(bounds.astype(np.int64).tolist()):
            yield number, number + 1, low, high - 1
        first = number + 1
    if held:
        yield first, len(entities.rows), None, None


def _cuts(entity: npt.NDArray[np.int32]) -> list[int]:
    """Positions at which row groups begin and end."""
    ends = [*(np.flatnonzero(np.diff(entity)) + 1).tolist(), len(entity)]
    cuts = [0]
    for end, following in zip(ends, [*ends[1:], None], strict=True):
        while end - cuts[-1] > UNIT_ROWS:
            cuts.append(cuts[-1] + UNIT_ROWS)
        if end > cuts[-1] and (following is None or following - cuts[-1] > UNIT_ROWS):
            cuts.append(end)
    return cuts
