"""A point-in-time join of 1.2 million feature rows of 30 features, beside Feast's own stores and
bare joins on the same files.

Every measurement runs in a process of its own (`python -m pitwall.lab.bench.offline WHO FOLDER
ENTITY_ROWS`), so that its peak memory is its own.
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
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pitwall.lab.bench.result import Load, Result, Step, machine

FEATURES = [f"feature_{i}" for i in range(30)]
SESSION_ROWS = 6_000
"""A lap of two minutes at 50 Hz."""
DAY_SESSIONS = 50
LIMIT_BYTES = 12 * 2**30
"""A store that takes more is refused it, so that the machine lives on."""
START_US = 1_767_225_600_000_000
TTL_S = 10
STORES = {
    "ours": "pitwall.stores.offline.store.ParquetOfflineStore",
    "file": "file",
    "duckdb": "duckdb",
}
NAMES = {
    "ours": "ours",
    "file": "Feast file",
    "duckdb": "Feast duckdb",
    "bare_duckdb": "bare DuckDB",
    "bare_polars": "bare Polars",
}
REPEATS = 3


def offline(load: Load, step: Step) -> Result:
    """Ours at 1k entity rows beside Feast's `file` store; everything else in the conditions, s and
    peak MB.
    """
    started = time.monotonic()
    conditions: dict[str, Any] = {**machine(), "features": len(FEATURES), "ttl_s": TTL_S}
    rows, huge = (120_000, 0) if load.quick else (1_200_000, 20_000_000)
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="pitwall-bench-") as folder:
        step(f"writing {rows:,} feature rows", None)
        _write(Path(folder) / "rows", rows)
        counts = (1_000, 10_000) if load.quick else (1_000, 10_000, 100_000)
        for count in counts:
            # Feast's file store takes minutes and its duckdb store more than 11 GB beyond these.
            peers = ["file", "duckdb"] if count == 1_000 else ["duckdb"] if count == 10_000 else []
            for who in ("ours", "bare_duckdb", "bare_polars", *peers):
                step(f"{NAMES[who]}, {count:,} entity rows", None)
                found[f"{who}_{count}"] = _measure(who, Path(folder) / "rows", count)
        if huge:
            step(f"writing {huge:,} feature rows", None)
            _write(Path(folder) / "huge", huge)
            for count in (100_000,):
                step(f"ours, {huge:,} feature rows", None)
                found["ours_20m_rows"] = _measure("ours", Path(folder) / "huge", count)
    most = counts[-1]
    bare = min(found[f"bare_duckdb_{most}"]["s"], found[f"bare_polars_{most}"]["s"])
    conditions |= {
        "feature_rows": rows,
        f"of_the_faster_bare_join_{most}": round(found[f"ours_{most}"]["s"] / bare, 2),
        **found,
    }
    ours, peer = found["ours_1000"]["s"], found["file_1000"]["s"]
    return Result(
        "offline",
        ours,
        "s for 1,000 entity rows",
        "Feast's file store",
        peer,
        round(peer / ours, 1),
        rows,
        round(time.monotonic() - started, 1),
        conditions,
    )


def _write(folder: Path, rows: int) -> None:
    """Sessions of `SESSION_ROWS` rows, fifty a day, as `pitwall compact` leaves them: a file a day,
    sorted by session and time.
    """
    dice = np.random.default_rng(0)
    for day in range(-(-rows // (DAY_SESSIONS * SESSION_ROWS))):
        target = folder / f"event_date=2026-{1 + day // 28:02d}-{1 + day % 28:02d}"
        target.mkdir(parents=True)
        sessions = range(DAY_SESSIONS * day, min(DAY_SESSIONS * (day + 1), rows // SESSION_ROWS))
        whole = pa.concat_tables([_table(dice, number, SESSION_ROWS) for number in sessions])
        pq.write_table(
            whole, target / "compact.parquet", row_group_size=131_072 // SESSION_ROWS * SESSION_ROWS
        )


def _table(dice: np.random.Generator, session: int, rows: int) -> pa.Table:
    micros = pa.timestamp("us", "UTC")
    event = _begin(session) + np.arange(rows) * 20_000
    return pa.table(
        {
            "vehicle": pa.array(["PERRINN 424"] * rows, pa.string()),
            "session": pa.array([_name(session)] * rows, pa.string()),
            "event_timestamp": pa.array(event, micros),
            "created_timestamp": pa.array(event + 15_000, micros),
            **{name: dice.normal(size=rows).cumsum() for name in FEATURES},
        }
    )


def _begin(session: Any) -> Any:
    return (
        START_US
        + (session // DAY_SESSIONS) * 86_400_000_000
        + (session % DAY_SESSIONS) * 300_000_000
    )


def _name(session: int) -> str:
    return f"2026-{session:06d}-bench"


def _measure(who: str, folder: Path, count: int) -> dict[str, float]:
    """Seconds (median, or of one run where that is long) and peak MB."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", __name__, who, str(folder), str(count)],
        capture_output=True,
        text=True,
    )
    lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
    if result.returncode or not lines:
        tail = [line for line in result.stderr.splitlines() if line.strip()]
        return {
            "s": float("inf"),
            "failed": tail[-1][:200] if tail else f"ended with {result.returncode}",  # type: ignore[dict-item]
        }
    answer: dict[str, float] = json.loads(lines[-1])
    return answer


