"""The columns that every row of the offline store has."""

from __future__ import annotations

import pyarrow as pa

from pitwall.stores.offline.scan import Columns

SESSION_COLUMNS = Columns(
    {"vehicle": pa.string(), "session": pa.string()}, "event_timestamp", "created_timestamp"
)
"""Keys and times of the feature rows that the job writes."""
