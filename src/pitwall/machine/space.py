"""Free space on the disk that holds the local stack's data and logs.

A server whose disk is full stops, hangs or loses what it should keep, and few of them say so.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from pitwall.errors import StackError
from pitwall.settings import Settings

GB = 1_000_000_000


@dataclass(frozen=True)
class Space:
    """The disk of a folder, in bytes."""

    folder: Path
    free: int
    total: int
    least: int
    """With less free space than this the stack does not start."""

    @property
    def low(self) -> bool:
        """Whether less than the limit is free."""
        return self.free < self.least

    def __str__(self) -> str:
        text = f"{self.free / GB:.1f} GB of {self.total / GB:.1f} GB are free in {self.folder}"
        return f"{text}, the limit is {self.least / GB:g} GB" if self.low else text


def space(settings: Settings) -> Space:
    """The disk of the stack's folder, or of the folder in which it will be made."""
    folder = settings.home_dir
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return Space(folder, usage.free, usage.total, round(settings.disk_least_gb * GB))


def need_space(settings: Settings) -> None:
    """Raise `StackError` where the disk of the stack has less free space than the limit."""
    disk = space(settings)
    if disk.low:
        raise StackError(
            f"{disk}; make room (./pitwall compact, ./pitwall retention --apply, or another "
            "PITWALL_HOME), or set PITWALL_DISK_LEAST_GB lower"
        )
