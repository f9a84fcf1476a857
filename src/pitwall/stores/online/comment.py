"""What `feast apply` notes about a view in the comment of its table.

This module imports no Feast, so that the prediction endpoint can read the comment without it.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any


def view_comment(project: str, view: str, ttl: timedelta | None) -> dict[str, Any]:
    """The comment of a view's table: `project`, `view` and `ttl_s`, the time to live in seconds."""
    return {"project": project, "view": view, "ttl_s": ttl.total_seconds() if ttl else None}


def stored_comment(session: Any, keyspace: str, table: str) -> dict[str, Any] | None:
    """The comment of a table as `view_comment` made it.

    None when there is no such table or its comment is not JSON, thus not one of Pitwall's tables.
    """
    row = session.execute(
        "SELECT comment FROM system_schema.tables WHERE keyspace_name = %s AND table_name = %s",
        (keyspace, table),
    ).one()
    try:
        return dict(json.loads(row[0])) if row and row[0] else None
    except (TypeError, ValueError):
        return None
