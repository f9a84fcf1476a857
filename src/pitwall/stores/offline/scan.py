"""Reading Parquet files in two steps: first only keys and times, of what can matter; then the wanted columns of the rows chosen.

So memory grows with the rows asked for, not with what the files hold.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pitwall.errors import StoreError
from pitwall.stores.offline.files import Place
from pitwall.stores.offline.timeline import NO_CREATED, Ints, Rows

UNIT_ROWS = 131_072
"""Small row groups of a file are read together up to so many rows."""
MICROS = pa.timestamp("us", "UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
T = TypeVar("T")


@dataclass(frozen=True)
class Columns:
    """What the key and time columns are called in the files, and the keys' types."""

    keys: dict[str, pa.DataType]
    event: str
    created: str | None

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [*self.keys, self.event, *([self.created] if self.created else [])]


@dataclass(frozen=True)
class Keys:
    """The entities asked for: each key column's distinct values, sorted, and which combinations of them are which entity."""

    values: dict[str, pa.Array]
    combinations: Ints
    """Mixed-radix numbers of the combinations, rising; the place of one is its entity number."""

    def numbers(self, columns: Sequence[pa.Array]) -> npt.NDArray[np.int32]:
        """The entity number of each row of these key columns, or -1."""
        mixed = np.zeros(len(columns[0]), np.int64)
        if len(self.combinations) == 0:
            return np.full(len(mixed), -1, np.int32)
        known = np.ones(len(mixed), bool)
        for column, values in zip(columns, self.values.values(), strict=True):
            index = _index(column, values)
            known &= index >= 0
            mixed = mixed * len(values) + index
        at = np.searchsorted(self.combinations, mixed)
        known &= at < len(self.combinations)
        known &= self.combinations[np.minimum(at, len(self.combinations) - 1)] == mixed
        return np.where(known, at, -1).astype(np.int32)

    def distinct(self, low: int, high: int) -> dict[str, list[Any]]:
        """Each key column's values among the entities numbered low to high - 1, sorted."""
        found = {}
        mixed = self.combinations[low:high]
        for name, values in reversed(self.values.items()):
            found[name] = values.take(pa.array(np.unique(mixed % len(values)))).to_pylist()
            mixed = mixed // len(values)
        return found


def keys_of(columns: dict[str, pa.Array]) -> Keys:
    """The distinct key combinations of these columns; a row with a null in one is no entity."""
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


def _index(column: pa.Array, values: pa.Array) -> Ints:
    if isinstance(column, pa.DictionaryArray):
        each = _index(column.dictionary, values)
        places = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return (
            np.where(places >= 0, each[places], -1)
            if len(each)
            else np.full(len(places), -1, np.int64)
        )
    found = pc.index_in(column, value_set=values, skip_nulls=True)
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


@dataclass(frozen=True)
class _Unit:
    """Adjacent row groups of one file; `first` is the number of their first row among all rows of the scan."""

    file: int
    groups: tuple[int, ...]
    first: int
    rows: int


