"""SQL over the offline store by a Spark in this process, on external Hive tables."""

from __future__ import annotations

import json
import re
from typing import Any

from pitwall.errors import PitwallError
from pitwall.operations.warehouse_tables import Result, ViewTable, last_cause, quiet_logging
from pitwall.settings import Settings
from pitwall.spark.cluster import check_installed, derby, session


def in_utc(frame: Any) -> Any:
    """A Spark frame whose times are in UTC and without a zone, columns named by number.

    Spark gives Python its times in the zone of the machine, whatever zone its session has.
    """
    from pyspark.sql.types import StructType

    zoneless = re.sub(
        r'"(type|elementType|keyType|valueType)":"timestamp"',
        r'"\1":"timestamp_ntz"',
        frame.schema.json(),
    )
    numbered = frame.toDF(*(str(number) for number in range(len(frame.columns))))
    return numbered.select(
        [
            numbered[str(number)].cast(field.dataType).alias(str(number))
            for number, field in enumerate(StructType.fromJson(json.loads(zoneless)))
        ]
    )


def run(settings: Settings, sql: str, tables: list[ViewTable]) -> Result:
    """Run one SELECT.

    The tables are kept in the Hive metastore of `metastore_url`, or else in one of this project.
    Raises `UsageError` where pyspark is not installed, and `PitwallError` with Spark's message
    where Spark refuses the statement.
    """
    check_installed()
    from pyspark.errors import PySparkException

    own = settings.data_dir / "warehouse"
    own.mkdir(parents=True, exist_ok=True)
    hive = (
        {"hive.metastore.uris": settings.metastore_url}
        if settings.metastore_url
        else derby(own / "metastore")
    )
    log4j = quiet_logging(settings).as_uri()
    options = {
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": own.as_uri(),
        "spark.driver.extraJavaOptions": (
            f"-Dderby.system.home={own} -Dlog4j2.configurationFile={log4j}"
        ),
        "spark.ui.showConsoleProgress": "false",
        **{f"spark.hadoop.{key}": value for key, value in hive.items()},
    }
    spark = session(settings, "pitwall-sql", f"local[{settings.parallelism}]", options)
    try:
        for table in tables:
            # A table is created anew, so that it has the features and days that came since. Its
            # files stay, because it is an external table.
            spark.sql(f"DROP TABLE IF EXISTS `{table.name}`")
            spark.sql(f"""
                CREATE EXTERNAL TABLE `{table.name}` ({table.columns("STRING", "TIMESTAMP")})
                PARTITIONED BY (`event_date` STRING)
                STORED AS PARQUET LOCATION '{table.folder.as_uri()}'
            """)
            spark.sql(f"MSCK REPAIR TABLE `{table.name}`")
        frame = spark.sql(sql)
        return Result(list(frame.columns), [tuple(row) for row in in_utc(frame).collect()])
    except PySparkException as error:
        raise PitwallError(f"Spark does not take {sql!r}: {last_cause(str(error))}") from error
    finally:
        spark.stop()
