"""How fast recordings are read, from a file to a session with its laps, in megabytes a second.

Polars' own CSV reader on the same bytes is the peer. Each file is read in a process of its own.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from pitwall.lab.bench.read_files import session_of, write_files
from pitwall.lab.bench.read_one import measure
from pitwall.lab.bench.result import Load, Result, machine_state
from pitwall.lab.progress import Step
from pitwall.recordings.writers.files import FORMATS

CSV_TICKS, QUICK_CSV_TICKS = 2_200_000, 220_000
"""Ticks of a CSV of 1 GB, and of one of 100 MB."""
TICKS, QUICK_TICKS = 420_000, 42_000
"""Ticks of the file of each other format: a `.ld` of 100 MB, and one of 10 MB."""
REPEATS, QUICK_REPEATS = 3, 1


def read(load: Load, step: Step) -> Result:
    """Megabytes of a CSV that are read in a second of one core's time; the peer is Polars.

    Both have one thread and are run in turn; the fastest of the runs counts, by processor time,
    which other work on the machine changes least. The conditions hold figures of all formats, as
    `read_one.measure` gives them.
    """
    started = time.monotonic()
    conditions = machine_state()
    repeats = QUICK_REPEATS if load.quick else REPEATS
    with tempfile.TemporaryDirectory(prefix="pitwall-bench-") as folder:
        csv = _written(Path(folder), ("csv",), QUICK_CSV_TICKS if load.quick else CSV_TICKS, step)
        runs: dict[str, list[dict[str, Any]]] = {"ours": [], "polars": []}
        for _ in range(repeats):
            for reader, figures in runs.items():
                step(f"csv by {reader}", None)
                figures.append(measure(reader, csv["csv"]))
        ours, peer = (min(figures, key=lambda run: run["cpu_s"]) for figures in runs.values())
        csv["csv"].unlink()
        others = tuple(name for name in FORMATS if name != "csv")
        files = _written(Path(folder), others, QUICK_TICKS if load.quick else TICKS, step)
        of_formats = {}
        for name, path in files.items():
            step(name, None)
            of_formats[name] = measure("ours", path)
    return Result(
        name="read",
        value=ours["mb_s_a_core"],
        unit="MB of CSV a second of one core",
        peer="Polars' CSV reader",
        peer_value=peer["mb_s_a_core"],
        ratio=round(ours["mb_s_a_core"] / peer["mb_s_a_core"], 2),
        n=ours["rows"],
        seconds=round(time.monotonic() - started, 1),
        conditions={**conditions, "csv": ours, "csv_polars": peer, **of_formats},
    )


def _written(folder: Path, formats: tuple[str, ...], ticks: int, step: Step) -> dict[str, Path]:
    """The files of a simulated session with so many ticks, by format."""
    step(f"writing {ticks:,} ticks as {', '.join(formats)}", None)
    return write_files(session_of(ticks), formats, folder)
