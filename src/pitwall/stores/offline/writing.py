"""Adds rows to the Parquet files of a source."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pitwall.stores.offline.columns import times
from pitwall.stores.offline.files import Place

DAY_US = 86_400_000_000


def add_rows(target: Place, table: pa.Table, event: str) -> None:
    """Add rows to a source; `event` names the column of event times.

    A source that is one file is written again with the rows at its end. A folder gets a new file
    for each day of event time.
    """
    if target.is_file() or target.path.endswith(".parquet"):
        folder, _, name = target.path.rpartition("/")
        if target.is_file():
            old = pq.read_table(target.path, filesystem=target.system)
            table = pa.concat_tables([old, table], promote_options="permissive")
        Place(target.system, folder).write(name, table)
        return
    days = pa.array(times(table[event], event) // DAY_US)
    for day in pc.unique(days).to_pylist():
        date = datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
        target.write(
            f"event_date={date}/written-{uuid.uuid4().hex}.parquet",
            table.filter(pc.equal(days, day)),
        )
