"""Runs one SELECT in DuckDB, in a process of its own that reaches nothing but its own memory.

`entity_sql` starts this module: `python -m pitwall.stores.offline.sealed_sql`. Standard input holds
a JSON object with `sql`, `memory_bytes` and `folder`; standard output gets the rows as an Arrow
stream, or standard error one line with the reason. DuckDB opens no file outside `folder` and no
connection, loads no extension, sees no variable of Python, and its configuration is locked. The
system ends the process where it takes more memory than it may.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import duckdb
import pyarrow as pa

from pitwall.errors import StoreError

DISK_LIMIT = "16GB"
"""What DuckDB may write to its temporary folder once its memory is full."""
BASE_BYTES = 4 << 30
"""Address space that the process takes before it has any row: libraries, stacks, allocators."""
BATCH_ROWS = 65_536


def connect(memory_bytes: int, folder: str) -> duckdb.DuckDBPyConnection:
    """A connection to an empty database in memory, which reaches nothing outside of itself."""
    connection = duckdb.connect(
        config={
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
            "memory_limit": f"{memory_bytes}B",
            "temp_directory": folder,
            "max_temp_directory_size": DISK_LIMIT,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET lock_configuration = true")
    return connection


def write_rows(connection: duckdb.DuckDBPyConnection, sql: str, most_bytes: int, sink: Any) -> None:
    """Write the rows of `sql` to `sink` as an Arrow stream.

    Raises `StoreError` for anything but one SELECT and for rows of more than `most_bytes`, and
    `duckdb.Error` for what DuckDB refuses.
    """
    kinds = [statement.type for statement in connection.extract_statements(sql)]
    if kinds != [duckdb.StatementType.SELECT]:
        named = ", ".join(kind.name for kind in kinds) or "no statement"
        raise StoreError(f"the entity rows' SQL is {named}; give one SELECT")
    reader = connection.sql(sql).to_arrow_reader(BATCH_ROWS)
    size = 0
    with pa.ipc.new_stream(sink, reader.schema) as stream:
        for batch in reader:
            size += batch.nbytes
            if size > most_bytes:
                raise StoreError(
                    f"the entity rows of the SQL take over {most_bytes:,} bytes, which is "
                    "offline_store.memory_limit; ask for fewer rows at once"
                )
            stream.write_batch(batch)


def main() -> None:
    """Answer the question on standard input. The exit status is 1 where there is no answer."""
    question = json.load(sys.stdin)
    memory_bytes = question["memory_bytes"]
    limit = BASE_BYTES + 2 * memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        connection = connect(memory_bytes, question["folder"])
        write_rows(connection, question["sql"], memory_bytes, sys.stdout.buffer)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        sys.exit(
            reason
            if isinstance(error, StoreError)
            else f"the entity rows' SQL cannot be run by DuckDB: {reason}"
        )


if __name__ == "__main__":
    main()
