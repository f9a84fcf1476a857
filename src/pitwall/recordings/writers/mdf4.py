"""ASAM MDF 4.10, by asammdf: channels with units, in a group for those of the same ticks.

Group `laps` has the channels `LapNumber` and `LapTime` (s), with a sample at each lap's start. The
lap time of a lap that was not seen whole is NaN.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pitwall.recordings.writers.export import Export, Written, groups


def write(export: Export, path: Path) -> Written:
    """Write channels, features and laps as MDF4."""
    from asammdf import MDF, Signal

    session = export.joined()
    with MDF(version="4.10") as mdf:
        header: Any = mdf.header
        header.start_time = export.start
        header.comment = f"vehicle {session.vehicle}, session {session.session}"
        for number, group in enumerate(groups(session)):
            signals = [
                Signal(
                    samples=np.ascontiguousarray(group.values[:, place]),
                    timestamps=group.times_s,
                    name=session.names[column],
                    unit=session.units[column],
                )
                for place, column in enumerate(group.columns)
            ]
            mdf.append(signals, acq_name=f"channels {number + 1}", common_timebase=True)
        if export.laps:
            starts = np.array([lap.start_s for lap in export.laps])
            numbers = np.array([lap.number for lap in export.laps], np.uint32)
            times = np.array(
                [lap.end_s - lap.start_s if lap.whole else np.nan for lap in export.laps]
            )
            laps = [
                Signal(samples=numbers, timestamps=starts, name="LapNumber", unit=""),
                Signal(samples=times, timestamps=starts, name="LapTime", unit="s"),
            ]
            mdf.append(laps, acq_name="laps", common_timebase=True)
        mdf.save(path, overwrite=True, compression=2)
    return Written((path,))
