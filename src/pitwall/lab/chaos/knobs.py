"""A wrong clock and a slow disk for single processes, by a library that they load (`shim.c`)."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Collection
from pathlib import Path

from pitwall.errors import StackError

SOURCE = Path(__file__).with_name("shim.c")
NS = 1_000_000_000


class Knobs:
    """Turns the knobs of processes that were started with `environment`.

    The library is compiled into `folder`. Where there is no compiler, `refused` says so, and
    processes start without the library. Raises `StackError` when the compiler fails.
    """

    def __init__(self, folder: Path) -> None:
        self.refused = "" if shutil.which("cc") else "cc is not installed"
        self.environment: dict[str, str] = {}
        """The variables by which a process loads the library."""
        self._folder = folder
        if self.refused:
            return
        folder.mkdir(parents=True)
        library = folder / "shim.so"
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        compiled = subprocess.run(command, capture_output=True, text=True)
        if compiled.returncode:
            raise StackError(f"{SOURCE} does not compile: {compiled.stderr.strip()}")
        self.environment = {"LD_PRELOAD": str(library), "PITWALL_CHAOS_KNOBS": str(folder)}

    def turn(
        self,
        pids: Collection[int],
        ahead_s: float = 0.0,
        write_s: float = 0.0,
        sync_s: float = 0.0,
    ) -> None:
        """Set how far the processes' clock is ahead, and what a write and a sync take longer, s.

        Raises `StackError` when none of the processes has loaded the library.
        """
        paths = [path for pid in pids if (path := self._folder / str(pid)).exists()]
        if pids and not paths:
            raise StackError(f"no process of {list(pids)} has loaded {self._folder / 'shim.so'}")
        values = struct.pack("=3q", *(round(s * NS) for s in (ahead_s, write_s, sync_s)))
        for path in paths:
            with path.open("r+b") as file:
                file.write(values)
