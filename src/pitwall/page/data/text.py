"""Numbers and table cells as people read them. A dash stands for NaN."""

from __future__ import annotations

import math

NBSP = "\u00a0"
"""Stands between a number and its unit, so that no line breaks between them."""
DASH = "–"


def seconds(value: float, digits: int = 3) -> str:
    """A time in seconds, such as a lap or sector time: `1:23.456` or `23.456`."""
    if math.isnan(value):
        return DASH
    minutes, rest = divmod(round(value, digits), 60)
    return f"{int(minutes)}:{rest:0{3 + digits}.{digits}f}" if minutes else f"{rest:.{digits}f}"


def signed(value: float, digits: int = 3) -> str:
    """A difference with its sign: `+0.123`."""
    return DASH if math.isnan(value) else f"{value:+.{digits}f}"


def number(value: float) -> str:
    """Four significant digits; from 1000 on, all digits before the point: `12,346`."""
    if math.isnan(value):
        return DASH
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def whole_number(value: float, unit: str = "") -> str:
    """A number without decimals, and its unit: `1,284 ms`."""
    return DASH if math.isnan(value) else f"{value:,.0f} {unit}".strip()


class Cell(str):
    """The text of a table cell, with classes of the style sheet in `kind`, such as `best`."""

    kind: str

    def __new__(cls, text: str, kind: str = "") -> Cell:
        cell = super().__new__(cls, text)
        cell.kind = kind
        return cell
