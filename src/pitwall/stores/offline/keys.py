"""Entities as numbers: the distinct combinations of key values, and the number of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pitwall.stores.offline.timeline import Ints

RUN_ROWS = 8
"""From so many rows of one entity on, in the mean, runs of rows are looked up."""


@dataclass(frozen=True)
class Keys:
    """A set of entities, numbered from 0 in the order of their key values."""

    values: dict[str, pa.Array]
    """The distinct values of each key column, sorted."""
    combinations: Ints
    """A number for each entity, rising; the position in this array is the entity number.

    It has one digit for each key column, the position of the value in `values`; the base of a
    digit is the number of distinct values of that column."""

    def numbers(self, columns: Sequence[pa.Array]) -> npt.NDArray[np.int32]:
        """The entity number of each row of these key columns, −1 for any other entity."""
        if (begins := _begins(columns)) is not None:
            lengths = np.diff(begins, append=len(columns[0]))
            return np.repeat(self._numbers([column.take(begins) for column in columns]), lengths)
        return self._numbers(columns)

    def _numbers(self, columns: Sequence[pa.Array]) -> npt.NDArray[np.int32]:
        mixed = np.zeros(len(columns[0]), np.int64)
        if len(self.combinations) == 0:
            return np.full(len(mixed), -1, np.int32)
        known = np.ones(len(mixed), bool)
        for column, values in zip(columns, self.values.values(), strict=True):
            index = _index(column, values)
            known &= index >= 0
            mixed = mixed * len(values) + index
        number = np.searchsorted(self.combinations, mixed)
        known &= number < len(self.combinations)
        known &= self.combinations[np.minimum(number, len(self.combinations) - 1)] == mixed
        return np.where(known, number, -1).astype(np.int32)

    def distinct(self, first: int, end: int) -> dict[str, list[Any]]:
        """Each key column's values, sorted, among the entities numbered `first` to `end` − 1."""
        values_of = {}
        mixed = self.combinations[first:end]
        for name, values in reversed(self.values.items()):
            values_of[name] = values.take(pa.array(np.unique(mixed % len(values)))).to_pylist()
            mixed = mixed // len(values)
        return values_of


def keys_of(columns: dict[str, pa.Array]) -> Keys:
    """The entities in these key columns. A row with a null in one of them is no entity."""
    values, mixed, known = {}, None, None
    for name, column in columns.items():
        distinct = pc.unique(column).drop_null()
        values[name] = distinct.take(pc.sort_indices(distinct))
        if len(values[name]) == 0:
            return Keys(values, np.empty(0, np.int64))
        index = _index(column, values[name])
        mixed = index if mixed is None else mixed * len(values[name]) + index
        known = index >= 0 if known is None else known & (index >= 0)
    assert mixed is not None and known is not None
    return Keys(values, np.unique(mixed[known]))


def _begins(columns: Sequence[pa.Array]) -> Ints | None:
    """Where a row differs from the one before it, so that each run of rows is looked up once.

    None where that does not pay, or where a column is no dictionary without nulls.
    """
    begins = np.zeros(len(columns[0]), bool)
    for column in columns:
        if not isinstance(column, pa.DictionaryArray) or column.null_count:
            return None
        entries = column.indices.to_numpy()
        begins[1:] |= entries[1:] != entries[:-1]
    begins[:1] = True
    places = np.flatnonzero(begins)
    return places if len(places) * RUN_ROWS <= len(begins) else None


def _index(column: pa.Array, values: pa.Array) -> Ints:
    """The position of each row's value in `values`, −1 for null and for any other value."""
    if isinstance(column, pa.DictionaryArray):
        index_of_entry = _index(column.dictionary, values)
        entries = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return (
            np.where(entries >= 0, index_of_entry[entries], -1)
            if len(index_of_entry)
            else np.full(len(entries), -1, np.int64)
        )
    index = pc.index_in(column, value_set=values, skip_nulls=True)
    return np.asarray(index.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
