"""Compacts the store: many small files become one file a day, sorted by entity and time.

Readers may read and the job may write at the same time. First a list of the replaced files is
written, then the new file appears whole; from then on the replaced files no longer count, and they
are deleted. The next run finishes a run that was interrupted.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from pitwall.stores.offline.columns import Columns
from pitwall.stores.offline.files import REPLACES, Place, write_json
from pitwall.stores.offline.keys import keys_of
from pitwall.stores.offline.scan import Scan
from pitwall.stores.offline.timeline import Ints, ordered
from pitwall.stores.offline.units import UNIT_ROWS

PREFIX = "compact-"
Entity = tuple[Any, ...]
"""Values of the key columns."""


@dataclass(frozen=True)
class Compacted:
    """The result for the files of one folder, which holds one day."""

    folder: str
    files_before: int
    files_after: int
    rows: int
    """Rows in the file that remains."""


def compact(
    place: Place,
    columns: Columns,
    settled_s: float = 60.0,
    step: Callable[[str], None] = lambda text: None,
) -> list[Compacted]:
    """Compact each folder below `place` that has several files or one not compacted yet.

    Files younger than `settled_s` seconds are left for the next run. `step` is called with the path
    of each folder before it is compacted.
    """
    results = []
    for folder, names in _folders(place, settled_s).items():
        if len(names) > 1 or not names[0].startswith(PREFIX):
            step(folder)
            results.append(rewrite(Place(place.system, folder), names, columns))
    return results


def drop(place: Place, columns: Columns, gone: Iterable[Entity]) -> list[Compacted]:
    """Delete the rows of these entities: rewrite each folder below `place` that holds any."""
    gone = set(gone)
    results = []
    for folder, names in _folders(place, 0).items():
        here = Place(place.system, folder)
        if gone & set(_entities(Scan(here, only=names), columns)):
            results.append(rewrite(here, names, columns, gone))
    return results


def rewrite(
    folder: Place,
    names: list[str],
    columns: Columns,
    gone: set[Entity] | frozenset[Entity] = frozenset(),
) -> Compacted:
    """Replace these files by one that holds their rows except those of the entities `gone`.

    Where no row remains, the files are deleted and none is written.
    """
    scan = Scan(folder, only=names)
    order, ends = _order(scan, columns, gone)
    target = f"{PREFIX}{uuid.uuid4().hex}.parquet"
    if len(order):
        write_json(folder / f"{REPLACES}{target}.json", names)
        _write(scan, folder, target, order, ends)
    for name in names:
        _delete(folder / name)
    if len(order):
        _delete(folder / f"{REPLACES}{target}.json")
    return Compacted(folder.path, len(names), int(len(order) > 0), len(order))


def _write(scan: Scan, folder: Place, name: str, order: Ints, ends: list[int]) -> None:
    schema = scan.schema()
    hidden = folder / (f".{name}" if folder.local else name)
    types = {field.name: field.type for field in schema}
    with pq.ParquetWriter(hidden.path, schema, filesystem=folder.system) as writer:
        begin = 0
        for end in ends:
            writer.write_table(
                scan.gather(order[begin:end], types).cast(schema), row_group_size=2 * UNIT_ROWS
            )
            begin = end
    if folder.local:
        os.replace(hidden.path, (folder / name).path)


def _order(
    scan: Scan, columns: Columns, gone: set[Entity] | frozenset[Entity]
) -> tuple[Ints, list[int]]:
    """Row numbers sorted by entity and time, and the positions at which row groups end.

    A row group ends between two entities, except within an entity of more than `UNIT_ROWS` rows.
    """
    entities = _entities(scan, columns)
    key_columns = {
        name: pa.array([entity[i] for entity in entities], kind)
        for i, (name, kind) in enumerate(columns.keys.items())
    }
    keys = keys_of(key_columns)
    rows = ordered(scan.narrow(columns, keys, None, None))
    # Rows without event time or key count in no query; they are kept all the same.
    rest = np.setdiff1d(np.arange(scan.rows), rows.row)
    if gone:
        numbers = keys.numbers([*key_columns.values()]).tolist()
        kept = [
            number for number, entity in zip(numbers, entities, strict=True) if entity not in gone
        ]
        rows = rows.take(np.flatnonzero(np.isin(rows.entity, np.array(kept, np.int64))))
    order = np.concatenate([rows.row, rest])
    cuts = [*(np.flatnonzero(np.diff(rows.entity)) + 1).tolist(), len(order)]
    ends: list[int] = []
    begin = 0
    for cut, following in zip(cuts, [*cuts[1:], None], strict=True):
        while cut - begin > UNIT_ROWS:
            begin += UNIT_ROWS
            ends.append(begin)
        if cut > begin and (following is None or following - begin > UNIT_ROWS):
            ends.append(cut)
            begin = cut
    return order, ends


def _entities(scan: Scan, columns: Columns) -> list[Entity]:
    parts = [
        pl.DataFrame(pl.from_arrow(table)).unique()
        for table, _ in scan.batches([*columns.keys], columns.event, None, None)
        if table.num_rows
    ]
    return pl.concat(parts).unique().drop_nulls().rows() if parts else []


def _folders(place: Place, settled_s: float) -> dict[str, list[str]]:
    """Names of the files that count and are `settled_s` seconds old, by folder."""
    _finish_interrupted(place)
    names_in: dict[str, list[str]] = {}
    for info in place.files():
        if info.mtime is None or time.time() - info.mtime.timestamp() >= settled_s:
            folder, name = os.path.split(info.path)
            names_in.setdefault(folder, []).append(name)
    return names_in


def _finish_interrupted(place: Place) -> None:
    """Finish an interrupted run whose new file is complete; delete what any other one left."""
    infos = place.system.get_file_info(
        fs.FileSelector(place.path, allow_not_found=True, recursive=True)
    )
    paths = {info.path for info in infos}
    for path in paths:
        folder, name = os.path.split(path)
        if name.startswith(f".{PREFIX}"):
            place.system.delete_file(path)
        if name.startswith(REPLACES):
            if f"{folder}/{name.removeprefix(REPLACES).removesuffix('.json')}" in paths:
                with place.system.open_input_stream(path) as file:
                    for replaced in json.loads(file.read()):
                        _delete(Place(place.system, f"{folder}/{replaced}"))
            place.system.delete_file(path)


def _delete(file: Place) -> None:
    try:
        file.system.delete_file(file.path)
    except FileNotFoundError:
        pass
    if file.local and not any(Path(file.path).parent.iterdir()):
        Path(file.path).parent.rmdir()
