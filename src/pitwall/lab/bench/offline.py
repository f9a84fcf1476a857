"""Point-in-time joins of 1.2 million feature rows of 30 features.

Feast's own stores, and bare joins by DuckDB and Polars on the same files, are the peers.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from pitwall.lab.bench.offline_join import TTL_S, measure
from pitwall.lab.bench.offline_rows import FEATURES, write_rows
from pitwall.lab.bench.result import Load, Result, machine_state
from pitwall.lab.progress import Step

ROWS, QUICK_ROWS = 1_200_000, 120_000
MANY_ROWS = 20_000_000
ENTITY_ROWS, QUICK_ENTITY_ROWS = (1_000, 10_000, 100_000), (1_000, 10_000)
FEAST_PEERS = {1_000: ["file", "duckdb"], 10_000: ["duckdb"]}
"""By number of entity rows: Feast's stores that join them.

Beyond, its `file` store takes minutes and its `duckdb` store more than 11 GB.
"""
NAMES = {
    "ours": "ours",
    "file": "Feast file",
    "duckdb": "Feast duckdb",
    "bare_duckdb": "bare DuckDB",
    "bare_polars": "bare Polars",
}


def offline(load: Load, step: Step) -> Result:
    """Seconds of our store for 1,000 entity rows; the peer is Feast's `file` store.

    The conditions hold seconds and peak memory (MB) of all stores and numbers of entity rows, and
    in a long run of our store on `MANY_ROWS`.
    """
    started = time.monotonic()
    conditions: dict[str, Any] = {**machine_state(), "features": len(FEATURES), "ttl_s": TTL_S}
    row_count = QUICK_ROWS if load.quick else ROWS
    counts = QUICK_ENTITY_ROWS if load.quick else ENTITY_ROWS
    figures: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="pitwall-bench-") as folder:
        rows = Path(folder) / "rows"
        step(f"writing {row_count:,} feature rows", None)
        write_rows(rows, row_count)
        for count in counts:
            for store in ("ours", "bare_duckdb", "bare_polars", *FEAST_PEERS.get(count, ())):
                step(f"{NAMES[store]}, {count:,} entity rows", None)
                figures[f"{store}_{count}"] = measure(store, rows, count)
        if not load.quick:
            many_rows = Path(folder) / "many_rows"
            step(f"writing {MANY_ROWS:,} feature rows", None)
            write_rows(many_rows, MANY_ROWS)
            step(f"ours, {MANY_ROWS:,} feature rows", None)
            figures["ours_20m_rows"] = measure("ours", many_rows, counts[-1])
    most = counts[-1]
    faster_bare_s = min(figures[f"bare_{name}_{most}"]["s"] for name in ("duckdb", "polars"))
    our_s, peer_s = figures["ours_1000"]["s"], figures["file_1000"]["s"]
    return Result(
        name="offline",
        value=our_s,
        unit="s for 1,000 entity rows",
        peer="Feast's file store",
        peer_value=peer_s,
        ratio=round(peer_s / our_s, 1),
        n=row_count,
        seconds=round(time.monotonic() - started, 1),
        conditions={
            **conditions,
            "feature_rows": row_count,
            f"of_the_faster_bare_join_{most}": round(
                figures[f"ours_{most}"]["s"] / faster_bare_s, 2
            ),
            **figures,
        },
    )
