"""Messages as Flink's source brings them: each with the watermark of the moment it is read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dryrun import MAX, Advance, Message, Step

START_MS = 1_000_000_000
IDLE_MS = 2000
"""As `RawRun.plan` sets it: a partition silent for so long does not hold back the watermark."""
ID = "20260101-000000-s"
KEY = f"car/{ID}"


@dataclass(frozen=True)
class Arrival:
    """One message: when it is read and what Kafka time it has, in ms after `START_MS`."""

    read_ms: int
    time_s: float
    values: Mapping[str, float]
    partition: int = 0
    record_ms: int | None = None
    vehicle: str = "car"
    topic: str = "p424-telemetry-batch"

    def message(self) -> bytes:
        return json.dumps(
            [
                {
                    "VehicleId": self.vehicle,
                    "SessionId": ID,
                    "Timestamp": self.time_s,
                    "ChannelId": channel,
                    "ChannelValue": value,
                }
                for channel, value in self.values.items()
            ]
        ).encode()


def watermark(newest: Mapping[int, int], heard: Mapping[int, int], now_ms: int) -> int:
    """The Kafka time up to which all partitions are read that are not silent. Where all are, the
    operator goes on to what its sessions wait for.
    """
    read = [newest[p] for p in newest if now_ms - heard[p] < IDLE_MS]
    return min(read) if read else max(newest.values()) + 2 * IDLE_MS


def arrive(
    arrivals: Iterable[Arrival], partitions: Iterable[int] = (), end: bool = True
) -> list[Step]:
    """The messages in the order in which they are read, each with the watermark of that moment.

    It is the least of the partitions' newest Kafka times. A partition counts from the beginning on
    when it is among `partitions`, else from its first message on, until it is silent for
    `IDLE_MS`; a partition of which nothing was read holds the watermark at its least. `end`: at the
    end nothing comes any more.
    """
    newest = dict.fromkeys(partitions, -(2**63))
    read = dict.fromkeys(partitions, 0)
    steps: list[Step] = []
    for number, arrival in enumerate(sorted(arrivals, key=lambda a: a.read_ms)):
        record = arrival.read_ms if arrival.record_ms is None else arrival.record_ms
        partition = arrival.partition
        newest[partition] = max(newest.get(partition, -(2**63)), START_MS + record)
        read[partition] = arrival.read_ms
        now_ms = START_MS + arrival.read_ms
        if number:
            steps.append(Advance(now_ms, steps[-1].watermark))
        value = arrival.message()
        steps.append(
            Message(
                value,
                START_MS + record,
                now_ms,
                partition,
                arrival.topic,
                watermark(newest, read, arrival.read_ms),
            )
        )
    return [*steps, Advance(now_ms + IDLE_MS, MAX)] if end else steps
