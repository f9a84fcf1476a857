"""Tables with the rows of several cars or drivers, which would become one car's session."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import LapFileError
from pitwall.recordings.text.axis import Axis
from pitwall.recordings.text.body import Body
from pitwall.recordings.text.cells import Kind
from pitwall.recordings.text.columns import Field

NAMES = {
    *("driver", "drivername", "drivernumber", "driverid", "drivercode", "car", "carid", "caridx"),
    *("carnumber", "carnum", "carno", "vehicle", "vehicleid", "racenumber", "racingnumber"),
}
"""Letters of the names of columns that say whose row it is."""
ROWS_A_CHANGE = 20
"""Drivers change in far fewer rows than one in so many, cars in a mixed table in more."""


def columns_of(fields: Sequence[Field]) -> frozenset[int]:
    """The columns that say whose row it is."""
    return frozenset(
        index
        for index, column in enumerate(fields)
        if re.sub(r"[^a-z]", "", column.name.lower()) in NAMES
        and column.kind in {Kind.NUMBER, Kind.TEXT}
        and column.sign_of is None
    )


def check(path: Path, fields: Sequence[Field], body: Body, axis: Axis) -> None:
    """Raise `LapFileError` for a table that mixes cars or appends one car's rows to another's.

    Drivers who take turns in one car are no such thing: their rows follow each other in time.
    """
    for index in sorted(columns_of(fields)):
        whose = _codes(body, index)
        changes = np.flatnonzero(np.diff(whose) != 0) + 1
        if not changes.size:
            continue
        seconds = axis.times_s
        falls = bool((seconds[changes] < seconds[changes - 1]).any())
        begins = np.isin(np.round(seconds[changes], 6), np.round(axis.restarts, 6)).any()
        if falls or begins or len(changes) * ROWS_A_CHANGE > len(whose):
            raise LapFileError(
                f"{path}: column {fields[index].name} has the rows of "
                f"{len(np.unique(whose))} cars, first another one in line "
                f"{body.lines[changes[0]]}; write the rows of each into a file of its own"
            )


def _codes(body: Body, index: int) -> NDArray[np.float64]:
    """A number for each driver, shape (rows,); a row without one is of the driver before."""
    if index in body.texts:
        codes = body.texts[index].to_physical().to_numpy().astype(np.float64)
    else:
        codes = body.values.get(index, np.zeros(len(body.lines)))
    known = np.where(np.isfinite(codes), np.arange(len(codes)), 0)
    filled: NDArray[np.float64] = codes[np.maximum.accumulate(known)] if len(codes) else codes
    return np.nan_to_num(filled, nan=-1.0)
