"""Waiting for a condition with a limit, for the chaos tests and the benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable

from pitwall.errors import StackError


def wait(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Call `done` every 0.2 s until it returns True. Raises `StackError` after `seconds`."""
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            raise StackError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.2)
