"""Servers of a benchmark's own, with empty state and ports of their own: nothing of the user's
stack is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pitwall.local.stack import Stack
from pitwall.machine import jars
from pitwall.machine.sandbox import sandbox
from pitwall.settings import Settings


@contextmanager
def stage(*servers: str, **values: str) -> Iterator[tuple[Settings, Stack]]:
    """Run the named servers; `values` are further settings.

    Everything ends, and its data go, on leaving.
    """
    with sandbox(**values) as settings:
        jars.fetch(settings.cache_dir / "m2")
        with Stack(settings) as stack:
            stack.start(servers)
            yield settings, stack
