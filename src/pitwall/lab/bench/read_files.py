"""Files of a simulated session to read, in each format that can be written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.recordings.writers.export import Export
from pitwall.recordings.writers.files import FORMATS, write

HZ = 100.0
LAP_TICKS = 5_800
"""Each simulated lap has a few ticks more."""
DECIMALS = 4
"""As loggers write their numbers."""


def session_of(ticks: int) -> Session:
    """A simulated session with this number of ticks and all channels of the table."""
    session = simulate(laps=ticks // LAP_TICKS + 1, seed=1, hz=HZ, suffix="bench")
    values = np.round(session.values[:ticks], DECIMALS)
    return replace(session, times_s=session.times_s[:ticks], values=values)


def write_files(session: Session, formats: tuple[str, ...], folder: Path) -> dict[str, Path]:
    """Write the session in each of these formats of `FORMATS`. Returns the file of each."""
    paths = {name: folder / f"{session.session}{FORMATS[name].suffix}" for name in formats}
    for name, path in paths.items():
        write(Export(session), name, path)
    return paths
