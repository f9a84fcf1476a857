"""Servers for one benchmark, with empty state and ports of their own.

Nothing of the user's stack is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pitwall.local.stack import Stack
from pitwall.machine import jars
from pitwall.machine.sandbox import sandbox
from pitwall.settings import Settings

PARALLEL = {"kafka_partitions": "2", "parallelism": "2"}
"""Settings of the benchmarks with a Flink job: two partitions, and a subtask for each."""


@contextmanager
def stage(*servers: str, **values: str) -> Iterator[tuple[Settings, Stack]]:
    """Run the named servers; `values` are further settings.

    Java has its optimizing compiler, unless `quick_start` is among the values: a server that lives
    for minutes is not the one to measure.
    When the block is left, the servers end and their data are deleted.
    """
    with sandbox(**{"quick_start": "false", **values}) as settings:
        jars.fetch(settings.cache_dir / "m2")
        with Stack(settings) as stack:
            stack.start(servers)
            yield settings, stack
