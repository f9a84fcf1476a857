"""Columns of times as text, read as seconds."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pitwall.recordings.text import dates


def dated(shape: str) -> bool:
    """Whether texts of the shape name a day."""
    return shape not in {"clock", "minutes", "duration", "iso duration"}


def order(texts: pl.Series, shape: str, day_first: bool | None) -> tuple[bool, bool]:
    """Whether the day stands first in dates of digits, and whether that is not certain.

    One cell with a number above 12 decides for all cells.
    """
    if not shape.startswith("dmy"):
        return True, False
    moments = [dates.moment(text, day_first) for text in texts.drop_nulls().unique().head(5000)]
    certain = [moment for moment in moments if moment and not moment.ambiguous and moment.day]
    parts = texts.str.strip_chars().str.extract_groups(dates.DMY).struct.unnest()
    first, other = (parts[name].cast(pl.Int64, strict=False).max() for name in ("first", "other"))
    if "." in (parts["mark"].drop_nulls().head(1).to_list() or [""]):
        return True, False
    if isinstance(first, int) and first > 12:
        return True, False
    if isinstance(other, int) and other > 12:
        return False, False
    return day_first is not False, day_first is None and len(certain) < len(moments)


def seconds_of(texts: pl.Series, shape: str, day_first: bool) -> tuple[NDArray[np.float64], bool]:
    """Seconds of each text of one shape, shape (rows,), and whether all of them name their zone.

    They count from 1970-01-01 UTC where the texts name a day, else from midnight or from the
    beginning of the recording. A cell that is no such text is NaN.
    """
    pattern = dates.SHAPES[shape].pattern
    # Rust's expressions match anywhere in a text; Python's `fullmatch` is written out here.
    parts = texts.str.strip_chars().str.extract_groups(rf"^(?:{pattern})$").struct.unnest()
    names = set(parts.columns)

    def number(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.Float64, strict=False) if name in names else pl.lit(0.0)

    hour = number("hour").fill_null(0)
    if "half" in names:
        afternoon = pl.col("half").str.to_lowercase() == "p"
        half = hour % 12 + pl.when(afternoon).then(12.0).otherwise(0.0)
        hour = pl.when(pl.col("half").is_null()).then(hour).otherwise(half)
    second = pl.col("second").str.replace(r"[,:]", ".") if "second" in names else pl.lit("0")
    clock = (
        number("days").fill_null(0) * 86400
        + hour * 3600
        + number("minute").fill_null(0) * 60
        + second.cast(pl.Float64, strict=False).fill_null(0)
    )
    told = True
    if dated(shape):
        days = parts.filter(pl.col("year").is_not_null())
        zones = days["zone"].unique().to_list() if "zone" in names else [None]
        told = None not in zones and all(dates.zone(zone) is not None for zone in zones)
        offsets = {zone: _offset(zone) for zone in zones if zone is not None}
        clock = _midnight(names, day_first) + clock
        if offsets:
            known = pl.col("zone").replace_strict(offsets, default=0.0, return_dtype=pl.Float64)
            clock = clock - known.fill_null(0)
    matched = pl.any_horizontal(
        pl.col(name).is_not_null() for name in names & {"hour", "minute", "second", "days", "year"}
    )
    result = parts.select(pl.when(matched).then(clock).otherwise(None).alias("s"))["s"]
    return result.cast(pl.Float64).to_numpy(), told


def _offset(zone: str) -> float:
    offset = dates.zone(zone)
    delta = offset.utcoffset(None) if offset is not None else None
    return delta.total_seconds() if delta is not None else 0.0


def _midnight(names: set[str], day_first: bool) -> pl.Expr:
    """Seconds from 1970 to the day's beginning; null where the parts are no day."""
    year = pl.col("year").cast(pl.Int32, strict=False)
    year = pl.when(year < 80).then(year + 2000).when(year < 100).then(year + 1900).otherwise(year)
    if "name" in names:
        key = pl.col("name").str.slice(0, 3).str.to_lowercase()
        numbers = {name: number for number, name in enumerate(dates.MONTHS, start=1)}
        month: pl.Expr = key.replace_strict(
            {**numbers, **dates.OTHER_MONTHS}, default=None, return_dtype=pl.Int32
        )
        day = pl.col("day")
    elif "first" in names:
        day, month = (pl.col(name) for name in (("first", "other")[:: 1 if day_first else -1]))
    else:
        day, month = pl.col("day"), pl.col("month")
    text = pl.format(
        "{}-{}-{}",
        year.cast(pl.String).str.zfill(4),
        month.cast(pl.String).str.zfill(2),
        day.str.zfill(2),
    )
    date = text.str.to_date("%Y-%m-%d", strict=False)
    return date.cast(pl.Int32).cast(pl.Float64) * 86400
