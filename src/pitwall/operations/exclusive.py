"""One compaction or deletion of the offline store at a time, none beside a reader of folders."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from pitwall.errors import StoreError
from pitwall.settings import Settings


@contextmanager
def exclusive(settings: Settings) -> Iterator[None]:
    """Hold the offline store's lock file alone.

    Raises `StoreError` while another command holds it.
    """
    yield from _locked(settings, fcntl.LOCK_EX)


@contextmanager
def reading(settings: Settings) -> Iterator[None]:
    """Hold the offline store's lock file beside other readers, so that no file is replaced.

    Raises `StoreError` while a command holds it that replaces files.
    """
    yield from _locked(settings, fcntl.LOCK_SH)


def _locked(settings: Settings, kind: int) -> Iterator[None]:
    path = settings.run_dir / "offline.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(
                "another command compacts, thins or queries the offline store; "
                "run again when it is done"
            ) from None
        yield
