"""Where a definition stands: the file and line that an error about it names."""

from __future__ import annotations

import sys

from pitwall.channels.channel import Channel
from pitwall.channels.table import resolve
from pitwall.errors import UsageError

_ROOM = "pitwall.features"


def place() -> str:
    """`file:line` of the code that calls the vocabulary or defines a feature set.

    Empty where that code is the package's own, such as a command.
    """
    frame = sys._getframe(1)
    while frame.f_back and _is_ours(str(frame.f_globals.get("__name__")), _ROOM):
        frame = frame.f_back
    if _is_ours(str(frame.f_globals.get("__name__")), "pitwall"):
        return ""
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _is_ours(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def refused(message: str, at: str = "") -> UsageError:
    """The error that refuses a definition, with its place before the message.

    `at` is the place where it is not that of the present call.
    """
    where = at or place()
    return UsageError(f"{where}: {message}" if where else message)


def resolved(channel: str | Channel) -> Channel:
    """The channel of a definition. Raises `UsageError` as `resolve` does, with the place."""
    if not isinstance(channel, str | Channel):
        raise refused(f"channel {channel!r} is neither a name nor a Channel; give one of them")
    try:
        return resolve(channel)
    except UsageError as error:
        raise refused(str(error)) from error