class Scan:
    """The Parquet files of one source as they are now. Raises `StoreError` when one is no Parquet file."""

    def __init__(self, place: Place, only: Sequence[str] | None = None) -> None:
        self.place = place
        self._threads = 2 if place.local else 8
        self._paths = (
            [info.path for info in place.files()]
            if only is None
            else [(place / name).path for name in only]
        )
        self._metadata = self._each(self._footer, self._paths)
        self._schemas = [metadata.schema.to_arrow_schema() for metadata in self._metadata]
        self._units: list[_Unit] = []
        self.rows = 0
        for number, metadata in enumerate(self._metadata):
            groups: list[int] = []
            rows = 0
            for group in range(metadata.num_row_groups):
                more = metadata.row_group(group).num_rows
                if groups and rows + more > UNIT_ROWS:
                    self._add(number, groups, rows)
                    groups, rows = [], 0
                groups.append(group)
                rows += more
            if rows:
                self._add(number, groups, rows)

    def _add(self, file: int, groups: list[int], rows: int) -> None:
        self._units.append(_Unit(file, tuple(groups), self.rows, rows))
        self.rows += rows

    def _footer(self, path: str) -> pq.FileMetaData:
        try:
            with self.place.system.open_input_file(path) as file:
                return pq.read_metadata(file)
        except pa.ArrowInvalid as error:
            raise StoreError(
                f"{path} cannot be read as Parquet ({error}); move it out of the store's folder"
            ) from error

    def _each(self, work: Callable[[Any], T], items: Sequence[Any]) -> list[T]:
        if len(items) < 2:
            return [work(item) for item in items]
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(work, items))

    def schema(self) -> pa.Schema:
        """Every column of the files, with the type of the newest file that has it."""
        fields: dict[str, pa.Field] = {}
        for schema in self._schemas:
            for field in schema:
                fields[field.name] = field
        return pa.schema(list(fields.values()))

    def type_of(self, name: str) -> pa.DataType | None:
        """The type of a column in the newest file that has it."""
        return next(
            (schema.field(name).type for schema in reversed(self._schemas) if name in schema.names),
            None,
        )

    def need(self, names: Sequence[str]) -> None:
        """Raise `StoreError` naming a column that no file has."""
        have = set(self.schema().names)
        missing = [name for name in names if name not in have]
        if missing and self._paths:
            raise StoreError(
                f"no file in {self.place.path} has the column {missing[0]!r}; there are {', '.join(sorted(have))}"
            )

    def _read(
        self, unit: _Unit, columns: Sequence[str], dictionaries: Sequence[str] = ()
    ) -> pa.Table:
        schema = self._schemas[unit.file]
        present = [name for name in columns if name in schema.names]
        with self.place.system.open_input_file(self._paths[unit.file]) as source:
            file = pq.ParquetFile(
                source,
                metadata=self._metadata[unit.file],
                read_dictionary=[n for n in dictionaries if n in schema.names],
                pre_buffer=not self.place.local,
            )
            # With a column of the file at least: the number of rows comes with it.
            table = file.read_row_groups(
                list(unit.groups), columns=present or schema.names[:1], use_threads=False
            )
        return table

    def _may_hold(
        self,
        unit: _Unit,
        groups: dict[str, list[Any]],
        event: str,
        low: int | None,
        high: int | None,
    ) -> _Unit | None:
        """The unit with what the files' statistics cannot rule out; None when nothing is left. Numbers of rows stay."""
        metadata = self._metadata[unit.file]
        kept = []
        for group in unit.groups:
            about = metadata.row_group(group)
            if all(
                _possible(about.column(i), groups, event, low, high)
                for i in self._numbers(unit.file, (*groups, event))
            ):
                kept.append(group)
        if len(kept) == len(unit.groups):
            return unit
        return _Unit(unit.file, tuple(kept), unit.first, unit.rows) if kept else None

    def _numbers(self, file: int, names: Sequence[str]) -> list[int]:
        all_names = [
            self._metadata[file].schema.column(i).path
            for i in range(len(self._metadata[file].schema))
        ]
        return [all_names.index(name) for name in names if name in all_names]

    def narrow(
        self,
        columns: Columns,
        keys: Keys | None,
        low: int | None,
        high: int | None,
        only: tuple[int, int] | None = None,
    ) -> Rows:
        """Keys and times of the rows of these entities between two instants, both included (µs; None: no bound).

        Without `keys` all rows are of entity 0. `only` (first, end) gives just the entities numbered first to end - 1.
        """
        self.need(columns.names)
        wanted = {}
        if keys is not None and len(keys.combinations):
            for name, values in keys.distinct(*(only or (0, len(keys.combinations)))).items():
                if pa.types.is_string(columns.keys[name]) or pa.types.is_integer(
                    columns.keys[name]
                ):
                    wanted[name] = values

        def read(unit: _Unit) -> Rows:
            kept = self._may_hold(unit, wanted, columns.event, low, high)
            if kept is None:
                return Rows.together([])
            strings = [name for name, kind in columns.keys.items() if pa.types.is_string(kind)]
            table = self._read(kept, columns.names, strings)
            entity = self._entities(table, columns, keys, kept)
            number = self._row_numbers(unit, kept)
            event = times(self._column(table, columns.event, kept), columns.event)
            use = (entity >= 0) & (event != NO_CREATED)
            if only is not None:
                use &= (entity >= only[0]) & (entity < only[1])
            if low is not None:
                use &= event >= low
            if high is not None:
                use &= event <= high
            if columns.created and columns.created in table.column_names:
                created = times(table[columns.created], columns.created)[use]
            else:
                created = np.full(int(use.sum()), NO_CREATED)
            return Rows(entity[use], event[use], created, number[use])

        return Rows.together([rows for rows in self._each(read, self._units) if len(rows)])

    def _column(self, table: pa.Table, name: str, unit: _Unit) -> pa.ChunkedArray:
        if name not in table.column_names:
            raise StoreError(
                f"{self._paths[unit.file]} has no column {name!r}, as its source says; rewrite the file or correct the source"
            )
        return table[name]

    def _entities(
        self, table: pa.Table, columns: Columns, keys: Keys | None, unit: _Unit
    ) -> npt.NDArray[np.int32]:
        if keys is None:
            return np.zeros(table.num_rows, np.int32)
        arrays = []
        for name, kind in columns.keys.items():
            column = self._column(table, name, unit).combine_chunks()
            if isinstance(column, pa.ChunkedArray):
                column = pa.concat_arrays(column.chunks)
            arrays.append(
                column
                if isinstance(column, pa.DictionaryArray) and column.type.value_type == kind
                else cast(column, kind, name)
            )
        return keys.numbers(arrays)

    def _row_numbers(self, unit: _Unit, kept: _Unit) -> Ints:
        if kept.groups == unit.groups:
            return np.arange(unit.first, unit.first + unit.rows)
        metadata, parts, at = self._metadata[unit.file], [], unit.first
        for group in unit.groups:
            rows = metadata.row_group(group).num_rows
            if group in kept.groups:
                parts.append(np.arange(at, at + rows))
            at += rows
        return np.concatenate(parts)

    def gather(self, rows: Ints, columns: dict[str, pa.DataType | None]) -> pa.Table:
        """These columns of the rows with these numbers, in their order; a row -1 and a column that a file lacks are null.

        A column has the type asked for, or (None) that of the newest file.
        """
        types = {name: kind or self.type_of(name) or pa.null() for name, kind in columns.items()}
        schema = pa.schema([pa.field(name, kind) for name, kind in types.items()])
        order = np.argsort(rows, kind="stable")
        rising = rows[order]
        begins = np.searchsorted(rising, [unit.first for unit in self._units] + [self.rows])
        used = [i for i in range(len(self._units)) if begins[i] < begins[i + 1]]

        def take(i: int) -> pa.Table:
            unit = self._units[i]
            inside = rising[begins[i] : begins[i + 1]] - unit.first
            table = self._read(self._only(unit, inside), [*types])
            inside = self._shift(unit, inside)
            arrays = []
            for name, kind in types.items():
                if name in table.column_names:
                    arrays.append(cast(table[name].take(pa.array(inside)), kind, name))
                else:
                    arrays.append(pa.nulls(len(inside), kind))
            return pa.table(arrays, schema=schema)

        missing = int(begins[0]) if len(self._units) else len(rows)
        parts = [
            pa.table([pa.nulls(missing, kind) for kind in types.values()], schema=schema),
            *self._each(take, used),
        ]
        back = np.empty(len(rows), np.int64)
        back[order] = np.arange(len(rows))
        whole = pa.concat_tables(parts).combine_chunks()
        return whole if np.array_equal(back, np.arange(len(rows))) else whole.take(pa.array(back))

    def _touched(self, unit: _Unit, inside: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        sizes = np.array(
            [self._metadata[unit.file].row_group(group).num_rows for group in unit.groups]
        )
        ends = np.cumsum(sizes)
        touched = np.zeros(len(sizes), bool)
        touched[np.searchsorted(ends, inside, "right")] = True
        return sizes, touched

    def _only(self, unit: _Unit, inside: Ints) -> _Unit:
        _, touched = self._touched(unit, inside)
        return _Unit(
            unit.file,
            tuple(g for g, t in zip(unit.groups, touched, strict=True) if t),
            unit.first,
            unit.rows,
        )

    def _shift(self, unit: _Unit, inside: Ints) -> Ints:
        """Places within the unit as places within what `_only` leaves of it."""
        sizes, touched = self._touched(unit, inside)
        skipped = np.cumsum(np.where(touched, 0, sizes))
        group = np.searchsorted(np.cumsum(sizes), inside, "right")
        return np.asarray(inside - skipped[group])

    def batches(
        self, columns: Sequence[str], event: str, low: int | None, high: int | None
    ) -> Iterator[tuple[pa.Table, Ints]]:
        """The rows between two instants, unit by unit, with their numbers; a column that a file lacks is null."""
        self.need(columns)
        types = {name: self.type_of(name) for name in columns}
        for unit in self._units:
            kept = self._may_hold(unit, {}, event, low, high)
            if kept is None:
                continue
            table = self._read(kept, [*dict.fromkeys([*columns, event])])
            when = times(self._column(table, event, kept), event)
            use = when != NO_CREATED
            if low is not None:
                use &= when >= low
            if high is not None:
                use &= when <= high
            arrays = [
                cast(table[name], kind, name)
                if name in table.column_names
                else pa.nulls(table.num_rows, kind)
                for name, kind in types.items()
            ]
            yield (
                pa.table(arrays, names=[*types]).filter(pa.array(use)),
                self._row_numbers(unit, kept)[use],
            )


def _possible(
    about: Any, keys: dict[str, list[Any]], event: str, low: int | None, high: int | None
) -> bool:
    statistics = about.statistics
    if statistics is None or not statistics.has_min_max:
        return True
    if about.path_in_schema in keys:
        values = keys[about.path_in_schema]
        if values and not isinstance(statistics.min, type(values[0])):
            return True
        at = bisect.bisect_left(values, statistics.min)
        return at < len(values) and bool(values[at] <= statistics.max)
    if about.path_in_schema == event and isinstance(statistics.min, datetime):
        # Statistics are whole µs; those of ns may be cut off by up to one.
        return (low is None or _micros(statistics.max) >= low - 1) and (
            high is None or _micros(statistics.min) <= high + 1
        )
    return True


def _micros(value: datetime) -> int:
    return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - EPOCH) // timedelta(
        microseconds=1
    )


def cast(column: Any, kind: pa.DataType, name: str) -> Any:
    """`column` as `kind`; raises `StoreError` naming the column where its values do not fit."""
    if column.type == kind:
        return column
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise StoreError(
            f"column {name!r} is {column.type} and cannot be read as {kind}: {error}; correct the type in the view"
        ) from error


def times(column: Any, name: str) -> Ints:
    """Instants as µs since the epoch; times without a zone are UTC; null is `NO_CREATED`."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s"))
    if not pa.types.is_timestamp(column.type):
        raise StoreError(f"column {name!r} is {column.type}, not a timestamp; write it as one")
    micros = column.cast(MICROS, safe=False) if column.type != MICROS else column
    return np.asarray(micros.cast(pa.int64()).fill_null(NO_CREATED).to_numpy(), np.int64)


def instant(value: date | None) -> int | None:
    """A datetime (UTC where it names no zone) as µs since the epoch."""
    if value is None:
        return None
    whole = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return _micros(whole)
