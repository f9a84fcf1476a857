"""How many channel samples a second the job takes, beside Flink reading the same topic without
looking at it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.lab.bench.job import Rate, measure
from pitwall.lab.bench.result import Load, Result, Step, machine
from pitwall.lab.bench.stage import stage
from pitwall.settings import Settings

CEILING = "Flink reading the same topic as bytes"
CARS = 20
CHANNELS = 13
MESSAGES = 4_800_000
QUICK = 1_200_000
FIRST = (
    "LapDistance PositionX PositionY PositionZ Speed AccelerationLong AccelerationLat "
    "AccelerationVert VelocityYaw SteeringAngle Throttle Brake BatteryPower"
).split()
"""The channels of the real laps come first."""


def cars(count: int, channels: int, ticks: int) -> Iterator[Session]:
    """`count` simulated cars with so many channels and ticks; a channel beyond the car's own
    repeats one under another name.
    """
    laps = [simulate(laps=1 + ticks // 2_500, seed=seed) for seed in range(min(count, 4))]
    for car in range(count):
        lap = laps[car % len(laps)]
        order = [lap.names.index(n) for n in FIRST] + [
            i for i, n in enumerate(lap.names) if n not in FIRST
        ]
        columns = [order[i % len(order)] for i in range(channels)]
        names = [
            lap.names[c] if i < len(order) else f"{lap.names[c]}{i // len(order) + 1}"
            for i, c in enumerate(columns)
        ]
        yield Session(
            f"PERRINN 424 #{car + 1}",
            f"20260101-{car // 60:02d}{car % 60:02d}00-bench",
            tuple(names),
            tuple(lap.units[c] for c in columns),
            lap.times_s[:ticks],
            np.ascontiguousarray(lap.values[:ticks, columns]),
        )


def _run(name: str, load: Load, step: Step, *servers: str) -> Result:
    count, channels = load.cars or CARS, load.channels or CHANNELS
    messages = (QUICK if load.quick else MESSAGES) * CHANNELS // max(channels, CHANNELS)
    conditions = machine()
    step("starting servers", None)
    with stage("kafka", *servers, parallelism="2", kafka_partitions="2", quick_start="false") as (
        settings,
        _,
    ):
        if "cassandra" in servers:
            step("feast apply", None)
            from pitwall.stores.repository import apply

            apply(settings)
        sent = fill(settings, count, channels, -(-messages // count), step)
        step("the ceiling: reading bytes", None)
        ceiling = measure(settings, "bytes", sent)
        step(f"measuring {name}", None)
        rate = measure(settings, name, sent)
    return _result(
        name,
        rate,
        ceiling,
        channels,
        {
            **conditions,
            "cars": count,
            "channels": channels,
            "partitions": 2,
            "parallelism": 2,
            "messages_s": round(rate.messages_s),
        },
    )


def fill(settings: Settings, count: int, channels: int, ticks: int, step: Step) -> int:
    """Put so many ticks of each car on the telemetry topic; gives their number."""
    seen = [0]

    def on_ticks(more: int) -> None:
        seen[0] += more
        step(f"filling the topic: {seen[0]:,} messages", seen[0] / (ticks * count))

    return produce(
        settings, list(cars(count, channels, ticks)), speed=None, together=True, on_ticks=on_ticks
    ).ticks


def _result(
    name: str, rate: Rate, ceiling: Rate, channels: int, conditions: dict[str, object]
) -> Result:
    return Result(
        name,
        round(rate.messages_s * channels),
        "channel samples/s",
        CEILING,
        round(ceiling.messages_s * channels),
        round(rate.messages_s / ceiling.messages_s, 3),
        rate.messages,
        round(rate.seconds, 2),
        conditions,
    )


def parse(load: Load, step: Step) -> Result:
    """The format alone."""
    return _run("parse", load, step)


def features(load: Load, step: Step) -> Result:
    """Format and feature operator, without sinks."""
    return _run("features", load, step)


def ingest(load: Load, step: Step) -> Result:
    """Parse, features and all sinks."""
    return _run("ingest", load, step, "cassandra")
