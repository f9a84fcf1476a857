"""Waiting for something to become true, with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait(
    done: Callable[[], bool], seconds: float = 120, what: str | Callable[[], str] = ""
) -> None:
    """Return as soon as `done()` is true; it is asked ten times a second.

    Raises `AssertionError` with the text of `what` when it is not true within `seconds`.
    """
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            text = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {seconds} s: {text}")
        time.sleep(0.1)
