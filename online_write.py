"""Rows written to our online store beside the one that Feast ships, on one Cassandra, in turns."""

from __future__ import annotations

import time

import numpy as np

from pitwall.lab.bench.result import Load, Result, Step, machine

TURNS = 4
"""The first turn warms up server and client, and is not counted."""


def online_write(load: Load, step: Step) -> Result:
    """Entity rows of 30 features a second through Feast's `online_write_batch`."""
    from pitwall.lab.bench.stores import (
        SHIPPED_NAME,
        WIDE,
        entity_key,
        side_by_side,
        tick,
        view,
    )

    conditions = machine()
    count = 1000 if load.quick else 5000
    with side_by_side(step) as (_, ours, shipped):
        features = view("bench", WIDE)
        rates: dict[str, list[float]] = {"ours": [], "shipped": []}
        started = time.perf_counter()
        for turn in range(TURNS):
            for backend, rows in ((ours, count), (shipped, count // 10)):
                step(f"writing, turn {turn + 1} of {TURNS}: {backend.name}", turn / TURNS)
                backend.apply(features)
                data = [(entity_key(i), *tick(turn * count + i)) for i in range(rows)]
                before = time.perf_counter()
                backend.write(features, *data)
                if turn:
                    rates[backend.name].append(rows / (time.perf_counter() - before))
        seconds = time.perf_counter() - started
    our_rate, shipped_rate = (float(np.median(rates[name])) for name in ("ours", "shipped"))
    return Result(
        "online-write",
        round(our_rate),
        "entity rows/s",
        SHIPPED_NAME,
        round(shipped_rate),
        round(our_rate / shipped_rate, 2),
        (TURNS - 1) * count,
        round(seconds, 1),
        {**conditions, "features": len(WIDE), "turns": TURNS - 1},
    )
