"""Names of tables in Cassandra, and names and texts as CQL writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

HISTORY_TABLE = "telemetry_history"
"""The table of the telemetry history (`docs/adr/0007`)."""

Statement = tuple[str, tuple[Any, ...]]
"""CQL with `%s` for values, and the values."""


def online_table(project: str, view: str) -> str:
    """Name of a feature view's table, without its keyspace."""
    return f"{project}_{view}"


def cql_names(columns: Iterable[str]) -> str:
    """Column names in double quotes, separated by commas."""
    return ", ".join(f'"{name}"' for name in columns)


def cql_text(text: str) -> str:
    """A text constant in single quotes."""
    return "'" + text.replace("'", "''") + "'"
