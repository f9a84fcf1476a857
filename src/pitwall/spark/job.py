"""The job `history`: Kafka → Structured Streaming → table `telemetry_history` (`docs/adr/0007`).

`python -m pitwall.spark.job` runs it until SIGTERM. When Kafka or Cassandra does not answer, the
job ends and begins anew from its checkpoint, until they answer again.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from pitwall.errors import UsageError
from pitwall.features import load
from pitwall.features.plan import plan
from pitwall.kafka.clients import java_client_config
from pitwall.machine import compile, jars
from pitwall.machine import processes as process
from pitwall.settings import Settings
from pitwall.spark.cassandra import cassandra_options
from pitwall.spark.cluster import home, session
from pitwall.stores.cassandra.options import keyspace_of

TRIGGER = "1 second"
"""Time between the beginnings of two steps."""
PAUSE_S = 5.0
"""Pause before the job begins anew after an error."""


def ready_file(settings: Settings) -> Path:
    """A file that exists while the job reads, with the time of its last step (s since epoch)."""
    return settings.run_dir / "spark.ready"


def describe(settings: Settings) -> dict[str, Any] | None:
    """The job as `./pitwall jobs list` shows it; None when it does not run."""
    running = process.find(settings.run_dir, "spark")
    if running is None:
        return None
    newest = max(
        (path.stat().st_mtime for path in (checkpoint_dir(settings) / "commits").glob("[0-9]*")),
        default=None,
    )
    return {
        "name": "history",
        "id": str(running.pid),
        "state": "RUNNING" if ready_file(settings).exists() else "STARTING",
        "waits_for": [],
        "since_ms": round(running.started * 1000),
        "restarts": 0,
        "checkpoint_age_s": None if newest is None else round(time.time() - newest, 1),
        "checkpoint_mb": None,
    }


def checkpoint_dir(settings: Settings) -> Path:
    """Folder of the job's checkpoint: the offsets that were read, and the state of each session."""
    return settings.data_dir / "spark" / "history"


def spark_session(settings: Settings) -> Any:
    """A Spark session with the connectors' jars and ours.

    Raises `UsageError` when pyspark is not installed, `JarError` when a jar cannot be downloaded,
    and `JobError` when our Java cannot be compiled.
    """
    spark_home = home()
    jars.fetch(settings.cache_dir / "m2", optional=["spark"])
    libraries = jars.classpath("spark", settings.cache_dir / "m2")
    job = compile.job_jar(settings)
    ours = compile.compiled(
        settings, "spark_jobs/jvm", [job, *libraries, *sorted((spark_home / "jars").glob("*.jar"))]
    )
    options = {
        "spark.jars": ",".join(str(path) for path in (ours, job, *libraries)),
        "spark.driver.memory": "1g",
        "spark.sql.streaming.metricsEnabled": "false",
    }
    spark = session(
        settings,
        "pitwall-history",
        settings.spark_master or f"local[{settings.parallelism},4]",
        options,
    )
    # The options above are on Java's command line, which anybody on this machine can read.
    for key, value in cassandra_options(settings).items():
        spark.conf.set(f"spark.cassandra.{key}", value)
    return spark


def start(spark: Any, settings: Settings) -> tuple[Any, Any]:
    """Begin the job, from its checkpoint where there is one.

    Each step takes all that Kafka has. If it took less, ticks of other partitions would count as
    sent although they are unread, and the rows would not be those of the Flink job. What does not
    fit into memory is put in order on disk (`SentOrder.java`).

    Returns the streaming query, and the accumulator that counts messages that cannot be read.
    """
    from pyspark.sql import DataFrame

    kafka = {
        f"kafka.{key}": value
        for key, value in java_client_config(settings, "org.apache.kafka.common").items()
    }
    records = (
        spark.readStream.format("kafka")
        .options(**kafka)
        .option("subscribePattern", settings.telemetry_pattern)
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "false")
        .option("kafka.metadata.max.age.ms", "1000")
        .load()
        .selectExpr("value", "topic", "partition", "offset", "unix_millis(timestamp) AS record_ms")
    )
    bad = spark._jsc.sc().longAccumulator("bad messages")
    rows = spark._jvm.pitwall.spark.SparkHistory.rows(
        records._jdf, plan(settings, load(settings.feature_repo)[-1]), bad
    )
    query = (
        DataFrame(rows, spark)
        .writeStream.format("org.apache.spark.sql.cassandra")
        .queryName("history")
        .option("keyspace", keyspace_of(settings))
        .option("table", "telemetry_history")
        .option("writetime", "written_us")
        .option("checkpointLocation", checkpoint_dir(settings).as_uri())
        .trigger(processingTime=TRIGGER)
        .start()
    )
    return query, bad


def main() -> None:
    """Run the job until SIGTERM."""
    from pyspark.errors import PySparkException

    settings = Settings()
    ready = ready_file(settings)
    ready.unlink(missing_ok=True)

    def stop(number: int, frame: FrameType | None) -> None:
        ready.unlink(missing_ok=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    spark = spark_session(settings)
    spark.sparkContext.setLogLevel("ERROR")
    while True:
        bad_messages = 0
        try:
            query, bad = start(spark, settings)
            while not query.awaitTermination(1):
                if query.lastProgress is not None:
                    ready.write_text(str(time.time()))
                if bad.value() > bad_messages:
                    bad_messages = bad.value()
                    _log(f"{bad_messages} messages could not be read")
        except PySparkException as error:
            lines = str(error).splitlines()
            cause = next(
                (line for line in reversed(lines) if "Caused by" in line), lines[0] if lines else ""
            )
            _log(f"the job begins anew in {PAUSE_S:g} s: {cause}")
        ready.unlink(missing_ok=True)
        time.sleep(PAUSE_S)


def _log(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except UsageError as error:
        sys.exit(f"Error: {error}")
