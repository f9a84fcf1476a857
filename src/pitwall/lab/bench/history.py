"""The telemetry history by Flink beside that by Spark: the same topic into the same table.

`python -m pitwall.lab.bench.history` is Spark's turn.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from pitwall.errors import JobError
from pitwall.lab.bench.ingest import CARS, CHANNELS, fill
from pitwall.lab.bench.job import WARM_UP, measure
from pitwall.lab.bench.result import Load, Result, Step, machine
from pitwall.lab.bench.stage import stage
from pitwall.settings import Settings
from pitwall.spark.cluster import check_installed
from pitwall.spark.job import spark_session, start
from pitwall.stores.environment import child_environment

MESSAGES = 1_200_000
QUICK = 300_000


def history(load: Load, step: Step) -> Result:
    """Value: channel samples a second into Cassandra's history by Flink; peer: by Spark.

    Raises `UsageError` without Spark.
    """
    check_installed()
    count, channels = load.cars or CARS, load.channels or CHANNELS
    conditions = machine()
    step("starting servers", None)
    with stage(
        "kafka", "cassandra", parallelism="2", kafka_partitions="2", quick_start="false"
    ) as (settings, _):
        from pitwall.stores.repository import apply

        apply(settings)
        sent = fill(
            settings, count, channels, -(-(QUICK if load.quick else MESSAGES) // count), step
        )
        step("Flink", None)
        flink = measure(settings, "history", sent)
        step("Spark", None)
        log = settings.log_dir / "bench-spark.log"
        with log.open("wb") as file:
            command = [sys.executable, "-m", "pitwall.lab.bench.history", str(sent)]
            done = subprocess.run(
                command,
                env=child_environment(settings),
                cwd=settings.repository,
                stdout=subprocess.PIPE,
                stderr=file,
            )
        if done.returncode:
            raise JobError(
                f"Spark ended with {done.returncode}: {log.read_text(errors='replace')[-1500:]}"
            )
        spark = json.loads(done.stdout.splitlines()[-1])
    return Result(
        "history",
        round(flink.messages_s * channels),
        "channel samples/s",
        "Spark, the same topic into the same table",
        round(spark * channels),
        round(flink.messages_s / spark, 2),
        flink.messages,
        round(flink.seconds, 2),
        {**conditions, "cars": count, "channels": channels},
    )


def main() -> None:
    """Follow Spark's job over the topic; messages a second after the warm-up."""
    settings, messages = Settings(), int(sys.argv[1])
    spark = spark_session(settings)
    spark.sparkContext.setLogLevel("ERROR")
    query, _ = start(spark, settings)
    batches: dict[int, tuple[int, float]] = {}
    while sum(rows for rows, _ in batches.values()) < messages:
        time.sleep(0.2)
        if query.exception() is not None:
            raise JobError(str(query.exception()))
        batches |= {
            each["batchId"]: (each["numInputRows"], each["durationMs"]["triggerExecution"] / 1000)
            for each in query.recentProgress
        }
    read, warm = 0, []
    for rows, seconds in (batches[number] for number in sorted(batches)):
        read += rows
        if rows and read > WARM_UP * messages:
            warm.append((rows, seconds))
    print(json.dumps(sum(rows for rows, _ in warm) / sum(seconds for _, seconds in warm)))


if __name__ == "__main__":
    main()
