"""Checkpoint 1 beside checkpoint 2: the same messages through Spark and through Flink give the same
telemetry history.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Producer

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.kafka.clients import client_config
from pitwall.kafka.wire import TickEncoder
from pitwall.local.stack import Stack
from pitwall.machine import jars
from pitwall.machine import processes as process
from pitwall.machine.sandbox import sandbox
from pitwall.recordings import files as recordings
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.prepare import prepare_cluster
from pitwall.stores.environment import child_environment

pytest.importorskip("pyspark", reason="Spark is not installed; docs/how-to/spark.md says how")
pytestmark = pytest.mark.integration
Rows = dict[tuple[Any, ...], tuple[Any, ...]]


FEW_TICKS = 1000
"""So many ticks of a session fit into the memory of a Spark task here; others go by its disk."""


@pytest.fixture(scope="module", autouse=True)
def little_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Lets every task of Spark write to disk what more than a few ticks are."""
    folder = tmp_path_factory.mktemp("spark")
    (folder / "spark-defaults.conf").write_text(
        f"spark.shuffle.spill.numElementsForceSpillThreshold {FEW_TICKS}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        yield


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Settings, Settings]]:
    """The Flink job and the Spark job on one Kafka and one Cassandra, each with a keyspace of its
    own.
    """
    with sandbox(checkpoint_interval_s="1", parallelism="2", kafka_partitions="2") as flink:
        jars.fetch(flink.cache_dir / "m2", optional=["spark"])
        with Stack(flink) as servers:
            servers.start(["kafka", "cassandra"])
            from pitwall.stores.repository import apply

            apply(flink)
            os.environ["PITWALL_KEYSPACE"] = "pitwall_spark"
            spark = Settings()
            prepare_cluster(spark)
            with Stack(spark) as more:
                more.begin(["spark"])
                os.environ["PITWALL_KEYSPACE"] = flink.keyspace
                servers.start(["flink"])
                more.start(["spark"])
                yield flink, spark
                # Who was started by `jobs run` is not of this stack, and outlives it.
                command = [sys.executable, "-m", "pitwall.cli.main", "jobs", "stop", "history"]
                subprocess.run(
                    command,
                    env={**child_environment(spark), "PITWALL_KEYSPACE": spark.keyspace},
                    cwd=spark.repository,
                )


def rows(settings: Settings) -> Rows:
    """The whole table: key, then values and the write timestamp."""
    session = connect(settings, keyspace=settings.keyspace)
    try:
        found = session.execute(
            "SELECT vehicle, session, bucket, start_us, digest, event_timestamp, "
            "times_us, channels, writetime(times_us) FROM telemetry_history"
        )
        return {tuple(row[:5]): (row[5], row[6], dict(row[7] or {}), row[8]) for row in found}
    finally:
        session.cluster.shutdown()


