"""When a session began and what its id is: by the user, the file, or the file's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pitwall.car.session import SESSION_ID
from pitwall.recordings.recording import Options, Recording

UNDATED = "20000101-000000"
"""Start in the session id of a file that nowhere says it."""
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = rf"{_YEAR}(?P<s>[-._ ]?)(?P<month>0[1-9]|1[0-2])(?P=s)(?P<day>0[1-9]|[12]\d|3[01])"
_TIME = r"(?P<hour>[01]\d|2[0-3])(?P<c>[-:._h ]?)(?P<minute>[0-5]\d)(?:(?P=c)(?P<second>[0-5]\d))?"
_FRACTION = r"(?:[.,]\d{1,6})?(?P<zone>Z|[+-]\d\d:?\d\d)?"
_DATED = re.compile(rf"(?<!\d){_DAY}(?:[-_T ]{{1,3}}(?:at )?{_TIME}{_FRACTION})?(?!\d)")
_EPOCH = re.compile(r"(?<!\d)(1[0-9]\d{8})(\d{3})?(?!\d)")


@dataclass(frozen=True)
class Start:
    """Start of a session, and how it is known."""

    moment: datetime | None
    """In UTC; None for a session of which nothing tells it."""
    source: Literal["file", "name", "option"] | None
    rest: str
    """What the file's name says beside the start."""
    doubt: str = ""


def start_of(recording: Recording, options: Options) -> Start:
    """The start of a recording: the user's, else the file's own, else that of its name."""
    named, rest, zoned = _of_name(recording.path.stem)
    if options.start is not None:
        return Start(_utc(options.start), "option", rest)
    told = _utc(recording.start) if recording.start is not None else None
    if told is not None and not recording.day_only:
        zone = "" if recording.zone_told else _zone_doubt("the file", told)
        return Start(told, "file", rest, zone)
    if named is not None and (told is None or named.date() == told.date()):
        return Start(named, "name", rest, "" if zoned else _zone_doubt("the file's name", named))
    if told is not None:
        doubt = "the file tells the day and not the time of day: 00:00 UTC is assumed; give --start"
        return Start(told, "file", rest, doubt)
    doubt = "nothing tells when the session began; give --start, e.g. 2026-03-04T14:05:06Z"
    return Start(None, None, rest, doubt)


def session_id(recording: Recording, options: Options, start: Start) -> str:
    """The id: the start to the second, and the user's name of the session or that of the file."""
    if options.session is not None and SESSION_ID.fullmatch(options.session):
        return options.session
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", recording.path.stem)
    if options.session is None and start.source == "name" and SESSION_ID.fullmatch(stem):
        return stem if stem.count("-") > 1 else f"{stem}-replay"
    name = options.session if options.session is not None else start.rest
    began = f"{start.moment:%Y%m%d-%H%M%S}" if start.moment is not None else UNDATED
    return f"{began}-{re.sub(r'[^A-Za-z0-9._-]', '_', name) or 'replay'}"


def _of_name(stem: str) -> tuple[datetime | None, str, bool]:
    """The start that a name says, the rest of the name, and whether the zone is known."""
    ours = re.match(r"(\d{8}-\d{6})(?:-(.*))?$", stem)
    for match in _DATED.finditer(stem):
        parts = match.groupdict()
        if parts["hour"] is None:
            continue
        try:
            day = (int(parts["year"]), int(parts["month"]), int(parts["day"]))
            clock = (int(parts["hour"]), int(parts["minute"]), int(parts["second"] or 0))
            moment = datetime(*day, *clock, tzinfo=UTC)
        except ValueError:
            continue
        zone = parts["zone"]
        if zone and zone != "Z":
            moment -= _offset(zone)
        return moment, _rest(stem, match), bool(zone or ours)
    if epoch := _EPOCH.search(stem):
        moment = datetime.fromtimestamp(int(epoch[1]), UTC)
        return moment, _rest(stem, epoch), True
    return None, stem, False


def _rest(stem: str, match: re.Match[str]) -> str:
    parts = (stem[: match.start()].strip(" -_.,()"), stem[match.end() :].strip(" -_.,()"))
    return "-".join(part for part in parts if part)


def _offset(zone: str) -> timedelta:
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    return (-1 if zone[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _zone_doubt(where: str, moment: datetime) -> str:
    return (
        f"{where} tells the start without a zone: {moment:%Y-%m-%d %H:%M:%S} is taken as UTC; "
        "give --start if not"
    )
