"""Checks sessions before they are sent for all that the features job refuses.

What the job refuses becomes a dead letter, tick by tick. The limits are those of its reader
(`flink_jobs/jvm/src/pitwall/wire`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from pitwall.car.session import SESSION_ID, Session
from pitwall.channels.channel import channel_id
from pitwall.errors import LapFileError, UsageError
from pitwall.kafka.wire import TickEncoder

MOST_TEXT = 200
"""Characters in an id or a unit, counted in UTF-16 as Java does."""
MOST_CHANNELS = 10_000
MOST_SECONDS = 366 * 86_400
"""A tick is at most so far from the start of its session."""
MOST_BYTES = 16 << 20
"""Size of a message."""
NUMBER_BYTES = 25
"""A double has at most so many bytes in a message."""
YEARS = range(1970, 2200)


def check(sessions: Sequence[Session]) -> None:
    """Raise `LapFileError` for the first session that the job would refuse.

    The message names the session, the value and the remedy. Also refuses two channels of one id and
    two sessions of one car and id, because each would overwrite the other. Raises `UsageError` for
    an empty vehicle.
    """
    keys = set()
    for session in sessions:
        _check_ids(session)
        _check_channels(session)
        _check_times(session)
        key = (session.vehicle, session.session)
        if key in keys:
            raise LapFileError(
                f"two sessions of {session.vehicle!r} have the id {session.session!r} and would "
                "become one; give one of the files another name, or send it with another --vehicle"
            )
        keys.add(key)


def _check_ids(session: Session) -> None:
    if not session.vehicle:
        raise UsageError("the vehicle is ''; give a name: --vehicle NAME")
    _check_text("vehicle", session.vehicle)
    _check_text("session id", session.session)
    try:
        start = datetime.strptime(session.session[:15], "%Y%m%d-%H%M%S")
        well_formed = SESSION_ID.fullmatch(session.session) and start.year in YEARS
    except ValueError:
        well_formed = None
    if not well_formed:
        raise LapFileError(
            f"session id {session.session!r} does not begin with a time of the years "
            f"{YEARS[0]} to {YEARS[-1]} as yyyymmdd-hhmmss; rename the file"
        )


def _check_channels(session: Session) -> None:
    name = f"session {session.session!r}"
    if len(session.names) > MOST_CHANNELS:
        raise LapFileError(
            f"{name} has {len(session.names):,} channels, but a message has at most "
            f"{MOST_CHANNELS:,}; leave some out"
        )
    names: dict[str, str] = {}
    for channel, unit in zip(session.names, session.units, strict=True):
        id = channel_id(channel)
        if not id:
            raise LapFileError(f"{name}: channel {channel!r} has no letter or digit; rename it")
        if id in names:
            raise LapFileError(
                f"{name}: channels {names[id]!r} and {channel!r} have the same id {id!r} and would "
                "overwrite each other; rename one of them"
            )
        names[id] = channel
        _check_text(f"{name}: channel", channel)
        _check_text(f"{name}: unit of {channel!r}", unit)
    encoder = TickEncoder(
        session.vehicle, session.session, session.names, session.units, session.rate_hz
    )
    size = len(encoder.encode(0.0, [0.0] * len(session.names)))
    if size + 2 * NUMBER_BYTES * len(session.names) > MOST_BYTES:
        raise LapFileError(
            f"{name}: a message has up to {size / 2**20:.0f} MiB, the job takes "
            f"{MOST_BYTES >> 20}; leave some of the {len(session.names):,} channels out"
        )


def _check_times(session: Session) -> None:
    if not len(session.times_s):
        raise LapFileError(f"session {session.session!r} has no tick; leave the file out")
    furthest = float(session.times_s[np.argmax(np.abs(session.times_s))])
    if not abs(furthest) <= MOST_SECONDS:
        raise LapFileError(
            f"session {session.session!r} has the time {furthest:,.3f} s, more than a year from "
            "its start; times are seconds since the start of the session, not since 1970"
        )


def _check_text(what: str, text: str) -> None:
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    if length > MOST_TEXT:
        raise LapFileError(
            f"{what} {text[:40]!r}… has {length} characters, at most {MOST_TEXT} are taken; "
            "shorten it"
        )
    if any(character < " " or "\ud800" <= character <= "\udfff" for character in text):
        raise LapFileError(f"{what} {text!r} has a control character; remove it")
