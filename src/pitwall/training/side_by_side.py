"""Work on every processor: as many pieces at once as there are, each with one OpenMP thread.

Trees are grown in thousands of short parallel regions, and at the end of each OpenMP's threads wait
for each other by spinning. On a machine that does something else besides, the waiting takes most of
the time. The work is done in threads, because scikit-learn and NumPy compute without Python's lock:
the data is shared, nothing is copied and no process has to start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def alone(work: Callable[[], Result]) -> Result:
    """What `work` gives, with one OpenMP thread."""
    with threadpool_limits(1, user_api="openmp"):
        return work()


def side_by_side(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    done: Callable[[int], None] = lambda count: None,
) -> list[Result]:
    """What `work` gives for each item, in the items' order.

    `done` is called with the number of finished items, by the thread that calls this function. The
    first error is raised as it is, and items that were not begun then are not worked on.
    """
    with ThreadPoolExecutor(min(len(items), os.cpu_count() or 1) or 1) as pool:
        pieces = [pool.submit(alone, lambda item=item: work(item)) for item in items]
        try:
            for count, piece in enumerate(as_completed(pieces), start=1):
                piece.result()
                done(count)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [piece.result() for piece in pieces]
