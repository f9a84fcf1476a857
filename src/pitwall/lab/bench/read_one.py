"""One file read in a process of its own, so that its time and peak memory are its own.

`python -m pitwall.lab.bench.read_one READER FILE` prints the figures of `measure` as JSON.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pitwall.errors import StackError

Read = Callable[[Path], int]
"""Reads a file and returns the number of its rows."""


def measure(reader: str, path: Path) -> dict[str, Any]:
    """Read a file by `ours` or by `polars` in a child process that has one thread for it.

    `mb_s_a_core` are megabytes of the file in a second of processor time, that of further
    processes included; `cpu_s` and `wall_s` are the seconds, `peak_mb` is the memory of the child
    alone, and `rows` the number of rows. Imports of the reader are not counted. Raises
    `StackError` where the file cannot be read.
    """
    child = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", __name__, reader, str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    if child.returncode:
        errors = [line for line in child.stderr.splitlines() if line.strip()]
        reason = errors[-1][:200] if errors else f"it ended with {child.returncode}"
        raise StackError(f"{path.name} cannot be read by {reader}: {reason}")
    figures: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return figures


def _ours() -> Read:
    """The whole way of a user's file: its reader, channels and units, ticks and laps."""
    from pitwall.recordings import files

    def read(path: Path) -> int:
        (reading,) = files.readings([path])
        return len(reading.session.times_s)

    return read


def _polars() -> Read:
    """Polars' own reader with its defaults, which keeps units as texts in the first row."""
    import polars as pl

    return lambda path: pl.read_csv(path, skip_rows_after_header=1).height


READERS: dict[str, Callable[[], Read]] = {"ours": _ours, "polars": _polars}


def _cpu_s() -> float:
    """Seconds of processor time of this process and of those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak_mb() -> float:
    """The most memory that this process had, in MB; a parent's is not taken for its own."""
    status = Path("/proc/self/status").read_text()
    own = re.search(r"VmHWM:\s*(\d+)", status)
    return (int(own[1]) if own else 0) * 1024 / 1e6


def main() -> None:
    """Read one file and print its figures."""
    reader, path = sys.argv[1], Path(sys.argv[2])
    read = READERS[reader]()
    megabytes = path.stat().st_size / 1e6
    started, cpu = time.perf_counter(), _cpu_s()
    rows = read(path)
    wall_s, cpu_s = time.perf_counter() - started, _cpu_s() - cpu
    figures = {
        "mb": round(megabytes, 1),
        "mb_s_a_core": round(megabytes / max(cpu_s, 1e-3), 1),
        "cpu_s": round(cpu_s, 2),
        "wall_s": round(wall_s, 2),
        "peak_mb": round(_peak_mb()),
        "rows": rows,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
