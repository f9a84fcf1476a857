"""Names of tables and folders in the stores."""

from __future__ import annotations


def online_table(project: str, view: str) -> str:
    """Name of a feature view's table in Cassandra."""
    return f"{project}_{view}"
