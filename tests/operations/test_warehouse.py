"""The offline store in SQL: by Flink, and by Spark through a Hive metastore, both against the files
read with Polars.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from pitwall.local.stack import Stack
from pitwall.machine.sandbox import sandbox
from pitwall.recordings import files as recordings
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment

pytestmark = pytest.mark.integration

SQL = (
    "SELECT `session`, event_date, COUNT(*) AS ticks, "
    "MAX(speed) AS fastest, MIN(event_timestamp) AS first_tick "
    "FROM car_state WHERE speed > 150 GROUP BY `session`, event_date ORDER BY `session`"
)


@pytest.fixture(scope="module")
def stored(laps_dir: Path) -> Iterator[Settings]:
    """Two real laps of two days in the offline store."""
    with sandbox(parallelism="2") as settings, Stack(settings) as stack:
        stack.start(["kafka", "cassandra"])
        from pitwall.operations.backfill import run
        from pitwall.stores.repository import apply

        apply(settings)
        files = sorted(laps_dir.glob("*.parquet"))
        run(settings, recordings.read_all([files[0], files[-1]]), lambda text, share: None)
        yield settings


def expected(settings: Settings) -> list[list[object]]:
    rows = (
        pl.read_parquet(
            f"{settings.offline('car_state')}/**/*.parquet",
            hive_partitioning=True,
            try_parse_hive_dates=False,
        )
        .filter(pl.col("speed") > 150)
        .group_by("session", "event_date")
        .agg(
            pl.len(),
            pl.col("speed").max(),
            pl.col("event_timestamp").min().dt.strftime("%Y-%m-%dT%H:%M:%S%.6f"),
        )
        .sort("session")
        .rows()
    )
    assert len(rows) == 2
    return [list(row) for row in rows]


def ask(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pitwall.cli.main", "sql", *arguments]
    return subprocess.run(
        command,
        env=child_environment(settings),
        cwd=settings.repository,
        capture_output=True,
        text=True,
        timeout=120,
    )


def rows(result: subprocess.CompletedProcess[str]) -> list[list[object]]:
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["columns"] == ["session", "event_date", "ticks", "fastest", "first_tick"]
    return [[*row[:4], f"{row[4]}.000000"[:26]] for row in found["rows"]]


def test_flink_gives_what_the_files_hold(stored: Settings) -> None:
    assert rows(ask(stored, SQL, "--json")) == expected(stored)


def test_what_no_engine_takes_is_told(stored: Settings) -> None:
    refused = ask(stored, "SELECT nothing FROM car_state")
    assert refused.returncode in (1, 2)
    assert "nothing" in refused.stderr and "Traceback" not in refused.stderr
    unknown = ask(stored, SQL, "--engine", "duckdb")
    assert "'duckdb'" in unknown.stderr and "flink, spark" in unknown.stderr


ZONES = """
import json, sys
from pitwall.operations.warehouse_spark import in_utc
from pitwall.settings import Settings
from pitwall.spark.cluster import session

spark = session(Settings(), "zones", "local[1]", {})
frame = spark.sql('''
    SELECT TIMESTAMP '2026-11-01 05:30:00' AS first, TIMESTAMP '2026-11-01 06:30:00' AS first,
        ARRAY(TIMESTAMP '2026-07-01 12:00:00.25') AS many,
        MAP('timestamp', NAMED_STRUCT('timestamp', TIMESTAMP '2026-01-01 00:00:00')) AS inner
''')
(row,) = in_utc(frame).collect()
print("ANSWER" + json.dumps([str(row[0]), str(row[1]), str(row[2]), str(row[3])]))
"""


@pytest.mark.skipif(
    find_spec("pyspark") is None, reason="Spark is not installed; docs/how-to/spark.md says how"
)
def test_times_through_spark_do_not_shift_by_the_machines_zone(tmp_path: Path) -> None:
    """In New York the hour from 05:30 to 06:30 UTC of that day has the same local times twice."""
    result = subprocess.run(
        [sys.executable, "-c", ZONES],
        env={**os.environ, "TZ": "America/New_York", "PITWALL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert "ANSWER" in result.stdout, result.stderr[-2000:]
    first, second, many, inner = json.loads(result.stdout.partition("ANSWER")[2])
    assert (first, second) == ("2026-11-01 05:30:00", "2026-11-01 06:30:00")
    assert many == "[datetime.datetime(2026, 7, 1, 12, 0, 0, 250000)]"
    assert "datetime.datetime(2026, 1, 1, 0, 0)" in inner


METASTORE = """
import os, subprocess, sys, time
from pitwall.local.servers.table import CONTAINED
from pitwall.settings import Settings

subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
settings = Settings()
command = CONTAINED["metastore"].command(settings)
metastore = subprocess.Popen(command, stdout=sys.stderr, cwd=settings.home_dir / "tmp")
try:
    while not CONTAINED["metastore"].ready(settings):
        assert metastore.poll() is None
        time.sleep(0.5)
    for sql in sys.argv[1:]:
        ask = [sys.executable, "-m", "pitwall.cli.main", "sql", sql]
        subprocess.run([*ask, "--engine", "spark", "--json"], check=True)
finally:
    metastore.terminate()
    metastore.wait()
"""


@pytest.mark.skipif(
    find_spec("pyspark") is None, reason="Spark is not installed; docs/how-to/spark.md says how"
)
def test_spark_finds_the_tables_in_a_hive_metastore(stored: Settings) -> None:
    """The metastore listens on every address, so it has a network of its own, as in its
    container.
    """
    alone = ("unshare", "--net", "--map-root-user", "--user")
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces here")
    os.environ["PITWALL_METASTORE_URL"] = f"thrift://127.0.0.1:{stored.metastore_port}"
    try:
        result = subprocess.run(
            [*alone, sys.executable, "-c", METASTORE, SQL],
            env=child_environment(stored),
            cwd=stored.repository,
            capture_output=True,
            text=True,
            timeout=180,
        )
    finally:
        del os.environ["PITWALL_METASTORE_URL"]
    assert rows(result) == expected(stored)
    assert (stored.data_dir / "metastore" / "derby").is_dir()
