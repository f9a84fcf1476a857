"""Units of reading: adjacent row groups of a Parquet file, and the numbers of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow.parquet as pq

from pitwall.stores.offline.timeline import Ints

UNIT_ROWS = 131_072
"""Row groups are read together as long as they have no more rows than this."""


@dataclass(frozen=True)
class Unit:
    """Row groups of the file number `file`. A scan numbers its rows from 0 over all its files."""

    file: int
    groups: tuple[int, ...]
    """Numbers of the row groups in the file, rising."""
    sizes: tuple[int, ...]
    """Rows of each group."""
    first: int
    """Number of the unit's first row in the scan."""

    @property
    def rows(self) -> int:
        """Rows of all groups."""
        return sum(self.sizes)

    def only(self, kept: Sequence[bool]) -> Unit:
        """The unit with some of its groups, one entry in `kept` a group; `first` stays."""
        return replace(
            self,
            groups=tuple(group for group, keep in zip(self.groups, kept, strict=True) if keep),
            sizes=tuple(size for size, keep in zip(self.sizes, kept, strict=True) if keep),
        )

    def row_numbers(self, part: Unit) -> Ints:
        """Numbers in the scan of the rows of `part`, which is this unit with some of its groups."""
        if part.groups == self.groups:
            return np.arange(self.first, self.first + self.rows)
        starts = dict(zip(self.groups, np.cumsum((self.first, *self.sizes)), strict=False))
        return np.concatenate(
            [
                np.arange(starts[group], starts[group] + size)
                for group, size in zip(part.groups, part.sizes, strict=True)
            ]
        )

    def holding(self, positions: Ints) -> tuple[Unit, Ints]:
        """The unit with only those groups that hold rows at these positions.

        Positions count from the unit's first row. The second value has the same rows' positions
        within the smaller unit.
        """
        sizes = np.array(self.sizes)
        group_of_row = np.searchsorted(np.cumsum(sizes), positions, "right")
        kept = np.zeros(len(sizes), bool)
        kept[group_of_row] = True
        skipped = np.cumsum(np.where(kept, 0, sizes))
        return self.only(kept.tolist()), np.asarray(positions - skipped[group_of_row])


def units_of(footers: Sequence[pq.FileMetaData]) -> list[Unit]:
    """All rows of the files as units of at most `UNIT_ROWS` rows, or of one larger row group."""
    units: list[Unit] = []
    first = 0
    for file, footer in enumerate(footers):
        groups: list[int] = []
        sizes: list[int] = []
        rows = 0
        for group in range(footer.num_row_groups):
            size = footer.row_group(group).num_rows
            if groups and rows + size > UNIT_ROWS:
                units.append(Unit(file, tuple(groups), tuple(sizes), first))
                first += rows
                groups, sizes, rows = [], [], 0
            groups.append(group)
            sizes.append(size)
            rows += size
        if rows:
            units.append(Unit(file, tuple(groups), tuple(sizes), first))
            first += rows
    return units
