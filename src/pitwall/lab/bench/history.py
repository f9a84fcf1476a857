"""The telemetry history by Flink beside that by Spark: the same topic into the same table.

`python -m pitwall.lab.bench.history MESSAGES` is Spark's turn.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from pitwall.errors import JobError
from pitwall.lab.bench.cars import CARS, CHANNELS, fill_topic
from pitwall.lab.bench.rate import WARM_UP, measure
from pitwall.lab.bench.result import Load, Result, machine_state
from pitwall.lab.bench.stage import PARALLEL, stage
from pitwall.lab.programs import start_module
from pitwall.lab.progress import Step
from pitwall.machine import processes
from pitwall.settings import Settings
from pitwall.spark.cluster import check_installed
from pitwall.spark.job import spark_session, start

MESSAGES = 1_200_000
QUICK_MESSAGES = 300_000


def history(load: Load, step: Step) -> Result:
    """Value: channel samples a second into Cassandra's history by Flink; peer: by Spark.

    Raises `UsageError` without Spark, and `JobError` when a job fails.
    """
    check_installed()
    count, channels = load.cars or CARS, load.channels or CHANNELS
    messages = QUICK_MESSAGES if load.quick else MESSAGES
    conditions = machine_state()
    step("starting servers", None)
    with stage("kafka", "cassandra", **PARALLEL) as (settings, _):
        from pitwall.stores.repository import apply

        apply(settings)
        sent = fill_topic(settings, count, channels, -(-messages // count), step)
        step("Flink", None)
        flink = measure(settings, "history", sent)
        step("Spark", None)
        spark_messages_s = _by_spark(settings, sent)
    return Result(
        name="history",
        value=round(flink.messages_s * channels),
        unit="channel samples/s",
        peer="Spark, the same topic into the same table",
        peer_value=round(spark_messages_s * channels),
        ratio=round(flink.messages_s / spark_messages_s, 2),
        n=flink.messages,
        seconds=round(flink.seconds, 2),
        conditions={**conditions, "cars": count, "channels": channels},
    )


def _by_spark(settings: Settings, messages: int) -> float:
    """Messages a second of Spark's job, in a process of its own. Raises `JobError`."""
    log = settings.log_dir / "bench-spark.log"
    with log.open("wb") as file:
        child = start_module(
            settings,
            "pitwall.lab.bench.history",
            str(messages),
            stdout=subprocess.PIPE,
            stderr=file,
        )
        try:
            output, _ = child.communicate()
        finally:
            processes.end([child.pid])
    if child.returncode:
        raise JobError(
            f"Spark ended with {child.returncode}: {log.read_text(errors='replace')[-1500:]}"
        )
    return float(json.loads(output.splitlines()[-1]))


def main() -> None:
    """Follow Spark's job over the topic, and print its messages a second after the warm-up."""
    settings, messages = Settings(), int(sys.argv[1])
    spark = spark_session(settings)
    spark.sparkContext.setLogLevel("ERROR")
    query, _ = start(spark, settings)
    batches: dict[int, tuple[int, float]] = {}
    while sum(rows for rows, _ in batches.values()) < messages:
        time.sleep(0.2)
        if query.exception() is not None:
            raise JobError(str(query.exception()))
        for batch in query.recentProgress:
            seconds = batch["durationMs"]["triggerExecution"] / 1000
            batches[batch["batchId"]] = batch["numInputRows"], seconds
    read, measured = 0, []
    for rows, seconds in (batches[number] for number in sorted(batches)):
        read += rows
        if rows and read > WARM_UP * messages:
            measured.append((rows, seconds))
    print(json.dumps(sum(rows for rows, _ in measured) / sum(seconds for _, seconds in measured)))


if __name__ == "__main__":
    main()
