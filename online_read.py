"""Reads of our online store, of the one that Feast ships and of the bare driver, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pitwall.lab.bench.result import Load, Result, Step, machine, percentiles

ENTITIES = 1000
TURN = 200
"""Reads in one turn of a reader."""

Read = Callable[[int], Any]
"""Reads the entity, or the entities, with this number."""


def online_read(load: Load, step: Step) -> Result:
    """Milliseconds to read 1 and 100 entities of 30 features through the Feast SDK.

    The conditions also hold reads of 1 entity by the serving reader and by the bare driver.
    `ratio` is ours against the shipped store for one entity, so smaller is better.
    """
    from pitwall.lab.bench.stores import (
        SHIPPED_NAME,
        WIDE,
        entity_key,
        sdk,
        side_by_side,
        tick,
        view,
    )
    from pitwall.serving.reader import FeatureReader
    from pitwall.stores.cassandra.connect import connect

    conditions = machine()
    rounds = 300 if load.quick else 2000
    with side_by_side(step) as (settings, ours, shipped):
        features = view("bench", WIDE)
        stores = {}
        for backend in (ours, shipped):
            step(f"filling: {backend.name}", None)
            stores[backend.name] = sdk(backend, features)
            backend.write(features, *((entity_key(i), *tick(i)) for i in range(ENTITIES)))
        names = tuple(WIDE)
        bare = connect(settings)
        columns = ", ".join(f'"{name}"' for name in names)
        query = bare.prepare(
            f"SELECT event_timestamp, created_timestamp, {columns} "
            f'FROM {settings.keyspace}."{ours.config.project}_bench" '
            "WHERE vehicle = ? AND session = ?"
        )
        reader = FeatureReader(settings, "bench", ours.config.project)
        references = [f"bench:{name}" for name in names]

        def through_sdk(store: str, count: int) -> Read:
            def read(i: int) -> Any:
                keys = [entity_key((i * 37 + k * 7) % ENTITIES) for k in range(count)]
                rows = [{"vehicle": vehicle, "session": session} for vehicle, session in keys]
                return stores[store].get_online_features(references, rows)

            return read

        started = time.perf_counter()
        one = _in_turns(
            rounds,
            {
                "ours": through_sdk("ours", 1),
                "shipped": through_sdk("shipped", 1),
                "reader": lambda i: reader.read(*entity_key(i * 37 % ENTITIES), names),
                "driver": lambda i: bare.execute(query, entity_key(i * 37 % ENTITIES)).one(),
            },
            step,
            "1 entity",
        )
        hundred = _in_turns(
            max(rounds // 20, 20),
            {"ours": through_sdk("ours", 100), "shipped": through_sdk("shipped", 100)},
            step,
            "100 entities",
        )
        seconds = time.perf_counter() - started
        bare.cluster.shutdown()
        reader.close()
    our_ms, shipped_ms = one["ours"]["p50"], one["shipped"]["p50"]
    return Result(
        "online-read",
        our_ms,
        "ms p50, 1 entity",
        SHIPPED_NAME,
        shipped_ms,
        round(our_ms / shipped_ms, 3),
        rounds,
        round(seconds, 1),
        {
            **conditions,
            "smaller_ratio_is_better": True,
            "features": len(WIDE),
            **{f"{name}_{q}_ms": ms for name, times in one.items() for q, ms in times.items()},
            **{
                f"{name}_{q}_ms_100_entities": ms
                for name, times in hundred.items()
                for q, ms in times.items()
            },
            "ratio_100": round(hundred["ours"]["p50"] / hundred["shipped"]["p50"], 3),
            "reader_to_driver": round(one["reader"]["p50"] / one["driver"]["p50"], 3),
        },
    )


def _in_turns(
    rounds: int, readers: dict[str, Read], step: Step, what: str
) -> dict[str, dict[str, float]]:
    """Percentiles in ms of each reader's reads; the readers take turns of `TURN` reads.

    They do not alternate read by read: Feast caches the registry of one store in a process, so that
    two stores in alternation would load their registries anew for every read.
    """
    times_ms: dict[str, list[float]] = {name: [] for name in readers}
    warm_up = min(TURN, rounds) // 4
    turns = max(rounds // TURN, 1) + 1
    for turn in range(turns):
        step(f"reading {what}", turn / turns)
        order = list(readers.items())
        for name, read in order[turn % len(order) :] + order[: turn % len(order)]:
            for i in range(warm_up + min(TURN, rounds)):
                before = time.perf_counter()
                read(turn * TURN + i)
                if turn and i >= warm_up:  # the whole first turn warms up server and client, too
                    times_ms[name].append((time.perf_counter() - before) * 1000)
    return {name: percentiles(times) for name, times in times_ms.items()}
