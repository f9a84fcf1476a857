"""Simulated cars as the benchmarks' load: a topic filled at once, or cars that drive live.

`python -m pitwall.lab.bench.cars COUNT CHANNELS TICKS EVERY` drives them live.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.lab.programs import start_module
from pitwall.lab.progress import Step
from pitwall.settings import Settings

CARS = 20
CHANNELS = 13
HZ = 50
"""Ticks a second of a simulated car."""
LAP_TICKS = 2_500
"""Ticks that every lap of the simulator has at least."""
DIFFERENT_LAPS = 4
"""So many laps are simulated; further cars drive them again."""
FIRST = (
    "LapDistance PositionX PositionY PositionZ Speed AccelerationLong AccelerationLat "
    "AccelerationVert VelocityYaw SteeringAngle Throttle Brake BatteryPower"
).split()
"""The channels of the real laps, which come first."""


def cars(count: int, channels: int, ticks: int) -> Iterator[Session]:
    """One session for each of `count` cars, with this number of channels and ticks.

    A channel beyond those of the simulator repeats one of them under another name.
    """
    laps = [
        simulate(laps=1 + ticks // LAP_TICKS, seed=seed)
        for seed in range(min(count, DIFFERENT_LAPS))
    ]
    for car in range(count):
        lap = laps[car % len(laps)]
        order = [lap.names.index(name) for name in FIRST] + [
            column for column, name in enumerate(lap.names) if name not in FIRST
        ]
        columns = [order[channel % len(order)] for channel in range(channels)]
        names = [
            lap.names[column]
            if channel < len(order)
            else f"{lap.names[column]}{channel // len(order) + 1}"
            for channel, column in enumerate(columns)
        ]
        yield Session(
            f"PERRINN 424 #{car + 1}",
            f"20260101-{car // 60:02d}{car % 60:02d}00-bench",
            tuple(names),
            tuple(lap.units[column] for column in columns),
            lap.times_s[:ticks],
            np.ascontiguousarray(lap.values[:ticks, columns]),
        )


def fill_topic(settings: Settings, count: int, channels: int, ticks: int, step: Step) -> int:
    """Send this number of ticks of each car to the telemetry topic, as fast as possible.

    Returns the number of messages on the topic.
    """
    sent = 0

    def on_ticks(more: int) -> None:
        nonlocal sent
        sent += more
        step(f"filling the topic: {sent:,} messages", sent / (ticks * count))

    sessions = list(cars(count, channels, ticks))
    return produce(settings, sessions, speed=None, together=True, on_ticks=on_ticks).ticks


def start_cars(
    settings: Settings, count: int, channels: int, seconds: float, every: int = 1
) -> subprocess.Popen[bytes]:
    """Start a process in which the cars drive side by side in real time, then end.

    Each sends only one of `every` ticks. They have a process of their own, so that the measuring
    does not slow them down.
    """
    ticks = round(seconds * HZ)
    numbers = (count, channels, ticks, every)
    return start_module(settings, "pitwall.lab.bench.cars", *map(str, numbers))


def main() -> None:
    """Drive COUNT cars with CHANNELS channels for TICKS ticks, in real time.

    Of the ticks of a car only one of EVERY is sent.
    """
    count, channels, ticks, every = (int(text) for text in sys.argv[1:])
    sessions = (
        replace(session, times_s=session.times_s[::every], values=session.values[::every])
        for session in cars(count, channels, ticks)
    )
    produce(Settings(), sessions, speed=1.0, together=True)


if __name__ == "__main__":
    main()
