"""Parquet: a column for each channel, with its unit in the field's metadata, null for no value.

`Timestamp` holds seconds since session start, `datetime` the UTC time to the microsecond. The
schema's metadata hold vehicle, session, start and laps as JSON below the key `pitwall`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pitwall.recordings.writers.export import CLOCK, DATE, Export, Written


def write(export: Export, path: Path) -> Written:
    """Write channels and features as Parquet."""
    session = export.joined()
    start_us = int(export.start.timestamp()) * 1_000_000
    times_us = start_us + np.round(session.times_s * 1e6).astype(np.int64)
    facts = {
        "vehicle": session.vehicle,
        "session": session.session,
        "start": export.start.isoformat(),
        "laps": [
            {"number": lap.number, "start_s": lap.start_s, "end_s": lap.end_s, "whole": lap.whole}
            for lap in export.laps
        ],
    }
    fields = [
        pa.field(DATE, pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field(CLOCK, pa.float64(), nullable=False, metadata={"unit": "s"}),
    ]
    fields += [
        pa.field(name, pa.float64(), metadata={"unit": unit} if unit else None)
        for name, unit in zip(session.names, session.units, strict=True)
    ]
    columns = [pa.array(times_us, fields[0].type), pa.array(session.times_s)]
    columns += [pa.array(column, from_pandas=True) for column in session.values.T]
    schema = pa.schema(fields, metadata={"pitwall": json.dumps(facts)})
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path, compression="zstd")
    return Written((path,))
