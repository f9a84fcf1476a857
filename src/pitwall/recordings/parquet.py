"""Parquet files, as the 424's telemetry is kept and as `./pitwall simulate --out` writes it.

A column is a channel in its canonical unit. Columns that are not numbers are left out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pitwall.channels.channel import channel_id
from pitwall.channels.table import CHANNELS
from pitwall.errors import LapFileError
from pitwall.recordings.reader import Table


def read_table(path: Path) -> Table:
    """The numeric columns of a Parquet file. Raises `LapFileError` when none can be read."""
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise LapFileError(
            f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})"
        ) from error
    names = [
        field.name
        for field in table.schema
        if pa.types.is_floating(field.type)
        or pa.types.is_integer(field.type)
        or pa.types.is_boolean(field.type)
    ]
    if not names:
        raise LapFileError(
            f"{path}: no numeric column; columns are {', '.join(table.column_names[:6]) or 'none'}"
        )
    values = np.column_stack(
        [table[name].to_pandas().to_numpy(np.float64, na_value=np.nan) for name in names]
    )
    known = [CHANNELS.get(channel_id(name)) for name in names]
    return Table(names, [channel.unit if channel else "" for channel in known], values)
