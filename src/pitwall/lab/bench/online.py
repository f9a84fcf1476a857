"""Our online store beside Feast's and beside the bare driver, on one Cassandra, in turns."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pitwall.lab.bench.result import Load, Result, Step, machine
from pitwall.lab.bench.stage import stage
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.lab.bench.stores import Backend

SHIPPED = "Feast's shipped Cassandra store"
FEATURES = 30
ENTITIES = 1000
TURN = 200


@contextmanager
def _stores(step: Step) -> Iterator[tuple[Settings, Backend, Backend]]:
    step("starting Cassandra", None)
    with (
        stage("cassandra", quick_start="false") as (settings, _),
        tempfile.TemporaryDirectory() as folder,
    ):
        step("importing Feast", None)
        from pitwall.lab.bench.stores import ours, shipped

        (Path(folder) / "ours").mkdir()
        (Path(folder) / "shipped").mkdir()
        yield (
            settings,
            ours(settings, Path(folder) / "ours"),
            shipped(settings, Path(folder) / "shipped"),
        )


def _entity(i: int) -> tuple[str, str]:
    return f"PERRINN 424 #{i % 20}", f"20260101-{i // 20:06d}-bench"


def online_write(load: Load, step: Step) -> Result:
    """Entity rows of 30 features a second through `online_write_batch`, in three turns each."""
    conditions = machine()
    count = 1000 if load.quick else 5000
    with _stores(step) as (_, ours, shipped):
        from pitwall.lab.bench.stores import WIDE, tick, view

        features = view("bench", WIDE)
        rates: dict[str, list[float]] = {"ours": [], "shipped": []}
        started = time.perf_counter()
        for turn in range(4):
            for backend, rows in ((ours, count), (shipped, count // 10)):
                step(f"writing, turn {turn + 1} of 4: {backend.name}", turn / 4)
                backend.apply(features)
                data = [(_entity(i), *tick(turn * count + i)) for i in range(rows)]
                before = time.perf_counter()
                backend.write(features, *data)
                if turn:  # The first turn warms server and client.
                    rates[backend.name].append(rows / (time.perf_counter() - before))
        mine, theirs = (float(np.median(rates[name])) for name in ("ours", "shipped"))
        return Result(
            "online-write",
            round(mine),
            "entity rows/s",
            SHIPPED,
            round(theirs),
            round(mine / theirs, 2),
            3 * count,
            round(time.perf_counter() - started, 1),
            {**conditions, "features": FEATURES, "turns": 3},
        )


def online_read(load: Load, step: Step) -> Result:
    """Milliseconds to read 1 and 100 entities of 30 features through the Feast SDK, and 1 by the
    serving reader, in turns.

    `ratio` is ours against the shipped store for one entity, so smaller is better; the conditions
    hold the other figures.
    """
    conditions = machine()
    rounds = 300 if load.quick else 2000
    with _stores(step) as (settings, ours, shipped):
        from pitwall.lab.bench.stores import WIDE, sdk, tick, view
        from pitwall.serving.reader import FeatureReader
        from pitwall.stores.cassandra.connect import connect

        features = view("bench", WIDE)
        stores = {}
        for backend in (ours, shipped):
            step(f"filling: {backend.name}", None)
            stores[backend.name] = sdk(backend, features)
            backend.write(features, *((_entity(i), *tick(i)) for i in range(ENTITIES)))
        names = tuple(WIDE)
        bare = connect(settings)
        columns = ", ".join(f'"{name}"' for name in names)
        table = f'{settings.keyspace}."{ours.config.project}_bench"'
        select = bare.prepare(
            f"SELECT event_timestamp, created_timestamp, {columns} FROM {table} "
            "WHERE vehicle = ? AND session = ?"
        )
        reader = FeatureReader(settings, "bench", ours.config.project)

        def ask(name: str, many: int) -> Callable[[int], Any]:
            refs = [f"bench:{feature}" for feature in names]

            def run(i: int) -> Any:
                chosen = [_entity((i * 37 + k * 7) % ENTITIES) for k in range(many)]
                return stores[name].get_online_features(
                    refs, [{"vehicle": v, "session": s} for v, s in chosen]
                )

            return run

        started = time.perf_counter()
        one = _in_turns(
            rounds,
            {
                "ours": ask("ours", 1),
                "shipped": ask("shipped", 1),
                "reader": lambda i: reader.read(*_entity(i * 37 % ENTITIES), names),
                "driver": lambda i: bare.execute(select, _entity(i * 37 % ENTITIES)).one(),
            },
            step,
            "1 entity",
        )
        hundred = _in_turns(
            max(rounds // 20, 20),
            {"ours": ask("ours", 100), "shipped": ask("shipped", 100)},
            step,
            "100 entities",
        )
        bare.cluster.shutdown()
        reader.close()
        mine, theirs = one["ours"]["p50"], one["shipped"]["p50"]
        return Result(
            "online-read",
            mine,
            "ms p50, 1 entity",
            SHIPPED,
            theirs,
            round(mine / theirs, 3),
            rounds,
            round(time.perf_counter() - started, 1),
            {
                **conditions,
                "smaller_ratio_is_better": True,
                "features": FEATURES,
                **{
                    f"{name}_{q}_ms": value
                    for name, found in one.items()
                    for q, value in found.items()
                },
                **{
                    f"{name}_{q}_ms_100_entities": value
                    for name, found in hundred.items()
                    for q, value in found.items()
                },
                "ratio_100": round(hundred["ours"]["p50"] / hundred["shipped"]["p50"], 3),
                "reader_to_driver": round(one["reader"]["p50"] / one["driver"]["p50"], 3),
            },
        )


def _in_turns(
    rounds: int, asks: dict[str, Callable[[int], Any]], step: Step, what: str
) -> dict[str, dict[str, float]]:
    """p50 and p99 in ms of each, in turns of `TURN` questions.

    Not one by one: Feast keeps what it knows of a registry for one store a process, and would read
    it anew at every question.
    """
    taken: dict[str, list[float]] = {name: [] for name in asks}
    warm = min(TURN, rounds) // 4
    turns = max(rounds // TURN, 1) + 1
    for turn in range(turns):
        step(f"reading {what}", turn / turns)
        order = list(asks.items())
        for name, run in order[turn % len(order) :] + order[: turn % len(order)]:
            for i in range(warm + min(TURN, rounds)):
                before = time.perf_counter()
                run(turn * TURN + i)
                if turn and i >= warm:  # The first turn warms server and client.
                    taken[name].append((time.perf_counter() - before) * 1000)
    return {name: _percentiles(values) for name, values in taken.items()}


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {
        "p50": round(float(np.percentile(values, 50)), 3),
        "p99": round(float(np.percentile(values, 99)), 3),
    }


def online_race(load: Load, step: Step) -> Result:
    """Torn and late reads of a minute with one writer and four readers; 0 is the promise, the
    shipped store the peer.
    """
    conditions = machine()
    seconds = 10.0 if load.quick else 60.0
    with _stores(step) as (_, ours, shipped):
        from pitwall.lab.bench.race import race

        step(f"ours, {seconds:.0f} s", None)
        mine = race(ours, seconds)
        step(f"shipped, {seconds:.0f} s", None)
        theirs = race(shipped, seconds)
        return Result(
            "online-race",
            mine.torn + mine.late,
            "torn or late reads",
            SHIPPED,
            theirs.torn + theirs.late,
            None,
            mine.reads,
            seconds,
            {**conditions, "ours": asdict(mine), "shipped": asdict(theirs)},
        )
