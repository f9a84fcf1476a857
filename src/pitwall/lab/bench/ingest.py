"""How many channel samples a second the features job takes, in three stages.

The peer is Flink reading the same topic as bytes, without looking at them: the ceiling.
"""

from __future__ import annotations

from typing import Any

from pitwall.lab.bench import quix
from pitwall.lab.bench.cars import CARS, CHANNELS, fill_topic
from pitwall.lab.bench.rate import measure
from pitwall.lab.bench.result import Load, Result, machine_state
from pitwall.lab.bench.stage import PARALLEL, stage
from pitwall.lab.progress import Step
from pitwall.settings import Settings

MESSAGES = 4_800_000
QUICK_MESSAGES = 1_200_000


def parse(load: Load, step: Step) -> Result:
    """The format alone."""
    return _measure("parse", load, step)


def features(load: Load, step: Step) -> Result:
    """Format and feature operator, without sinks.

    With `peers` the conditions hold twenty features of ours (`pitwall.lab.bench.twenty`), and the
    same ones by Flink's `OVER` windows and by Quix Streams.
    """
    return _measure("features", load, step)


def ingest(load: Load, step: Step) -> Result:
    """Format, feature operator and all sinks."""
    return _measure("ingest", load, step, "cassandra")


def _measure(name: str, load: Load, step: Step, *servers: str) -> Result:
    """Fill a topic, and read it by the ceiling and then by the stage `name` of the job."""
    count, channels = load.cars or CARS, load.channels or CHANNELS
    # Wide messages are larger, so there are fewer of them.
    messages = (QUICK_MESSAGES if load.quick else MESSAGES) * CHANNELS // max(channels, CHANNELS)
    conditions = machine_state()
    step("starting servers", None)
    with stage("kafka", *servers, **PARALLEL) as (settings, _):
        if "cassandra" in servers:
            step("feast apply", None)
            from pitwall.stores.repository import apply

            apply(settings)
        sent = fill_topic(settings, count, channels, -(-messages // count), step)
        step("the ceiling: reading bytes", None)
        ceiling = measure(settings, "bytes", sent)
        step(f"measuring {name}", None)
        rate = measure(settings, name, sent)
        peers = _peers(settings, sent, channels, step) if load.peers and name == "features" else {}
    return Result(
        name=name,
        value=round(rate.messages_s * channels),
        unit="channel samples/s",
        peer="Flink reading the same topic as bytes",
        peer_value=round(ceiling.messages_s * channels),
        ratio=round(rate.messages_s / ceiling.messages_s, 3),
        n=rate.messages,
        seconds=round(rate.seconds, 2),
        conditions={
            **conditions,
            "cars": count,
            "channels": channels,
            "partitions": 2,
            "parallelism": 2,
            "messages_s": round(rate.messages_s),
            **peers,
        },
    )


def _peers(settings: Settings, sent: int, channels: int, step: Step) -> dict[str, Any]:
    """Channel samples/s of twenty features: ours, Flink's `OVER` windows, and Quix Streams."""
    step("twenty features", None)
    ours = measure(settings, "twenty", sent).messages_s
    step("twenty features by Flink SQL", None)
    over = measure(settings, "over", sent).messages_s
    step("twenty features by Quix Streams", None)
    quix_streams = quix.messages_s(settings)
    return {
        "twenty_features_samples_s": round(ours * channels),
        "twenty_by_flink_sql_samples_s": round(over * channels),
        "twenty_by_quix_streams_samples_s": round(quix_streams * channels),
        "times_flink_sql": round(ours / over, 2),
        "times_quix_streams": round(ours / quix_streams, 1),
    }
