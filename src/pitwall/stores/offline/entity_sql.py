"""Entity rows that are given as SQL.

The text may come from another machine (`feast serve_offline`). So a process of its own runs it,
which reaches nothing and has limits: `sealed_sql`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

import pyarrow as pa
from pydantic import ByteSize, TypeAdapter, ValidationError

from pitwall.errors import StoreError

SECONDS = 300.0
"""Time that the SQL of one question may take."""


def rows_of(sql: str, memory_limit: str, seconds: float = SECONDS) -> pa.Table:
    """The rows of one SELECT that names no table: a table of values, ranges and calculations.

    `memory_limit` is DuckDB's, for instance "2GB", and the limit of the rows' bytes. Raises
    `StoreError` for anything but one SELECT, for SQL that DuckDB refuses, and for SQL that needs
    more memory or more `seconds`.
    """
    with tempfile.TemporaryDirectory(prefix="pitwall-sql-") as folder:
        question = {"sql": sql, "memory_bytes": _bytes(memory_limit), "folder": folder}
        try:
            child = subprocess.run(
                [sys.executable, "-m", "pitwall.stores.offline.sealed_sql"],
                input=json.dumps(question).encode(),
                capture_output=True,
                cwd=folder,
                # None of this process's own variables, some of which are secrets.
                env={"PYTHONPATH": os.pathsep.join(sys.path), "HOME": folder},
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise StoreError(
                f"the entity rows' SQL took over {seconds:g} s; ask for fewer rows at once"
            ) from error
    if child.returncode == 0:
        return pa.ipc.open_stream(child.stdout).read_all()
    if child.returncode == 1 and (lines := child.stderr.decode(errors="replace").splitlines()):
        raise StoreError(lines[-1])
    raise StoreError(
        "the entity rows' SQL needs more memory than offline_store.memory_limit "
        f"({memory_limit}); ask for fewer rows at once"
    )


def _bytes(memory_limit: str) -> int:
    try:
        return TypeAdapter(ByteSize).validate_python(memory_limit)
    except ValidationError as error:
        raise StoreError(
            f"offline_store.memory_limit is {memory_limit!r}; give a number of bytes such as 2GB"
        ) from error
