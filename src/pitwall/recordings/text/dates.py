"""Dates and times of day in the spellings that loggers use.

A *shape* is a spelling of the cells of a column: a regular expression that Polars and Python both
understand, with named groups. Parts that a shape does not have are zero.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import NamedTuple

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
OTHER_MONTHS = {"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12, "fév": 2, "avr": 4, "aoû": 8}

CLOCK = r"(?P<hour>\d{1,3}):(?P<minute>\d{2})(?::(?P<second>\d{2}(?:[.,:]\d+)?))?"
HALF = r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
ZONE = r"(?:\s*(?P<zone>[Zz]|UTC|GMT|[+-]\d{2}:?\d{2}))?"
YMD = r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"
DMY = r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<other>\d{1,2})[-/.](?P<year>\d{4}|\d{2})"
NAMED = (
    r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[-\s/.]+(?P<name>[^\W\d_]{3,9})\.?,?[-\s/.]+"
    r"(?P<year>\d{4}|\d{2})"
)
AMERICAN = r"(?P<name>[^\W\d_]{3,9})\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})"
WEEKDAY = r"(?:[^\W\d_]{2,9}\.?,?\s+)?"
JOINT = r"(?:[T_]|,?\s+(?:at\s+|um\s+)?|-)"
UNIX_DATE = (
    r"(?:[A-Z][a-z]{2} )(?P<name>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?P<hour>\d{2}):(?P<minute>\d{2})"
    r":(?P<second>\d{2}(?:\.\d+)?) "
    r"(?:(?P<zone>UTC|GMT(?:[+-]\d{2}:?\d{2})?|[+-]\d{4}|[A-Z]{3,4}) )?(?P<year>\d{4})"
)
COMPACT = (
    r"(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})[T_-](?P<hour>\d{2})(?P<minute>\d{2})"
    r"(?P<second>\d{2}(?:\.\d+)?)(?P<zone>Z)?"
)
DURATION = (
    r"(?P<days>-?\d+) days? ?"
    r"(?:\+?(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2}(?:\.\d+)?))?"
)
ISO_DURATION = (
    r"P(?:(?P<days>\d+)D)?T(?:(?P<hour>\d+)H)?(?:(?P<minute>\d+)M)?(?:(?P<second>[\d.]+)S)?"
)
MINUTES = r"(?P<minute>\d{1,3}):(?P<second>\d{2}[.,]\d+)"

DATES = {"ymd": YMD, "dmy": DMY, "named": NAMED, "american": AMERICAN}
SHAPES: dict[str, re.Pattern[str]] = {
    **{
        f"{name} time": re.compile(rf"{WEEKDAY}{form}{JOINT}{CLOCK}{HALF}{ZONE}")
        for name, form in DATES.items()
    },
    **{name: re.compile(rf"{WEEKDAY}{form}") for name, form in DATES.items()},
    "unix date": re.compile(UNIX_DATE),
    "compact": re.compile(COMPACT),
    "duration": re.compile(DURATION),
    "iso duration": re.compile(ISO_DURATION),
    "minutes": re.compile(MINUTES),
    "clock": re.compile(rf"{CLOCK}{HALF}{ZONE}"),
}
"""Every shape by its name. The first that fits all of a cell counts."""


class Moment(NamedTuple):
    """What one text says. `day` is None for a time of day and for a duration."""

    day: date | None
    seconds: float | None
    """Since midnight, or of the duration; None for a date alone."""
    zone: timezone | None
    ambiguous: bool
    """Whether day and month could be the other way round, and nobody said which."""
    to_the_minute: bool = False

    def utc(self) -> datetime | None:
        """The instant as UTC; a text without a zone counts as UTC."""
        if self.day is None:
            return None
        midnight = datetime(self.day.year, self.day.month, self.day.day, tzinfo=self.zone or UTC)
        return (midnight + timedelta(seconds=self.seconds or 0.0)).astimezone(UTC)


def shape(text: str) -> str | None:
    """Name of the shape that the whole text has, or None."""
    if len(text) > 60 or not any(mark in text for mark in ":-/.d PT") or not text[:1].isalnum():
        return None
    for name, pattern in SHAPES.items():
        match = pattern.fullmatch(text)
        if match and _sensible(match.groupdict()):
            return name
    return None


def moment(text: str, day_first: bool | None = None) -> Moment | None:
    """What the text says, or None where it is no date, time of day or duration."""
    name = shape(text.strip())
    if name is None:
        return None
    match = SHAPES[name].fullmatch(text.strip())
    assert match is not None
    parts = {key: value for key, value in match.groupdict().items() if value is not None}
    day, ambiguous = _day(parts, day_first)
    seconds: float | None = None
    if {"hour", "minute", "second", "days"} & parts.keys():
        second = re.sub("[,:]", ".", parts.get("second", "0"))
        hour = int(parts.get("hour", 0))
        if "half" in parts:
            hour = hour % 12 + (12 if parts["half"] in "pP" else 0)
        seconds = (int(parts.get("days", 0)) * 24 + hour) * 3600.0
        seconds += int(parts.get("minute", 0)) * 60 + float(second)
    return Moment(
        day,
        seconds,
        zone(parts.get("zone")),
        ambiguous,
        seconds is not None and "second" not in parts,
    )


def zone(text: str | None) -> timezone | None:
    """The zone that `Z`, `UTC`, `GMT`, `+02:00` or `GMT+0200` name; None for any other text."""
    if text is None:
        return None
    if text in {"Z", "z", "UTC", "GMT"}:
        return UTC
    offset = re.fullmatch(r"(?:GMT|UTC)?([+-])(\d{2}):?(\d{2})", text)
    if not offset or int(offset[2]) > 14:
        return None
    minutes = int(offset[2]) * 60 + int(offset[3])
    return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))


def month_number(name: str) -> int | None:
    """Month that a name or its beginning means, in English and in the spellings close to it."""
    key = name[:3].lower()
    return MONTHS.index(key) + 1 if key in MONTHS else OTHER_MONTHS.get(key)


def _day(parts: dict[str, str], day_first: bool | None) -> tuple[date | None, bool]:
    if "year" not in parts:
        return None, False
    year = int(parts["year"])
    year += 2000 if year < 80 else 1900 if year < 100 else 0
    ambiguous = False
    if "first" in parts:
        first, other = int(parts["first"]), int(parts["other"])
        if parts["mark"] == "." or first > 12:
            day_first = True
        elif other > 12:
            day_first = False
        ambiguous = day_first is None and first != other
        day, month = (other, first) if day_first is False else (first, other)
    else:
        day = int(parts["day"])
        month = int(parts["month"]) if "month" in parts else month_number(parts["name"]) or 0
    return date(year, month, day), ambiguous


def _sensible(parts: dict[str, str | None]) -> bool:
    """Whether the parts are within their ranges."""
    if parts.get("name") and month_number(parts["name"] or "") is None:
        return False
    if int(parts.get("minute") or 0) > 59 and parts.get("hour"):
        return False
    if float(re.sub("[,:]", ".", parts.get("second") or "0")) >= 61:
        return False
    present = {key: value for key, value in parts.items() if value is not None}
    try:
        _day(present, None)
    except ValueError:
        try:
            _day(present, False)
        except ValueError:
            return False
    return True
