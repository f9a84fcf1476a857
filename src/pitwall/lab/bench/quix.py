"""The twenty features by Quix Streams, in as many processes as there are partitions.

Quix Streams wants other versions of our packages, so it has an environment of its own, in the cache
folder. This module is also the program that runs there, and imports nothing of ours for that:
`python quix.py CONFIGURATION`, a JSON object.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pitwall.settings import Settings

VERSION = "3.28.1"
PROCESSES = 2
FIRST_MS = 1_767_225_600_000
"""Event time of 0 s of a session, ms since the epoch. A record of time 0 has the present time."""
WARM_UP_S = 10.0
MEASURED_S = 30.0


def environment(settings: Settings) -> Path:
    """The Python that has Quix Streams; installs it once. Raises `StackError` where that fails."""
    from pitwall.errors import StackError

    folder = settings.cache_dir / f"quix-streams-{VERSION}"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        for command in (
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", str(python), f"quixstreams=={VERSION}"],
        ):
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                raise StackError(
                    f"Quix Streams {VERSION} cannot be installed in {folder}: "
                    f"{result.stderr.strip()}; check the connection, or leave out --peers"
                )
        (folder / "installed").touch()
    return python


def messages_s(settings: Settings, measured_s: float = MEASURED_S) -> float:
    """Messages of the telemetry topic a second that all processes take together.

    Raises `StackError` when one fails, with the end of what it printed.
    """
    from pitwall.errors import StackError
    from pitwall.kafka.clients import client_config
    from pitwall.lab.bench import twenty

    options = {
        name: value for name, value in client_config(settings).items() if isinstance(value, str)
    }
    python = environment(settings)
    folder = settings.run_dir / "quix"
    folder.mkdir(parents=True, exist_ok=True)
    processes = [
        subprocess.Popen(
            [
                str(python),
                __file__,
                json.dumps(
                    {
                        "broker": options,
                        "topic": settings.telemetry_topic,
                        "channels": twenty.channel_ids(),
                        "window_ms": twenty.WINDOW_S * 1000,
                        "state": str(folder / str(number)),
                        "warm_up_s": WARM_UP_S,
                        "measured_s": measured_s,
                    }
                ),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    total = 0.0
    for process in processes:
        output, errors = process.communicate()
        if process.returncode:
            raise StackError(f"Quix Streams ended with {process.returncode}: {errors[-1500:]}")
        total += float(output.strip().splitlines()[-1])
    return total


def main(configuration: dict[str, Any]) -> float:
    """Compute the features until the time is over; returns messages a second after the warm-up.

    A message is counted once its features are computed.
    """
    from quixstreams import Application
    from quixstreams.dataframe.windows import (
        Count,
        Max,
        Mean,
        Min,
    )
    from quixstreams.dataframe.windows.aggregations import (
        Aggregator,
    )
    from quixstreams.kafka import ConnectionConfig

    class Deviation(Aggregator):
        """Population standard deviation of a column, from three sums."""

        def initialize(self) -> list[float]:
            return [0.0, 0.0, 0.0]

        def agg(self, old: list[float], new: Any, timestamp: int) -> list[float]:
            x = new[self.column]
            return [old[0] + 1, old[1] + x, old[2] + x * x]

        def result(self, value: list[float]) -> float:
            count, total, squares = value
            return float(max(squares / count - (total / count) ** 2, 0.0) ** 0.5)

    channels = set(configuration["channels"])
    broker = {name.replace(".", "_"): value for name, value in configuration["broker"].items()}
    app = Application(
        broker_address=ConnectionConfig(**broker),
        consumer_group="quix-streams",
        auto_offset_reset="earliest",
        state_dir=configuration["state"],
        loglevel="ERROR",
    )
    topic = app.topic(
        configuration["topic"],
        value_deserializer="json",
        timestamp_extractor=lambda value, headers, at, kind: (
            FIRST_MS + round(value[0]["Timestamp"] * 1000)
        ),
    )

    def tick(message: list[dict[str, Any]]) -> dict[str, Any]:
        first = message[0]
        values = {
            item["ChannelId"]: item["ChannelValue"]
            for item in message
            if item["ChannelId"] in channels
        }
        return {"car": f"{first['VehicleId']}/{first['SessionId']}", **values}

    aggregations = {}
    for channel in configuration["channels"]:
        for name, aggregation in (
            ("mean", Mean),
            ("min", Min),
            ("max", Max),
            ("std", Deviation),
            ("count", Count),
        ):
            aggregations[f"{channel}_{name}"] = aggregation(channel)
    since = time.monotonic() + configuration["warm_up_s"]
    end = since + configuration["measured_s"]
    counted: list[tuple[float, int]] = []
    newest: dict[str, int] = {}
    messages = 0

    def count(value: Any, key: Any, at: int, headers: Any) -> None:
        nonlocal messages
        if at > newest.get(key, -1):  # A tick can update several windows.
            newest[key] = at
            messages += 1
            counted.append((time.monotonic(), messages))
            if counted[-1][0] > end:
                app.stop()

    frame = app.dataframe(topic).apply(tick).group_by("car")
    frame = frame.sliding_window(configuration["window_ms"], grace_ms=100).agg(**aggregations)
    frame.current().update(count, metadata=True)
    app.run(timeout=configuration["warm_up_s"], collect=False)
    measured = [(at, number) for at, number in counted if at >= since]
    if len(measured) < 2:
        sys.exit(f"{len(counted)} messages were computed, and none after the warm-up")
    (start_s, first), (end_s, last) = measured[0], measured[-1]
    return (last - first) / (end_s - start_s)


if __name__ == "__main__":
    print(main(json.loads(sys.argv[1])))
