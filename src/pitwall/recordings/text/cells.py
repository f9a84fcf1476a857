"""What kind of thing one cell of a table is: a number, a missing value, a time, a word, a text."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from pitwall.recordings.text import dates
from pitwall.recordings.text.units import is_unit


class Kind(IntEnum):
    """The kinds of cells. A quantity is a number with its unit, a truth is true or false."""

    NUMBER = 1
    MISSING = 2
    TIME = 3
    TRUTH = 4
    QUANTITY = 5
    TEXT = 6


MISSING = re.compile(
    r"|-+|\?+|\*+|\.|n/?a|nan|null|nil|none|#n/a|#div/0!|#value!|\(null\)|<null>|no ?data|missing"
    r"|invalid|undefined|-?1?\.?#(ind|inf|qnan)0*|-nan(\(ind\))?|-?nan\([^)]*\)|---\.-+",
    re.IGNORECASE,
)
"""Texts that stand for a value that is not there."""
TRUTH = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "on": 1.0, "off": 0.0}
"""Words of two states, in lower case, and their numbers."""
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
"""A number with a decimal point, as a regular expression of Python and of Polars."""
WHOLE = re.compile(r"[0-9]{1,12}")
"""A whole number of a size in which rows and channels are counted."""
INFINITE = r"[+-]?inf(?:inity)?"
PLAIN = re.compile(rf"{NUMBER}|{INFINITE}", re.IGNORECASE)
QUANTITY = re.compile(rf"({NUMBER})\s*([^\s\d.,+-].*)")


def plain(cell: str, decimal: str) -> str:
    """The cell without blanks at its ends, with a decimal point and without groups of digits."""
    text = cell.strip().replace("−", "-")
    if decimal == ",":
        if "," in text:
            text = text.replace(".", "").replace(",", ".")
    elif "," in text and re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", text):
        text = text.replace(",", "")
    if re.fullmatch(r"[+-]?\d{1,3}([ '  ’]\d{3})+(\.\d*)?", text):
        text = re.sub(r"[ '  ’]", "", text)
    return text


@lru_cache(maxsize=1 << 16)
def kind(cell: str, decimal: str) -> Kind:
    """The kind of one cell, in a table with this decimal sign."""
    if decimal == "." and PLAIN.fullmatch(cell):
        return Kind.NUMBER
    text = plain(cell, decimal)
    if PLAIN.fullmatch(text):
        return Kind.NUMBER
    if MISSING.fullmatch(text):
        return Kind.MISSING
    if text.lower() in TRUTH:
        return Kind.TRUTH
    if dates.shape(cell.strip()) is not None:
        return Kind.TIME
    match = QUANTITY.fullmatch(text)
    if match and (is_unit(match[2]) or match[2] in "NSEW"):
        return Kind.QUANTITY
    return Kind.TEXT
