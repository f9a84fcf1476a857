"""One point-in-time join, measured in a process of its own, so that its peak memory is its own.

`python -m pitwall.lab.bench.offline_join STORE FOLDER ENTITY_ROWS` prints seconds and peak memory.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from pitwall.lab.bench.offline_rows import FEATURES, entity_rows

LIMIT_BYTES = 12 * 2**30
"""A store gets no more memory than this, so that the machine stays usable."""
TTL_S = 10
REPEATS = 3
LONG_S = 20
"""A join is not repeated once its runs have taken this long together."""
FEAST_STORES = {
    "ours": "pitwall.stores.offline.store.ParquetOfflineStore",
    "file": "file",
    "duckdb": "duckdb",
}
"""The offline stores that are asked through Feast, with their type in a `feature_store.yaml`."""

Join = Callable[[], int]
"""Runs the join once and returns the number of its rows."""


def measure(store: str, folder: Path, count: int) -> dict[str, Any]:
    """Join `count` entity rows with the files of `folder`, in a child process.

    `s` is the median of the runs (infinity when the store fails), `peak_mb` the process's peak
    memory, `rows` the number of rows, and `failed` the last line of the error.
    """
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", __name__, store, str(folder), str(count)],
        capture_output=True,
        text=True,
    )
    answers = [line for line in result.stdout.splitlines() if line.startswith("{")]
    if result.returncode or not answers:
        errors = [line for line in result.stderr.splitlines() if line.strip()]
        reason = errors[-1][:200] if errors else f"ended with {result.returncode}"
        return {"s": float("inf"), "failed": reason}
    figures: dict[str, Any] = json.loads(answers[-1])
    return figures


def _by_feast(store: str, folder: Path, entity: pa.Table) -> Join:
    """The join by `FeatureStore.get_historical_features`, with a registry of its own."""
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64, String

    base = Path(tempfile.mkdtemp(prefix="pitwall-bench-feast-", dir=folder.parent))
    feature_store = FeatureStore(
        config=RepoConfig(
            project="bench",
            registry=str(base / "registry.db"),
            provider="local",
            offline_store={"type": FEAST_STORES[store]},
            online_store={"type": "sqlite", "path": str(base / "online.db")},
            entity_key_serialization_version=3,
        )
    )
    keys = [
        Entity(name=name, join_keys=[name], value_type=ValueType.STRING)
        for name in ("vehicle", "session")
    ]
    source = FileSource(
        name="rows",
        path=f"{folder}/*/*.parquet" if store == "duckdb" else str(folder),
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
        tags={"known_at": "session"},
    )
    view = FeatureView(
        name="v",
        entities=keys,
        ttl=timedelta(seconds=TTL_S),
        schema=[
            *(Field(name=key.name, dtype=String) for key in keys),
            *(Field(name=name, dtype=Float64) for name in FEATURES),
        ],
        source=source,
    )
    feature_store.apply([*keys, view])
    frame, references = entity.to_pandas(), [f"v:{name}" for name in FEATURES]
    return lambda: int(feature_store.get_historical_features(frame, references).to_arrow().num_rows)


def _by_duckdb(folder: Path, entity: pa.Table) -> Join:
    """DuckDB's own as-of join, without time to live."""
    import duckdb

    connection = duckdb.connect()
    connection.register("entity", entity)
    query = (
        f"SELECT e.*, {', '.join('f.' + name for name in FEATURES)} FROM entity e ASOF LEFT JOIN "
        f"read_parquet('{folder}/*/*.parquet', hive_partitioning = false) f "
        "ON e.vehicle = f.vehicle AND e.session = f.session "
        "AND e.event_timestamp >= f.event_timestamp"
    )
    return lambda: int(connection.sql(query).to_arrow_table().num_rows)


def _by_polars(folder: Path, entity: pa.Table) -> Join:
    """Polars' own as-of join, without time to live."""
    import polars as pl

    entities = pl.DataFrame(pl.from_arrow(entity))

    def join() -> int:
        rows = pl.scan_parquet(f"{folder}/*/*.parquet", hive_partitioning=False)
        joined = (
            entities.lazy()
            .sort("event_timestamp")
            .join_asof(
                rows.sort("event_timestamp"), on="event_timestamp", by=["vehicle", "session"]
            )
        )
        return joined.collect().height

    return join


def main() -> None:
    """Measure one store on the files of a folder, and print the figures of `measure` as JSON."""
    store, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    entity = entity_rows(folder, count)
    bare = {"bare_duckdb": _by_duckdb, "bare_polars": _by_polars}
    join = bare[store](folder, entity) if store in bare else _by_feast(store, folder, entity)
    times_s: list[float] = []
    while len(times_s) < REPEATS and sum(times_s) < LONG_S:
        started = time.perf_counter()
        rows = join()
        times_s.append(time.perf_counter() - started)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {"s": round(statistics.median(times_s), 3), "peak_mb": round(peak_mb), "rows": rows}
        )
    )


if __name__ == "__main__":
    main()
