"""Cells as numbers: by Polars where they are plain, else by what the cell says."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pitwall.recordings.text.cells import INFINITE, MISSING, NUMBER, TRUTH
from pitwall.recordings.text.columns import GEARS, Field

GROUPS = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$"
SPACED = r"^[+-]?\d{1,3}(?:[ '  ’]\d{3})+(?:\.\d*)?$"


@dataclass(frozen=True)
class Unread:
    """Cells of one column that hold a text where a number belongs."""

    count: int
    line: int
    """Of the first one."""
    text: str

    def and_more(self, count: int) -> Unread:
        """The same with more cells from a later piece of the file."""
        return replace(self, count=self.count + count)


def numbers(
    series: pl.Series, column: Field, decimal: str, lines: NDArray[np.int64]
) -> tuple[NDArray[np.float64], Unread | None]:
    """The numbers of one column, NaN where a cell is missing, and the cells that are no number.

    An infinite value is no number.
    """
    if series.dtype == pl.Float64:
        values = series.to_numpy()
        if np.isfinite(values.sum()):
            return values, None
        endless = np.isinf(values)
        if not endless.any():
            return values, None
        texts = series.cast(pl.String)
        values = np.where(endless, np.nan, values)
        return values, _unread(texts, pl.Series(endless), lines)
    words = GEARS if "gear" in column.name.lower() else TRUTH
    cell = pl.col("cell").str.strip_chars().str.strip_chars('"').str.replace("−", "-", literal=True)
    if decimal == ",":
        point = cell.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        plain = pl.when(cell.str.contains(",", literal=True)).then(point).otherwise(cell)
    else:
        plain = (
            pl.when(cell.str.contains(GROUPS))
            .then(cell.str.replace_all(",", "", literal=True))
            .otherwise(cell)
        )
    plain = (
        pl.when(plain.str.contains(SPACED))
        .then(plain.str.replace_all(r"[ '  ’]", ""))
        .otherwise(plain)
    )
    frame = pl.DataFrame({"cell": series}).select(plain.alias("cell"))
    texts = frame["cell"]
    unit = texts.str.extract(rf"^{NUMBER}\s*([^\s\d.,+-].*)$").str.strip_chars()
    number = texts.str.extract(rf"^({NUMBER})(?:\s*[^\s\d.,+-].*)?$").cast(pl.Float64, strict=False)
    known = unit.is_null() | (unit.str.to_lowercase() == column.unit.lower())
    west = unit.is_in(["S", "W"])
    known |= west | unit.is_in(["N", "E"])
    read = number.to_frame("n").select(pl.when(known).then(pl.col("n")))["n"]
    word = texts.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Float64)
    read = read.fill_null(word)
    result = read.to_numpy() * np.where(west.fill_null(False).to_numpy(), -1.0, 1.0)
    missing = texts.is_null() | texts.str.contains(rf"^(?i:{MISSING.pattern})$")
    wrong = read.is_null() & ~missing
    endless = np.isinf(result)
    if endless.any() or texts.str.contains(rf"^(?i:{INFINITE})$").any():
        result = np.where(endless, np.nan, result)
        wrong |= pl.Series(endless)
    return result, _unread(series, wrong, lines)


def unread_times(
    series: pl.Series, seconds: NDArray[np.float64], lines: NDArray[np.int64]
) -> Unread | None:
    """The cells of a column of times that are no time and not missing."""
    lost = pl.Series(np.isnan(seconds)) & series.is_not_null()
    if not lost.any():
        return None
    missing = series.str.strip_chars().str.contains(rf"^(?i:{MISSING.pattern})$").fill_null(True)
    return _unread(series, lost & ~missing, lines)


def signs(series: pl.Series) -> NDArray[np.float64]:
    """-1 for south and west, 1 for north and east, NaN for any other letter; shape (rows,)."""
    letters = series.str.strip_chars().str.to_uppercase()
    table = {"N": 1.0, "E": 1.0, "S": -1.0, "W": -1.0}
    return letters.replace_strict(table, default=None, return_dtype=pl.Float64).to_numpy()


def _unread(texts: pl.Series, wrong: pl.Series, lines: NDArray[np.int64]) -> Unread | None:
    places = wrong.fill_null(False).arg_true()
    if not len(places):
        return None
    first = int(places[0])
    return Unread(len(places), int(lines[first]), str(texts[first])[:40])
