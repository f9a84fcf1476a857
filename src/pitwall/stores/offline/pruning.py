"""Leaves out row groups that, by a Parquet file's statistics, hold no row of a query."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq

from pitwall.stores.offline.columns import micros_of
from pitwall.stores.offline.units import Unit


@dataclass(frozen=True)
class Wanted:
    """What a query asks for: sorted key values by column, and event times from `low` to `high`.

    Times are µs since the epoch, both included; None means no bound.
    """

    keys: dict[str, list[Any]]
    event: str
    low: int | None
    high: int | None

    def part_of(self, unit: Unit, footer: pq.FileMetaData) -> Unit | None:
        """The unit without the groups that hold no such row, by the file's statistics.

        None when no group is left. Reads no row.
        """
        names = [footer.schema.column(i).path for i in range(len(footer.schema))]
        columns = [names.index(name) for name in (*self.keys, self.event) if name in names]
        kept = []
        for group in unit.groups:
            metadata = footer.row_group(group)
            kept.append(all(self._may_match(metadata.column(column)) for column in columns))
        if all(kept):
            return unit
        return unit.only(kept) if any(kept) else None

    def _may_match(self, column: Any) -> bool:
        """Whether the statistics of one column of a row group leave a wanted value possible."""
        statistics = column.statistics
        if statistics is None or not statistics.has_min_max:
            return True
        if column.path_in_schema in self.keys:
            values = self.keys[column.path_in_schema]
            if values and not isinstance(statistics.min, type(values[0])):
                return True
            at = bisect.bisect_left(values, statistics.min)
            return at < len(values) and bool(values[at] <= statistics.max)
        if column.path_in_schema == self.event and isinstance(statistics.min, datetime):
            # Statistics are given in whole µs; those of a column in ns may be cut by up to one µs.
            return (self.low is None or micros_of(statistics.max) >= self.low - 1) and (
                self.high is None or micros_of(statistics.min) <= self.high + 1
            )
        return True
