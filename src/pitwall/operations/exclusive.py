"""One compaction or deletion of the offline store at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from pitwall.errors import StoreError
from pitwall.settings import Settings


@contextmanager
def exclusive(settings: Settings) -> Iterator[None]:
    """Hold the offline store's lock file. Raises `StoreError` while another command holds it."""
    path = settings.run_dir / "offline.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(
                "the offline store is being compacted or thinned by another command; "
                "run again when it is done"
            ) from None
        yield
