"""Our online store beside the one that Feast ships, on one Cassandra: writes, and a race."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pitwall.lab.bench.result import Load, Result, machine_state
from pitwall.lab.bench.stage import stage
from pitwall.lab.progress import Step
from pitwall.settings import Settings

if TYPE_CHECKING:
    from pitwall.lab.bench.stores import Backend

SHIPPED_STORE = "Feast's shipped Cassandra store"
FEATURES = 30
TURNS = 3


@contextmanager
def two_stores(step: Step) -> Iterator[tuple[Settings, Backend, Backend]]:
    """Start Cassandra; yields the settings, our store and the shipped one."""
    step("starting Cassandra", None)
    with stage("cassandra") as (settings, _), tempfile.TemporaryDirectory() as folder:
        step("importing Feast", None)
        from pitwall.lab.bench.stores import ours, shipped

        our_folder, shipped_folder = Path(folder) / "ours", Path(folder) / "shipped"
        our_folder.mkdir()
        shipped_folder.mkdir()
        yield settings, ours(settings, our_folder), shipped(settings, shipped_folder)


def entity(number: int) -> tuple[str, str]:
    """Vehicle and session of an entity: 20 vehicles, as many sessions as it takes."""
    return f"PERRINN 424 #{number % 20}", f"20260101-{number // 20:06d}-bench"


def online_write(load: Load, step: Step) -> Result:
    """Entity rows of 30 features a second through `online_write_batch`.

    The stores take turns; the figure is the median of `TURNS` turns.
    """
    conditions = machine_state()
    our_count = 1000 if load.quick else 5000
    with two_stores(step) as (_, ours, shipped):
        from pitwall.lab.bench.stores import WIDE, tick, view

        features = view("bench", WIDE)
        rates: dict[str, list[float]] = {ours.name: [], shipped.name: []}
        started = time.perf_counter()
        for turn in range(TURNS + 1):
            for backend, count in ((ours, our_count), (shipped, our_count // 10)):
                step(f"writing, turn {turn + 1} of {TURNS + 1}: {backend.name}", turn / (TURNS + 1))
                backend.apply(features)
                rows = [
                    (entity(number), *tick(turn * our_count + number)) for number in range(count)
                ]
                before = time.perf_counter()
                backend.write(features, *rows)
                if turn:  # the first turn warms server and client
                    rates[backend.name].append(count / (time.perf_counter() - before))
        our_rate, shipped_rate = (
            float(np.median(rates[backend.name])) for backend in (ours, shipped)
        )
        return Result(
            name="online-write",
            value=round(our_rate),
            unit="entity rows/s",
            peer=SHIPPED_STORE,
            peer_value=round(shipped_rate),
            ratio=round(our_rate / shipped_rate, 2),
            n=TURNS * our_count,
            seconds=round(time.perf_counter() - started, 1),
            conditions={**conditions, "features": FEATURES, "turns": TURNS},
        )


def online_race(load: Load, step: Step) -> Result:
    """Torn and late reads of a minute with one writer and four readers.

    Our store promises 0. The peer is the shipped store.
    """
    conditions = machine_state()
    seconds = 10.0 if load.quick else 60.0
    with two_stores(step) as (_, ours, shipped):
        from pitwall.lab.bench.race import race

        step(f"ours, {seconds:.0f} s", None)
        our_race = race(ours, seconds)
        step(f"shipped, {seconds:.0f} s", None)
        shipped_race = race(shipped, seconds)
        return Result(
            name="online-race",
            value=our_race.torn + our_race.late,
            unit="torn or late reads",
            peer=SHIPPED_STORE,
            peer_value=shipped_race.torn + shipped_race.late,
            ratio=None,
            n=our_race.reads,
            seconds=seconds,
            conditions={
                **conditions,
                "ours": asdict(our_race),
                "shipped": asdict(shipped_race),
            },
        )
