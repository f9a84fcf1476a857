"""How long an event loop's thread is busy without a pause."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


@contextmanager
def busiest() -> Iterator[dict[str, float]]:
    """The longest times that callbacks of event loops took, by what ran, in seconds of CPU.

    CPU time, because other processes of a busy machine cost none of it.
    """
    longest: dict[str, float] = {}
    run = asyncio.Handle._run

    def timed(handle: Any) -> None:
        began_s = time.thread_time()
        run(handle)
        took_s = time.thread_time() - began_s
        if took_s > 0.002:
            name = repr(handle)[:200]
            longest[name] = max(longest.get(name, 0.0), took_s)

    with mock.patch.object(asyncio.Handle, "_run", timed):
        yield longest
