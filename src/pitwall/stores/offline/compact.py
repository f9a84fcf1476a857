"""Compacts the store: many small files become few files a day, sorted by entity and time.

Readers may read and the job may write at the same time, and a run may be killed at any moment:
`commits` says how new files replace others. No value changes: files in which a column has another
type are compacted by themselves.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pitwall.errors import StoreError
from pitwall.stores.offline.columns import Columns
from pitwall.stores.offline.commits import COMPACT, commit, finish, persist, staged
from pitwall.stores.offline.files import Place
from pitwall.stores.offline.keys import Keys, keys_of
from pitwall.stores.offline.scan import CHUNK_ROWS, Scan
from pitwall.stores.offline.sorting import entities_of, row_groups
from pitwall.stores.offline.timeline import Ints
from pitwall.stores.offline.units import UNIT_ROWS

FILE_BYTES = 1 << 30
"""A file ends with the row group that passes this size. S3 copies no object of over 5 GB."""
Entity = tuple[Any, ...]
"""Values of the key columns."""


@dataclass(frozen=True)
class Compacted:
    """The result for files of one folder, which holds one day."""

    folder: str
    files_before: int
    files_after: int
    rows: int
    """Rows in the files that remain."""


def compact(
    place: Place,
    columns: Columns,
    settled_s: float = 60.0,
    step: Callable[[str], None] = lambda text: None,
    hold: int = CHUNK_ROWS,
) -> list[Compacted]:
    """Compact each folder below `place` that has a file which is not compacted yet.

    Files younger than `settled_s` seconds are left for the next run. `step` is called with the path
    of each folder before it is compacted. Keys and times of about `hold` rows are held at once.
    """
    finish(place.system, place.path)
    results = []
    for folder, names in _folders(place, settled_s).items():
        if not all(map(_is_compacted, names)):
            step(folder)
            here = Place(place.system, folder, place.scheme)
            for group in _alike(Scan(here, only=names), names):
                if not all(map(_is_compacted, group)):
                    results.append(rewrite(here, group, columns, hold=hold))
    return results


def drop(place: Place, columns: Columns, gone: Iterable[Entity]) -> list[Compacted]:
    """Delete the rows of these entities: rewrite each file below `place` that holds any."""
    gone = [*gone]
    finish(place.system, place.path)
    keys = _keys(columns, gone)
    results = []
    for folder, names in _folders(place, 0).items():
        here = Place(place.system, folder, place.scheme)
        scan = Scan(here, only=names)
        holding = scan.holding(scan.narrow(columns, keys, None, None).row)
        for group in _alike(Scan(here, only=holding), holding):
            results.append(rewrite(here, group, columns, gone))
    return results


def dropping(place: Place, columns: Columns, gone: Iterable[Entity]) -> Callable[[], None]:
    """A function that deletes the rows of these entities, as `drop` does."""
    entities = [*gone]

    def delete() -> None:
        drop(place, columns, entities)

    return delete


def rewrite(
    folder: Place,
    names: list[str],
    columns: Columns,
    gone: Sequence[Entity] = (),
    hold: int = CHUNK_ROWS,
) -> Compacted:
    """Replace these files by files that hold their rows except those of the entities `gone`.

    No column may have two types in them. Where no row remains, no file is written. Raises
    `StoreError`, and replaces nothing, where the new files do not have all rows that remain.
    """
    scan = Scan(folder, only=names)
    entities = entities_of(scan, columns, _keys(columns, gone))
    run = uuid.uuid4().hex
    new = _write(scan, folder, run, row_groups(scan, columns, entities, hold))
    expected = scan.rows - int(entities.rows[~entities.kept].sum())
    rows = sum(_rows_in(Place(folder.system, staged((folder / name).path))) for name in new)
    if rows != expected:
        raise StoreError(
            f"{expected:,} rows in {folder.path} became {rows:,} when they were rewritten; "
            "nothing was replaced; run the command again"
        )
    commit(folder.system, folder.path, run, new, names)
    return Compacted(folder.path, len(names), len(new), rows)


def _write(scan: Scan, folder: Place, run: str, groups: Iterable[Ints]) -> list[str]:
    """Write staged files with these row groups; returns the names that the files will have."""
    schema = scan.schema()
    types = {field.name: field.type for field in schema}
    names: list[str] = []
    stream: pa.NativeFile | None = None
    with ExitStack() as open_files:
        for rows in groups:
            if stream is None or stream.tell() > FILE_BYTES:
                open_files.close()
                names.append(f"{COMPACT}{run}-{len(names)}.parquet")
                path = staged((folder / names[-1]).path)
                stream = open_files.enter_context(folder.system.open_output_stream(path))
                writer = open_files.enter_context(pq.ParquetWriter(stream, schema))
            writer.write_table(scan.gather(rows, types).cast(schema), row_group_size=2 * UNIT_ROWS)
    for name in names:
        persist(folder.system, staged((folder / name).path))
    return names


def _rows_in(file: Place) -> int:
    with file.system.open_input_file(file.path) as source:
        return int(pq.read_metadata(source).num_rows)


def _alike(scan: Scan, names: Sequence[str]) -> list[list[str]]:
    """The files of the scan in groups within which each column has one type."""
    groups: list[tuple[dict[str, pa.DataType], list[str]]] = []
    for schema, name in zip(scan.schemas, names, strict=True):
        types = {field.name: field.type for field in schema if field.type != pa.null()}
        for known, group in groups:
            if all(known.get(column, kind) == kind for column, kind in types.items()):
                known |= types
                group.append(name)
                break
        else:
            groups.append((types, [name]))
    return [group for _, group in groups]


def _keys(columns: Columns, entities: Sequence[Entity]) -> Keys:
    return keys_of(
        {
            name: pa.array([entity[i] for entity in entities], kind)
            for i, (name, kind) in enumerate(columns.keys.items())
        }
    )


def _folders(place: Place, settled_s: float) -> dict[str, list[str]]:
    """Names of the files that count and are `settled_s` seconds old, by folder."""
    names_in: dict[str, list[str]] = {}
    for info in place.files():
        if info.mtime is None or time.time() - info.mtime.timestamp() >= settled_s:
            folder, name = os.path.split(info.path)
            names_in.setdefault(folder, []).append(name)
    return names_in


def _is_compacted(name: str) -> bool:
    return name.startswith(COMPACT)
