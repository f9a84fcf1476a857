"""Progress of a long piece of work, and waiting for a condition with a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable

from pitwall.errors import StackError

Step = Callable[[str, float | None], None]
"""`step(text, share)`: what is being done, and how much of it is done (0 to 1, None: unknown)."""
PAUSE_S = 0.2
"""Pause between two looks at a condition."""


def wait(done: Callable[[], bool], seconds: float, awaited: str | Callable[[], str]) -> None:
    """Return once `done()` is true; it is called five times a second.

    Raises `StackError`, which names what was `awaited`, when that takes longer than `seconds`.
    """
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            text = awaited if isinstance(awaited, str) else awaited()
            raise StackError(f"waited {seconds:.0f} s for {text}")
        time.sleep(PAUSE_S)
