"""DuckDB on the store's Parquet files."""

from __future__ import annotations

from typing import Any

from pitwall.stores.offline.files import Place, files


def database(place: Place | None = None) -> Any:
    """Open a `duckdb.DuckDBPyConnection` whose time zone is UTC.

    With `place` the connection also reads files of that file system, by the paths of `files`.
    """
    import duckdb

    # No extension is fetched or loaded, whatever a statement names.
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    if place is not None and not place.local:
        from fsspec.implementations.arrow import ArrowFSWrapper

        connection.register_filesystem(
            type("RemoteFiles", (ArrowFSWrapper,), {"protocol": place.scheme})(
                place.system, skip_instance_cache=True
            )
        )
    return connection


def count_rows(place: Place, sessions: list[str], since: float = 0.0) -> int:
    """Rows of these sessions in the files of `place` that were written after `since`.

    `since` is in seconds since the epoch. Rows with the same key and event time count once.
    """
    if not (paths := files(place, since)):
        return 0
    row = (
        database(place)
        .execute(
            "SELECT count(DISTINCT (vehicle, session, event_timestamp)) FROM "
            "read_parquet(?, union_by_name = true, hive_partitioning = false) "
            "WHERE list_contains(?, session)",
            [paths, sessions],
        )
        .fetchone()
    )
    return int(row[0]) if row else 0
