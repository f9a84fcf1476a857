"""What the lines above the names of a table tell: day, time, vehicle, driver, markers, rate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pitwall.recordings.text import dates
from pitwall.recordings.text.cells import PLAIN, plain

DAY_KEYS = re.compile(
    r"((log|session|start|recording|recorded|record|capture|test|run|event|outing|creation) ?)?"
    r"(date|datum|fecha|data|day|start|started|starttime|date ?/? ?time|date utc|timestamp)"
    r"|creation time"
)
TIME_KEYS = re.compile(
    r"((log|session|start|recording|recorded|record|test|run|event|outing) ?)?"
    r"(time|zeit|uhrzeit|hora|heure|time of day)"
)
VEHICLE_KEYS = {"vehicle", "vehicle name", "car", "car name", "fahrzeug", "bike", "kart", "chassis"}
DRIVER_KEYS = {"driver", "driver name", "racer", "user", "pilot", "rider", "fahrer", "player"}
MARKER_KEYS = {"beacon markers", "beacons", "beacon marker", "lap markers"}
RATE_KEYS = {"sample rate", "sampling rate", "log rate", "frequency", "rate", "sample rate (hz)"}
DURATION_KEYS = {"duration", "log duration", "total time"}
NOT_THE_START = re.compile(r"creat|export|print|saved|modified|version|updated|generated", re.I)
CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:\.\d+)?)")
LONGEST_LINE = 300
"""Characters of a line in which a day is searched."""
SEEN_IN_TEXT = [
    re.compile(rf"(?<![\d.]){dates.SHAPES[name].pattern}(?![\d])")
    for name in ("ymd time", "dmy time", "named time", "ymd", "named", "american")
]


@dataclass(frozen=True)
class Facts:
    """What a preamble says; None and empty where it says nothing."""

    day: dates.Moment | None = None
    day_text: str = ""
    time: dates.Moment | None = None
    vehicle: str | None = None
    driver: str | None = None
    markers_s: tuple[float, ...] = ()
    rate_hz: float | None = None
    duration_s: float | None = None


def facts_of(
    preamble: Sequence[Sequence[str]], decimal: str = ".", day_first: bool | None = None
) -> Facts:
    """The facts in lines of keys and values."""
    values: dict[str, list[str]] = {}
    for cells in preamble:
        key, rest = cells[0], [cell for cell in cells[1:] if cell]
        if ":" in key and (not rest or not re.search(r"\d:\d", key)):
            key, _, first = key.partition(":")
            rest = [first.strip(), *rest] if first.strip() else rest
        values.setdefault(" ".join(key.lower().strip(" :=#").split()), rest)
    day, day_text = _day(values, preamble, day_first)
    return Facts(
        day,
        day_text,
        _time(values),
        _first(values, VEHICLE_KEYS),
        _first(values, DRIVER_KEYS),
        _markers(values, decimal),
        _number(values, RATE_KEYS, decimal),
        _number(values, DURATION_KEYS, decimal),
    )


def _day(
    values: dict[str, list[str]], preamble: Sequence[Sequence[str]], day_first: bool | None
) -> tuple[dates.Moment | None, str]:
    """The day of the start: behind a key that says so, else a line that holds one."""
    for key, rest in values.items():
        if DAY_KEYS.fullmatch(key) and rest:
            for text in (rest[0], ", ".join(rest), " ".join(rest[:2])):
                moment = dates.moment(text, day_first)
                if moment and moment.day:
                    return moment, text
    for cells in preamble:
        line = ", ".join(cell for cell in cells if cell)[:LONGEST_LINE]
        if NOT_THE_START.search(line):
            continue
        for pattern in SEEN_IN_TEXT:
            match = pattern.search(line)
            moment = dates.moment(match[0], day_first) if match else None
            if match and moment and moment.day:
                return moment, match[0]
    return None, ""


def _time(values: dict[str, list[str]]) -> dates.Moment | None:
    for key, rest in values.items():
        if TIME_KEYS.fullmatch(key) and rest:
            moment = dates.moment(rest[0])
            if moment and moment.day is None and moment.seconds is not None:
                return moment
    return None


def _first(values: dict[str, list[str]], keys: set[str]) -> str | None:
    return next((values[key][0] for key in values if key in keys and values[key]), None)


def _number(values: dict[str, list[str]], keys: set[str], decimal: str) -> float | None:
    text = plain(_first(values, keys) or "", decimal)
    match = re.match(r"[\d.]+", text)
    return float(match[0]) if match and PLAIN.fullmatch(match[0]) else None


def _markers(values: dict[str, list[str]], decimal: str) -> tuple[float, ...]:
    """Times of markers: a cell each, or all in one cell with blanks or commas between them."""
    cells = next((values[key] for key in values if key in MARKER_KEYS), [])
    tokens = [token for cell in cells for token in re.split(r"[\s;]+", cell) if token]
    if tokens and all(re.fullmatch(r"\d+,\d+", token) for token in tokens):
        decimal = ","
    split = r"[\s;]+" if decimal == "," else r"[\s;,]+"
    parts = [text.strip(",") for cell in cells for text in re.split(split, cell)]
    texts = [plain(text, decimal) for text in parts if text]
    times = map(_elapsed, texts)
    return tuple(sorted(seconds for seconds in times if seconds is not None))


def _elapsed(text: str) -> float | None:
    """Seconds of a plain number or of a clock that counts from zero (`1:05.123`), else None."""
    if PLAIN.fullmatch(text):
        return float(text)
    match = CLOCK.fullmatch(text)
    if match is None:
        return None
    return int(match[1] or 0) * 3600 + int(match[2]) * 60 + float(match[3])
