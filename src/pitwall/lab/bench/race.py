"""One writer against four readers on one entity: does a reader see two ticks mixed, or an older one
after a newer?
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pitwall.lab.bench.stores import WIDE, Backend, tick, view

LATE_BY = 7
"""Each third write is followed by one of so many ticks before."""


@dataclass
class Race:
    """What the readers saw: `torn` rows held more than one tick, `late` ones an older tick than one
    confirmed before the read.
    """

    reads: int = 0
    writes: int = 0
    torn: int = 0
    late: int = 0


def race(
    backend: Backend, seconds: float, enough: Callable[[Race], bool] = lambda _: False
) -> Race:
    """Write and read for so long, or until `enough`.

    The view's table is made first. Raises what a reader or the writer raised.
    """
    seen, lock, stop, confirmed, failures = Race(), threading.Lock(), threading.Event(), [0], []
    features = view("race", WIDE)
    backend.apply(features)
    entity = ("car", "race")
    backend.write(features, (entity, *tick(1)))
    confirmed[0] = 1

    def write() -> None:
        n = 1
        while not stop.is_set():
            n += 1
            backend.write(features, (entity, *tick(n)))
            confirmed[0] = n
            if n % 3 == 0 and n > LATE_BY:
                backend.write(features, (entity, *tick(n - LATE_BY)))
            seen.writes += 1

    def read() -> None:
        while not stop.is_set():
            least = confirmed[0]
            ((_, values),) = backend.read(features, entity)
            found = {value.double_val for value in (values or {}).values()}
            with lock:
                seen.reads += 1
                seen.torn += len(found) > 1
                seen.late += max(found, default=0) < least

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except Exception as error:
                failures.append(error)
                stop.set()

        return run

    threads = [
        threading.Thread(target=guarded(work), daemon=True)
        for work in (write, read, read, read, read)
    ]
    for thread in threads:
        thread.start()
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and not stop.is_set() and not enough(seen):
        time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return seen
