"""One writer against four readers on one entity.

It counts rows that mix two ticks, and rows older than one that was already written.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pitwall.lab.bench.stores import WIDE, Backend, tick, view

READERS = 4
LATE_BY = 7
"""After every third tick, the tick that is so many ticks older is written once more."""


@dataclass
class Race:
    """What the readers saw."""

    reads: int = 0
    writes: int = 0
    torn: int = 0
    """Rows that held values of more than one tick."""
    late: int = 0
    """Rows older than the tick that the store had confirmed before the read began."""


def race(
    backend: Backend, seconds: float, enough: Callable[[Race], bool] = lambda counts: False
) -> Race:
    """Write and read for `seconds`, or until `enough(counts)`; returns the counts.

    The view's table is created first. Raises what a reader or the writer raised.
    """
    counts, lock, stop = Race(), threading.Lock(), threading.Event()
    failures: list[Exception] = []
    features, entity = view("race", WIDE), ("car", "race")
    backend.apply(features)
    backend.write(features, (entity, *tick(1)))
    confirmed = 1

    def write() -> None:
        nonlocal confirmed
        number = 1
        while not stop.is_set():
            number += 1
            backend.write(features, (entity, *tick(number)))
            confirmed = number
            if number % 3 == 0 and number > LATE_BY:
                backend.write(features, (entity, *tick(number - LATE_BY)))
            counts.writes += 1

    def read() -> None:
        while not stop.is_set():
            oldest_allowed = confirmed
            ((_, values),) = backend.read(features, entity)
            ticks = {value.double_val for value in (values or {}).values()}
            with lock:
                counts.reads += 1
                counts.torn += len(ticks) > 1
                counts.late += max(ticks, default=0) < oldest_allowed

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        """The work of a thread; its error ends the race."""

        def run() -> None:
            try:
                work()
            except Exception as error:
                failures.append(error)
                stop.set()

        return run

    threads = [
        threading.Thread(target=guarded(work), daemon=True) for work in (write, *[read] * READERS)
    ]
    for thread in threads:
        thread.start()
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and not stop.is_set() and not enough(counts):
        time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return counts
