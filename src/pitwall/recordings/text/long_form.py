"""Tables in long form: a row is one value of one channel, with the channel's name in a cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pitwall.recordings.recording import Column
from pitwall.recordings.text.body import Body
from pitwall.recordings.text.cells import Kind
from pitwall.recordings.text.columns import Field
from pitwall.recordings.text.units import heading, no_unit

NAME_WORDS = {
    *("channel", "channelname", "name", "signal", "signalname", "variable", "parameter", "pid"),
    *("sensor", "key", "metric", "measurement", "series", "quantity", "field", "tag", "label"),
}
VALUE_WORDS = {"value", "val", "values", "reading", "data", "datum", "measurement", "physvalue"}
UNIT_WORDS = {"unit", "units"}
MOST_COLUMNS = 8
"""Columns above which a table is not in long form, whatever their names."""


@dataclass(frozen=True)
class Parts:
    """The columns of a table in long form."""

    name: int
    value: int
    unit: int | None

    @property
    def texts(self) -> frozenset[int]:
        """The columns whose texts are needed."""
        return frozenset({self.name} if self.unit is None else {self.name, self.unit})


def parts_of(fields: Sequence[Field]) -> Parts | None:
    """The parts of a table in long form; None where each channel has a column."""
    if len([column for column in fields if not column.counter]) > MOST_COLUMNS:
        return None
    keys = [re.sub(r"[^a-z]", "", column.name.lower()) for column in fields]
    names = [
        index
        for index, key in enumerate(keys)
        if key in NAME_WORDS and fields[index].kind is Kind.TEXT
    ]
    values = [
        index
        for index, key in enumerate(keys)
        if key in VALUE_WORDS and fields[index].kind in {Kind.NUMBER, Kind.QUANTITY}
    ]
    units = [index for index, key in enumerate(keys) if key in UNIT_WORDS]
    if len(values) != 1 or not names:
        return None
    unit = units[0] if units and fields[units[0]].kind is Kind.TEXT else None
    return Parts(names[0], values[0], unit)


def columns(parts: Parts, body: Body, times_s: NDArray[np.float64]) -> list[Column]:
    """A column for each channel, in the order of their first rows, with its own times."""
    names = body.texts[parts.name]
    codes = names.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    values = body.values[parts.value]
    order = np.argsort(codes, kind="stable")
    known, begins = np.unique(codes[order], return_index=True)
    ends = np.append(begins[1:], len(codes))
    found = []
    for code, begin, end in zip(known, begins, ends, strict=True):
        if code < 0:
            continue
        rows = order[begin:end]
        first = int(rows[0])
        own = heading(str(names[first]).strip('" '))
        unit = own.unit
        if parts.unit is not None:
            told = str(body.texts[parts.unit][first] or "").strip('" ')
            unit = unit if no_unit(told) else told
        found.append((first, Column(own.name, unit, times_s[rows], values[rows], own.source)))
    return [column for _, column in sorted(found, key=lambda pair: pair[0])]
