"""Reads Parquet files in two steps: first keys and times of rows that can matter, then columns.

The second step reads the wanted columns of the chosen rows only. So memory grows with the rows that
are asked for, not with the size of the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pitwall.errors import StoreError
from pitwall.stores.offline.columns import Columns, cast, times
from pitwall.stores.offline.files import Place
from pitwall.stores.offline.keys import Keys
from pitwall.stores.offline.pruning import Wanted
from pitwall.stores.offline.timeline import NO_CREATED, Ints, Rows
from pitwall.stores.offline.units import Unit, units_of

CHUNK_ROWS = 4_000_000
"""Keys and times of at most so many rows are held at once, about 100 bytes a row."""
BLOCK_VALUES = 131_072
"""About so many values are decoded at once, so that they stay in the processor's cache until the
wanted ones are taken, and their memory is used again."""
T = TypeVar("T")


class Scan:
    """The Parquet files of one source at the moment when the scan is made.

    The rows of all files together are numbered from 0; `rows` is their number. With `only`, just
    the files of these names in `place`. Raises `StoreError` when a file is not a Parquet file.
    """

    def __init__(self, place: Place, only: Sequence[str] | None = None) -> None:
        self.place = place
        self._threads = 2 if place.local else 8
        self._paths = (
            [info.path for info in place.files()]
            if only is None
            else [(place / name).path for name in only]
        )
        self._footers = self._in_threads(self._footer, self._paths)
        self.schemas = [footer.schema.to_arrow_schema() for footer in self._footers]
        """The columns of each file."""
        self._units = units_of(self._footers)
        self.rows = sum(unit.rows for unit in self._units)

    def _footer(self, path: str) -> pq.FileMetaData:
        try:
            with self.place.system.open_input_file(path) as file:
                return pq.read_metadata(file)
        except pa.ArrowInvalid as error:
            raise StoreError(
                f"{path} cannot be read as Parquet ({error}); move it out of the store's folder"
            ) from error

    def _in_threads(self, work: Callable[[Any], T], items: Sequence[Any]) -> list[T]:
        if len(items) < 2:
            return [work(item) for item in items]
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(work, items))

    def schema(self) -> pa.Schema:
        """All columns of the files, each with the type in the newest file that has values in it."""
        fields: dict[str, pa.Field] = {}
        for schema in self.schemas:
            for field in schema:
                if field.name not in fields or field.type != pa.null():
                    fields[field.name] = field
        return pa.schema(list(fields.values()))

    def type_of(self, name: str) -> pa.DataType | None:
        """The type of a column in the newest file that has it; None when no file has it."""
        return next(
            (schema.field(name).type for schema in reversed(self.schemas) if name in schema.names),
            None,
        )

    def need(self, names: Sequence[str]) -> None:
        """Raise `StoreError` naming the first of these columns that no file has."""
        present = set(self.schema().names)
        missing = [name for name in names if name not in present]
        if missing and self._paths:
            raise StoreError(
                f"no file in {self.place.path} has the column {missing[0]!r}; "
                f"there are {', '.join(sorted(present))}"
            )

    def bytes_of(self, rows: Ints) -> npt.NDArray[np.float64]:
        """Bytes in its file that each of these rows takes: its share of its unit, compressed."""
        sizes = np.array(
            [
                sum(
                    footer.row_group(group).column(column).total_compressed_size
                    for group in unit.groups
                    for column in range(footer.num_columns)
                )
                / unit.rows
                for unit in self._units
                for footer in [self._footers[unit.file]]
            ]
        )
        firsts = [unit.first for unit in self._units]
        return sizes[np.searchsorted(firsts, rows, "right") - 1] if len(rows) else np.empty(0)

    def holding(self, rows: Ints) -> list[str]:
        """The names of the files that hold the rows with these numbers."""
        firsts = [unit.first for unit in self._units]
        units = np.unique(np.searchsorted(firsts, rows, "right") - 1).tolist()
        paths = dict.fromkeys(self._paths[self._units[unit].file] for unit in units)
        return [path.rpartition("/")[2] for path in paths]

    def narrow(
        self,
        columns: Columns,
        keys: Keys | None,
        low: int | None,
        high: int | None,
        only: tuple[int, int] | None = None,
    ) -> Rows:
        """Keys and times of the rows of these entities from `low` to `high`.

        Both instants are included, in µs since the epoch; None means no bound. Without `keys` all
        rows belong to entity 0. `only` = (first, end) selects the entities first to end − 1.
        """
        self.need(columns.names)
        wanted = Wanted(_comparable_values(columns, keys, only), columns.event, low, high)
        strings = [name for name, kind in columns.keys.items() if pa.types.is_string(kind)]

        def read(unit: Unit) -> Rows:
            part = wanted.part_of(unit, self._footers[unit.file])
            if part is None:
                return Rows.together([])
            table = self._read(part, columns.names, strings)
            entity = self._entities(table, columns, keys, part)
            number = unit.row_numbers(part)
            event = times(self._column(table, columns.event, part), columns.event)
            use = (entity >= 0) & _between(event, low, high)
            if only is not None:
                use &= (entity >= only[0]) & (entity < only[1])
            if columns.created and columns.created in table.column_names:
                created = times(table[columns.created], columns.created)
            else:
                created = np.full(len(use), NO_CREATED)
            rows = Rows(entity, event, created, number)
            return rows if use.all() else rows.take(np.flatnonzero(use))

        return Rows.together([rows for rows in self._in_threads(read, self._units) if len(rows)])

    def gather(self, rows: Ints, columns: dict[str, pa.DataType | None]) -> pa.Table:
        """These columns of the rows with these numbers, in the order of `rows`.

        A column has the given type, or with None its type in the newest file. Values are null for
        the row number −1 and in a file that lacks the column.
        """
        types = {name: kind or self.type_of(name) or pa.null() for name, kind in columns.items()}
        schema = pa.schema([pa.field(name, kind) for name, kind in types.items()])
        order = np.argsort(rows, kind="stable")
        rising = rows[order]
        begins = np.searchsorted(rising, [unit.first for unit in self._units] + [self.rows])
        used = [i for i in range(len(self._units)) if begins[i] < begins[i + 1]]

        def take(i: int) -> pa.Table:
            unit = self._units[i]
            part, positions = unit.holding(rising[begins[i] : begins[i + 1]] - unit.first)
            found = self._taken(part, [*types], pa.array(positions))
            arrays = [
                cast(found[name], kind, name) if name in found else pa.nulls(len(positions), kind)
                for name, kind in types.items()
            ]
            return pa.table(arrays, schema=schema)

        missing = int(begins[0]) if len(self._units) else len(rows)
        parts = [
            pa.table([pa.nulls(missing, kind) for kind in types.values()], schema=schema),
            *self._in_threads(take, used),
        ]
        back = np.empty(len(rows), np.int64)
        back[order] = np.arange(len(rows))
        table = pa.concat_tables(parts).combine_chunks()
        return table if np.array_equal(back, np.arange(len(rows))) else table.take(pa.array(back))

    def batches(
        self, columns: Sequence[str], event: str, low: int | None, high: int | None
    ) -> Iterator[tuple[pa.Table, Ints]]:
        """These columns of the rows from `low` to `high`, unit by unit, with the rows' numbers.

        `event` names the column of event times; both instants are included, in µs since the epoch.
        Values of a column that a file lacks are null.
        """
        self.need(columns)
        types = {name: self.type_of(name) for name in columns}
        wanted = Wanted({}, event, low, high)
        for unit in self._units:
            part = wanted.part_of(unit, self._footers[unit.file])
            if part is None:
                continue
            table = self._read(part, [*dict.fromkeys([*columns, event])])
            use = _between(times(self._column(table, event, part), event), low, high)
            arrays = [
                cast(table[name], kind, name)
                if name in table.column_names
                else pa.nulls(table.num_rows, kind)
                for name, kind in types.items()
            ]
            yield (
                pa.table(arrays, names=[*types]).filter(pa.array(use)),
                unit.row_numbers(part)[use],
            )

    def _read(
        self, unit: Unit, columns: Sequence[str], dictionaries: Sequence[str] = ()
    ) -> pa.Table:
        """Those of the columns that the unit's file has; `dictionaries` as Arrow dictionaries."""
        names = self.schemas[unit.file].names
        present = [name for name in columns if name in names]
        with self._opened(unit, [name for name in dictionaries if name in names]) as file:
            # At least one column is read, because a table without columns has no number of rows.
            return file.read_row_groups(
                list(unit.groups), columns=present or names[:1], use_threads=False
            )

    def _taken(
        self, unit: Unit, columns: Sequence[str], positions: pa.Array
    ) -> dict[str, pa.ChunkedArray]:
        """The values at these positions of those columns that the unit's file has."""
        names = set(self.schemas[unit.file].names)
        present = [name for name in columns if name in names]
        # A remote file is asked once for all columns, so that their ranges are read together.
        width = max(1, BLOCK_VALUES // unit.rows) if self.place.local else max(1, len(present))
        found = {}
        with self._opened(unit) as file:
            for first in range(0, len(present), width):
                block = present[first : first + width]
                table = file.read_row_groups(list(unit.groups), columns=block, use_threads=False)
                found.update({name: table[name].take(positions) for name in block})
        return found

    @contextmanager
    def _opened(self, unit: Unit, dictionaries: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
        with self.place.system.open_input_file(self._paths[unit.file]) as source:
            yield pq.ParquetFile(
                source,
                metadata=self._footers[unit.file],
                read_dictionary=list(dictionaries),
                pre_buffer=not self.place.local,
            )

    def _column(self, table: pa.Table, name: str, unit: Unit) -> pa.ChunkedArray:
        if name not in table.column_names:
            raise StoreError(
                f"{self._paths[unit.file]} lacks the column {name!r} that its source names; "
                "rewrite the file or correct the source"
            )
        return table[name]

    def _entities(
        self, table: pa.Table, columns: Columns, keys: Keys | None, unit: Unit
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


def _comparable_values(
    columns: Columns, keys: Keys | None, only: tuple[int, int] | None
) -> dict[str, list[Any]]:
    """The entities' values of those key columns whose statistics compare as their values do."""
    if keys is None or not len(keys.combinations):
        return {}
    return {
        name: values
        for name, values in keys.distinct(*(only or (0, len(keys.combinations)))).items()
        if pa.types.is_string(columns.keys[name]) or pa.types.is_integer(columns.keys[name])
    }


def _between(event: Ints, low: int | None, high: int | None) -> npt.NDArray[np.bool_]:
    use: npt.NDArray[np.bool_] = event != NO_CREATED
    if low is not None:
        use &= event >= low
    if high is not None:
        use &= event <= high
    return use
