"""Torn and late reads of our online store beside the one that Feast ships, on one Cassandra."""

from __future__ import annotations

from dataclasses import asdict

from pitwall.lab.bench.result import Load, Result, Step, machine


def online_race(load: Load, step: Step) -> Result:
    """Torn and late reads in a minute of one writer and four readers. 0 is the promise."""
    from pitwall.lab.bench.race import race
    from pitwall.lab.bench.stores import SHIPPED_NAME, side_by_side

    conditions = machine()
    seconds = 10.0 if load.quick else 60.0
    with side_by_side(step) as (_, ours, shipped):
        step(f"ours, {seconds:.0f} s", None)
        our_race = race(ours, seconds)
        step(f"shipped, {seconds:.0f} s", None)
        shipped_race = race(shipped, seconds)
    return Result(
        "online-race",
        our_race.torn + our_race.late,
        "torn or late reads",
        SHIPPED_NAME,
        shipped_race.torn + shipped_race.late,
        None,
        our_race.reads,
        seconds,
        {**conditions, "ours": asdict(our_race), "shipped": asdict(shipped_race)},
    )