def _entity(folder: Path, count: int) -> pa.Table:
    sessions = (
        sum(pq.read_metadata(path).num_rows for path in folder.rglob("*.parquet")) // SESSION_ROWS
    )
    dice = np.random.default_rng(1)
    chosen = dice.integers(0, sessions, count)
    when = _begin(chosen) + dice.integers(0, SESSION_ROWS * 20_000, count)
    return pa.table(
        {
            "vehicle": ["PERRINN 424"] * count,
            "session": [_name(each) for each in chosen],
            "event_timestamp": pa.array(when, pa.timestamp("us", "UTC")),
        }
    )


def _through_feast(who: str, folder: Path, entity: pa.Table) -> Callable[[], int]:
    from datetime import timedelta

    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64, String

    base = Path(tempfile.mkdtemp(prefix="pitwall-bench-feast-", dir=folder.parent))
    store = FeatureStore(
        config=RepoConfig(
            project="bench",
            registry=str(base / "registry.db"),
            provider="local",
            offline_store={"type": STORES[who]},
            online_store={"type": "sqlite", "path": str(base / "online.db")},
            entity_key_serialization_version=3,
        )
    )
    keys = [
        Entity(name=name, join_keys=[name], value_type=ValueType.STRING)
        for name in ("vehicle", "session")
    ]
    path = str(folder) if who != "duckdb" else f"{folder}/*/*.parquet"
    source = FileSource(
        name="rows",
        path=path,
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
        tags={"known_at": "session"},
    )
    schema = [Field(name=name, dtype=String) for name in ("vehicle", "session")] + [
        Field(name=name, dtype=Float64) for name in FEATURES
    ]
    store.apply(
        [
            *keys,
            FeatureView(
                name="v", entities=keys, ttl=timedelta(seconds=TTL_S), schema=schema, source=source
            ),
        ]
    )
    frame = entity.to_pandas()
    return lambda: int(
        store.get_historical_features(frame, [f"v:{name}" for name in FEATURES]).to_arrow().num_rows
    )


def _bare_duckdb(folder: Path, entity: pa.Table) -> Callable[[], int]:
    import duckdb

    con = duckdb.connect()
    con.register("entity", entity)
    query = (
        f"SELECT e.*, {', '.join('f.' + name for name in FEATURES)} FROM entity e ASOF LEFT JOIN "
        f"read_parquet('{folder}/*/*.parquet', hive_partitioning = false) f "
        "ON e.vehicle = f.vehicle AND e.session = f.session "
        "AND e.event_timestamp >= f.event_timestamp"
    )
    return lambda: int(con.sql(query).to_arrow_table().num_rows)


def _bare_polars(folder: Path, entity: pa.Table) -> Callable[[], int]:
    import polars as pl

    left = pl.DataFrame(pl.from_arrow(entity))

    def run() -> int:
        rows = pl.scan_parquet(f"{folder}/*/*.parquet", hive_partitioning=False).sort(
            "event_timestamp"
        )
        return (
            left.lazy()
            .sort("event_timestamp")
            .join_asof(rows, on="event_timestamp", by=["vehicle", "session"])
            .collect()
            .height
        )

    return run


def main() -> None:
    """Measure one store on the files of a folder and print seconds and peak memory as JSON."""
    who, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    entity = _entity(folder, count)
    bare = {"bare_duckdb": _bare_duckdb, "bare_polars": _bare_polars}
    run = bare[who](folder, entity) if who in bare else _through_feast(who, folder, entity)
    taken: list[float] = []
    while len(taken) < REPEATS and sum(taken) < 20:
        started = time.perf_counter()
        given = run()
        taken.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps({"s": round(statistics.median(taken), 3), "peak_mb": round(peak), "rows": given})
    )


if __name__ == "__main__":
    main()
