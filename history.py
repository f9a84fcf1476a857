"""The telemetry history written by Flink beside Spark: the same topic into the same table.

`python -m pitwall.lab.bench.history MESSAGES` is the process that measures Spark.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from pitwall.errors import JobError
from pitwall.lab.bench.cars import CARS, CHANNELS, fill
from pitwall.lab.bench.job import WARM_UP, measure
from pitwall.lab.bench.result import Load, Result, Step, machine
from pitwall.lab.bench.servers import own_servers
from pitwall.settings import Settings
from pitwall.spark.cluster import check_installed
from pitwall.spark.job import spark_session, start
from pitwall.stores.environment import child_environment

MESSAGES = 1_200_000
QUICK_MESSAGES = 300_000


def history(load: Load, step: Step) -> Result:
    """Channel samples a second into Cassandra's history by Flink; peer: by Spark.

    Raises `UsageError` where Spark is not installed.
    """
    check_installed()
    count, channels = load.cars or CARS, load.channels or CHANNELS
    ticks = -(-(QUICK_MESSAGES if load.quick else MESSAGES) // count)
    conditions = machine()
    values = {"parallelism": "2", "kafka_partitions": "2", "quick_start": "false"}
    step("starting servers", None)
    with own_servers("kafka", "cassandra", **values) as (settings, _):
        from pitwall.stores.repository import apply

        apply(settings)
        sent = fill(settings, count, channels, ticks, step)
        step("Flink", None)
        flink = measure(settings, "history", sent)
        step("Spark", None)
        spark_messages_s = _measure_spark(settings, sent)
    return Result(
        "history",
        round(flink.messages_s * channels),
        "channel samples/s",
        "Spark, the same topic into the same table",
        round(spark_messages_s * channels),
        round(flink.messages_s / spark_messages_s, 2),
        flink.messages,
        round(flink.seconds, 2),
        {**conditions, "cars": count, "channels": channels},
    )


def _measure_spark(settings: Settings, messages: int) -> float:
    """Messages a second of Spark's job. Raises `JobError` with the end of its log."""
    log = settings.log_dir / "bench-spark.log"
    with log.open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "pitwall.lab.bench.history", str(messages)],
            env=child_environment(settings),
            cwd=settings.repository,
            stdout=subprocess.PIPE,
            stderr=file,
        )
    if done.returncode:
        raise JobError(
            f"Spark ended with {done.returncode}: {log.read_text(errors='replace')[-1500:]}"
        )
    return float(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Run Spark's job until it has read MESSAGES; print messages a second after the warm-up."""
    settings, messages = Settings(), int(sys.argv[1])
    spark = spark_session(settings)
    spark.sparkContext.setLogLevel("ERROR")
    query, _ = start(spark, settings)
    batches: dict[int, tuple[int, float]] = {}
    """Rows and seconds of each batch, by its number."""
    while sum(rows for rows, _ in batches.values()) < messages:
        time.sleep(0.2)
        if query.exception() is not None:
            raise JobError(str(query.exception()))
        for batch in query.recentProgress:
            seconds = batch["durationMs"]["triggerExecution"] / 1000
            batches[batch["batchId"]] = (batch["numInputRows"], seconds)
    read, warm = 0, []
    for _, (rows, seconds) in sorted(batches.items()):
        read += rows
        if rows and read > WARM_UP * messages:
            warm.append((rows, seconds))
    print(json.dumps(sum(rows for rows, _ in warm) / sum(seconds for _, seconds in warm)))


if __name__ == "__main__":
    main()
