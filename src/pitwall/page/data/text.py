"""Numbers and table cells as people read them."""

from __future__ import annotations

NBSP = "\u00a0"
"""Between a number and its unit, so that neither wraps alone."""


def seconds(value: float, digits: int = 3) -> str:
    """A lap or sector time: `1:23.456` or `23.456`; a dash for NaN."""
    if value != value:
        return "–"
    minutes, rest = divmod(round(value, digits), 60)
    return f"{int(minutes)}:{rest:0{3 + digits}.{digits}f}" if minutes else f"{rest:.{digits}f}"


def signed(value: float, digits: int = 3) -> str:
    """`+0.123`; a dash for NaN."""
    return "–" if value != value else f"{value:+.{digits}f}"


def number(value: float) -> str:
    """Four digits, all those before the point; a dash for NaN."""
    return "–" if value != value else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


class Cell(str):
    """A cell with a class of the style sheet, e.g. `best`."""

    kind: str

    def __new__(cls, text: str, kind: str = "") -> Cell:
        """Text and class."""
        cell = super().__new__(cls, text)
        cell.kind = kind
        return cell
