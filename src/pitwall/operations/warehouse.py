"""SQL over the offline store, by Flink or by Spark: one table for each feature view."""

from __future__ import annotations

from pitwall.errors import StoreError, UsageError
from pitwall.operations import warehouse_flink, warehouse_spark
from pitwall.operations.exclusive import reading
from pitwall.operations.warehouse_tables import Result, tables
from pitwall.settings import Settings
from pitwall.stores.offline.commits import unfinished
from pitwall.stores.offline.files import recorded

ENGINES = ("flink", "spark")


def query(settings: Settings, sql: str, engine: str = "flink") -> Result:
    """Run one SELECT in an engine that this process starts.

    A table has the name of its feature view, and one column more, `event_date`. Times are in UTC
    and without a zone. Raises `UsageError` for an unknown engine, an engine that is not installed
    or an offline store without files, and `PitwallError` with the engine's message for a statement
    that it refuses. These engines list folders and know of no commits, so no file is replaced while
    they read: raises `StoreError` while another command does so, and after one that was killed.
    """
    if engine not in ENGINES:
        raise UsageError(f"--engine is {engine!r}; give one of {', '.join(ENGINES)}")
    if settings.offline_url:
        raise UsageError(
            f"PITWALL_OFFLINE_URL is {settings.offline_url!r}; "
            "SQL reads only an offline store in a folder of this machine"
        )
    views = list(tables(settings))
    if not views:
        raise UsageError(
            f"there are no offline files below {settings.offline_dir}; "
            "run `./pitwall backfill LAPS` first"
        )
    run = warehouse_spark.run if engine == "spark" else warehouse_flink.run
    with reading(settings):
        for view in views:
            place = recorded(settings, view.name)
            if unfinished(place.system, place.path):
                raise StoreError(
                    f"a compaction of {place.path} was killed before its end; "
                    "finish it: ./pitwall compact"
                )
        return run(settings, sql, views)
