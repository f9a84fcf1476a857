"""Many small files become one for each day, sorted by entity and time, while readers read and a job writes more.

A new file appears whole beside a list of those it replaces; from then on these no longer count, and are deleted. A run
that was broken off is finished by the next one.
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

from pitwall.stores.offline.files import REPLACES, Place, write_json
from pitwall.stores.offline.scan import UNIT_ROWS, Columns, Scan, keys_of
from pitwall.stores.offline.timeline import Ints, ordered

PREFIX = "compact-"
Entity = tuple[Any, ...]


@dataclass(frozen=True)
class Compacted:
    """What became of the files of one folder (a day)."""

    folder: str
    files_before: int
    files_after: int
    rows: int
    """Rows that remain."""


def compact(
    place: Place,
    columns: Columns,
    settled_s: float = 60.0,
    step: Callable[[str], None] = lambda text: None,
) -> list[Compacted]:
    """Compact each folder below `place` that has more than one file or one not compacted yet.

    Files younger than `settled_s` are left for the next time.
    """
    done = []
    for folder, names in _folders(place, settled_s).items():
        if len(names) > 1 or not names[0].startswith(PREFIX):
            step(folder)
            done.append(rewrite(Place(place.system, folder), names, columns))
    return done


def drop(place: Place, columns: Columns, gone: Iterable[Entity]) -> list[Compacted]:
    """Rewrite the files below `place` that hold rows of these entities (their key values) without them."""
    gone = set(gone)
    done = []
    for folder, names in _folders(place, 0).items():
        here = Place(place.system, folder)
        if gone & set(_entities(Scan(here, only=names), columns)):
            done.append(rewrite(here, names, columns, gone))
    return done


def rewrite(
    folder: Place,
    names: list[str],
    columns: Columns,
    gone: set[Entity] | frozenset[Entity] = frozenset(),
) -> Compacted:
    """Put the rows of these files, but for some entities, into one new file; without rows left, just delete the files."""
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
    """Row numbers by entity and time, and where row groups end: between entities where these are not too large."""
    every = _entities(scan, columns)
    kept = [entity for entity in every if entity not in gone]
    table = {
        name: pa.array([entity[i] for entity in every], kind)
        for i, (name, kind) in enumerate(columns.keys.items())
    }
    rows = ordered(scan.narrow(columns, keys_of(table), None, None))
    numbers = keys_of(table).numbers([*table.values()])
    by_number = dict(zip(numbers.tolist(), every, strict=True))
    # Rows without an instant or a key count for nothing, but are not ours to throw away.
    rest = np.setdiff1d(np.arange(scan.rows), rows.row)
    if gone:
        left = np.array(
            [number for number, entity in by_number.items() if entity in set(kept)], np.int64
        )
        rows = rows.take(np.flatnonzero(np.isin(rows.entity, left)))
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
    """Names of the files that count, by folder; broken-off runs are finished or forgotten."""
    _clean(place)
    found: dict[str, list[str]] = {}
    for info in place.files():
        if info.mtime is None or time.time() - info.mtime.timestamp() >= settled_s:
            folder, name = os.path.split(info.path)
            found.setdefault(folder, []).append(name)
    return found


def _clean(place: Place) -> None:
    every = place.system.get_file_info(
        fs.FileSelector(place.path, allow_not_found=True, recursive=True)
    )
    paths = {info.path for info in every}
    for path in paths:
        folder, name = os.path.split(path)
        if name.startswith(f".{PREFIX}"):
            place.system.delete_file(path)
        if name.startswith(REPLACES):
            if f"{folder}/{name.removeprefix(REPLACES).removesuffix('.json')}" in paths:
                with place.system.open_input_stream(path) as file:
                    for each in json.loads(file.read()):
                        _delete(Place(place.system, f"{folder}/{each}"))
            place.system.delete_file(path)


def _delete(file: Place) -> None:
    try:
        file.system.delete_file(file.path)
    except FileNotFoundError:
        pass
    if file.local and not any(Path(file.path).parent.iterdir()):
        Path(file.path).parent.rmdir()
