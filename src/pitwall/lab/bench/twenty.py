"""Twenty features that every stream processor can compute, for `bench features --peers`.

Five statistics of four channels over the second before each tick.
"""

from __future__ import annotations

from pitwall.channels.table import CHANNELS
from pitwall.features import FeatureSet, rolling

NAMES = ("Speed", "Throttle", "Brake", "AccelerationLong")
STATISTICS = ("mean", "min", "max", "std", "count")
WINDOW_S = 1


def feature_set() -> FeatureSet:
    """The twenty features as a feature repository defines them."""
    return FeatureSet("twenty", *(rolling(name, STATISTICS, (WINDOW_S,)) for name in NAMES))


def channel_ids() -> list[str]:
    """The four channels' ids on the wire."""
    by_name = {channel.name: channel.id for channel in CHANNELS.values()}
    return [by_name[name] for name in NAMES]


SOURCE = """CREATE TEMPORARY TABLE telemetry (
    VehicleId STRING, SessionId STRING, `Timestamp` DOUBLE, ChannelId STRING, ChannelValue DOUBLE,
    seen_at AS TO_TIMESTAMP_LTZ(CAST(`Timestamp` * 1000 AS BIGINT), 3),
    WATERMARK FOR seen_at AS seen_at - INTERVAL '0.1' SECOND
) WITH (
    'connector' = 'kafka', 'properties.bootstrap.servers' = '{servers}', 'topic' = '{topic}',
    'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',
    'format' = 'json', 'json.ignore-parse-errors' = 'true')"""
"""The telemetry as Flink's own JSON format reads it: one row for each channel of a message."""


def over_windows() -> str:
    """The same features by `OVER` windows, in the rows of each channel."""
    ids = ", ".join(f"'{channel}'" for channel in channel_ids())
    return f"""SELECT VehicleId, SessionId, ChannelId, seen_at,
        AVG(ChannelValue) OVER w, MIN(ChannelValue) OVER w, MAX(ChannelValue) OVER w,
        STDDEV_POP(ChannelValue) OVER w, COUNT(ChannelValue) OVER w
    FROM telemetry WHERE ChannelId IN ({ids})
    WINDOW w AS (PARTITION BY VehicleId, SessionId, ChannelId ORDER BY seen_at
        RANGE BETWEEN INTERVAL '{WINDOW_S}' SECOND PRECEDING AND CURRENT ROW)"""
