"""What `feast apply` notes at a table. Apart from the tables themselves: importing Feast takes seconds."""

from __future__ import annotations

import json
from typing import Any


def stored_comment(session: Any, keyspace: str, table: str) -> dict[str, Any] | None:
    """Project, view, and `ttl_s`, the time to live in seconds or None where there is none; None for a table not of ours."""
    row = session.execute(
        "SELECT comment FROM system_schema.tables WHERE keyspace_name = %s AND table_name = %s",
        (keyspace, table),
    ).one()
    try:
        return dict(json.loads(row[0])) if row and row[0] else None
    except (TypeError, ValueError):
        return None
