"""Names of tables in Cassandra, and names and texts as CQL writes them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

HISTORY_TABLE = "telemetry_history"
"""The table of the telemetry history (`docs/adr/0007`)."""

Statement = tuple[str, tuple[Any, ...]]
"""CQL with `%s` for values, and the values."""
_TABLE = re.compile(r"[A-Za-z0-9_]{1,48}")
_NO_TABLE = re.compile(r"[^A-Za-z0-9_]")


def online_table(project: str, view: str) -> str:
    """Name of a feature view's table, without its keyspace; no two views have the same.

    It is `project_view`. Where the project's name would leave open where it ends, since it holds
    `_` or is a number, its length stands before it: `a_b` and `c` give `3_a_b_c`, `a` and `b_c`
    give `a_b_c`. Cassandra takes letters, digits and `_`, up to 48; in any other name the rest is
    replaced, and a digest of both names stands at its end.
    """
    is_plain = "_" not in project and not project.isdigit()
    name = f"{project}_{view}" if is_plain else f"{len(project)}_{project}_{view}"
    if _TABLE.fullmatch(name):
        return name
    digest = hashlib.sha256(f"{project}\0{view}".encode()).hexdigest()[:12]
    return f"{_NO_TABLE.sub('_', name)[:34]}__{digest}"


def cql_name(name: str) -> str:
    """A name in double quotes, as it is written."""
    return '"' + name.replace('"', '""') + '"'


def cql_names(columns: Iterable[str]) -> str:
    """Column names in double quotes, separated by commas."""
    return ", ".join(map(cql_name, columns))


def cql_map(values: Mapping[str, object]) -> str:
    """A map of text constants, such as the replication of a keyspace."""
    return "{" + ", ".join(f"{cql_text(k)}: {cql_text(str(v))}" for k, v in values.items()) + "}"


def cql_text(text: str) -> str:
    """A text constant in single quotes."""
    return "'" + text.replace("'", "''") + "'"