def ticks(found: Rows, session: Session) -> int:
    return sum(len(row[1]) // 8 for key, row in found.items() if key[1] == session.session)


def wait_for(settings: Settings, session: Session, count: int, seconds: float = 90) -> Rows:
    limit = time.monotonic() + seconds
    while ticks(found := rows(settings), session) < count:
        assert time.monotonic() < limit, (
            settings.keyspace,
            session.session,
            ticks(found, session),
            count,
        )
        time.sleep(0.5)
    return found


def send(settings: Settings, messages: list[bytes]) -> None:
    producer = Producer(client_config(settings))
    for message in messages:
        producer.produce(settings.telemetry_topic, message)
        producer.poll(0)
    assert producer.flush(30) == 0


def encoded(session: Session) -> list[bytes]:
    encoder = TickEncoder(session.vehicle, session.session, session.names, session.units, 50.0)
    return [
        encoder.encode(t, row)
        for t, row in zip(session.times_s.tolist(), session.values.tolist(), strict=True)
    ]


def test_the_same_lap_through_both_gives_the_same_rows(
    both: tuple[Settings, Settings], laps_dir: Path
) -> None:
    flink, _ = both
    lap = recordings.read(sorted(laps_dir.glob("*.parquet"))[0])
    produce(flink, [lap], speed=None)
    of_flink, of_spark = (wait_for(each, lap, len(lap.times_s)) for each in both)
    assert of_spark == of_flink
    assert ticks(of_spark, lap) == len(lap.times_s)


def test_what_a_race_does_to_ticks_gives_the_same_rows(both: tuple[Settings, Settings]) -> None:
    """Places changed, ticks twice, holes, a channel nobody knows, messages that are none; then
    ticks long overdue.
    """
    flink, _ = both
    drive = simulate(laps=1, seed=5)
    names, units = (*drive.names, "Nobody knows"), (*drive.units, "")
    values = np.column_stack([drive.values, np.arange(len(drive.times_s))])[:1500]
    values[300:320, 1] = np.nan
    values[:700, -1] = np.nan
    session = Session(
        "PERRINN 424", "20260101-000000-race", names, units, drive.times_s[:1500], values
    )
    messages = encoded(session)
    late = messages[400:410]
    dice = random.Random(1)
    order = sorted(
        [i for i in range(1500) if not 400 <= i < 410], key=lambda i: i + dice.uniform(0, 3)
    )
    on_time = [messages[i] for i in order]
    for at in (10, 200, 777):
        on_time.insert(at, on_time[at - 3])
    on_time.insert(500, b"no message of a car")
    send(flink, on_time)
    for each in both:
        wait_for(each, session, 1490)
    send(flink, late)
    of_flink, of_spark = (wait_for(each, session, 1500) for each in both)
    assert of_spark == of_flink
    assert sum(len(row[1]) == 8 for key, row in of_spark.items() if key[1] == session.session) >= 10


def jobs(spark: Settings, verb: str) -> None:
    """Run or stop the Spark job."""
    command = [sys.executable, "-m", "pitwall.cli.main", "jobs", verb, "history"]
    environment = {**child_environment(spark), "PITWALL_KEYSPACE": spark.keyspace}
    result = subprocess.run(
        command, env=environment, cwd=spark.repository, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_a_long_topic_that_waited_for_the_job_gives_the_same_rows(
    both: tuple[Settings, Settings],
) -> None:
    """More messages than the job once took in one step, of one session on two partitions."""
    flink, spark = both
    count = 110_000
    times_s = np.round(np.arange(count) * 0.02, 2)
    values = np.column_stack([np.sin(times_s), times_s])
    session = Session(
        "PERRINN 424", "20260103-000000-long", ("Speed", "Brake"), ("km/h", "%"), times_s, values
    )
    jobs(spark, "stop")
    send(flink, encoded(session))
    jobs(spark, "run")
    of_flink, of_spark = (wait_for(each, session, count, 300) for each in both)
    assert of_spark == of_flink
    assert ticks(of_spark, session) == count


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_stopped_or_killed_and_started_it_goes_on_where_it_was(
    both: tuple[Settings, Settings], how: str
) -> None:
    """In the middle of a session: the rows are those of a job that never was away."""
    flink, spark = both
    whole = simulate(laps=1, seed=6)
    session = Session(
        "PERRINN 424",
        f"20260102-000000-{how}",
        whole.names,
        whole.units,
        whole.times_s[:1000],
        whole.values[:1000],
    )
    messages = encoded(session)
    send(flink, messages[:530])
    wait_for(spark, session, 500)
    if how == "stopped":
        jobs(spark, "stop")
    else:
        found = process.find(spark.run_dir, "spark")
        assert found is not None and found.process is not None
        for each in [found.process, *found.process.children(recursive=True)]:
            each.kill()
        assert process.wait_gone(found, 20)
    send(flink, messages[530:])
    jobs(spark, "run")
    of_flink, of_spark = (wait_for(each, session, 1000) for each in both)
    assert of_spark == of_flink


def test_on_a_cluster_of_spark_with_tls_and_logins_to_kafka_and_cassandra(laps_dir: Path) -> None:
    """Every tick of a lap is there, as the oracle of the wire has it."""
    lap = recordings.read(sorted(laps_dir.glob("*.parquet"))[1])
    with sandbox(tls="true") as first:
        jars.fetch(first.cache_dir / "m2", optional=["spark"])
        os.environ["PITWALL_SPARK_MASTER"] = f"spark://{first.host}:{first.spark_port}"
        try:
            settings = Settings()
            with Stack(settings) as stack:
                stack.start(["kafka", "cassandra", "spark-worker"])
                prepare_cluster(settings)
                stack.start(["spark"])
                produce(settings, [lap], speed=None)
                found = wait_for(settings, lap, len(lap.times_s))
                with urllib.request.urlopen(
                    f"http://{settings.host}:{settings.spark_ui_port}/json/", timeout=5
                ) as answer:
                    assert [each["name"] for each in json.load(answer)["activeapps"]] == [
                        "pitwall-history"
                    ]
        finally:
            del os.environ["PITWALL_SPARK_MASTER"]
    mine = sorted(
        (row for key, row in found.items() if key[1] == lap.session and row[1]),
        key=lambda row: bytes(row[1][:8])[::-1],
    )
    speed = np.concatenate([np.frombuffer(row[2]["SPEED"], "<f8") for row in mine])
    np.testing.assert_array_equal(speed, lap.values[:, lap.names.index("Speed")])
