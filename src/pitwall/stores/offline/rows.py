"""How much of some sessions lies in files of the offline store. Apart from the store itself: importing Feast takes seconds."""

from __future__ import annotations

from pitwall.stores.offline.files import Place, database, files


def count_rows(where: Place, sessions: list[str], since: float = 0.0) -> int:
    """Rows of these sessions in finished Parquet files there, younger than `since` (s since the epoch); rows of equal key
    and event time count once.
    """
    if not (paths := files(where, since)):
        return 0
    row = (
        database(where)
        .execute(
            "SELECT count(DISTINCT (vehicle, session, event_timestamp)) FROM "
            "read_parquet(?, union_by_name = true, hive_partitioning = false) WHERE list_contains(?, session)",
            [paths, sessions],
        )
        .fetchone()
    )
    return int(row[0]) if row else 0
