"""The operator's plan: everything that the Flink operator knows about channels and features."""

from __future__ import annotations

import json

from pitwall.channels.units import wire_factors
from pitwall.features.definitions import FeatureSet
from pitwall.settings import Settings


def plan(settings: Settings, features: FeatureSet) -> str:
    """The plan of a feature set under these settings, as JSON."""
    return plan_json(
        features,
        settings.idle_timeout_s,
        settings.reorder_s,
        settings.session_release_s,
        settings.bootstrap_servers,
        settings.sessions_max,
        settings.session_memory_mb,
    )


def plan_json(
    features: FeatureSet,
    idle_timeout_s: float,
    reorder_s: float = 0.1,
    release_s: float = 600.0,
    kafka: str = "",
    sessions_max: int = 2000,
    session_memory_mb: float = 0,
) -> str:
    """The plan as JSON: channels with units and ranges, features with windows, and the bounds.

    A set with maths channels has them as well, each as the steps that it computes.

    `idle_timeout_s` is seconds of the wall clock, `release_s` of Kafka time as it is read, and
    `reorder_s` of both session time and Kafka time (`PITWALL_IDLE_TIMEOUT_S`,
    `PITWALL_SESSION_RELEASE_S`, `PITWALL_REORDER_S`). `kafka` is `host:port,…` of the brokers; with
    an empty one the operator never asks whether Kafka answers. One task
    keeps `sessions_max` sessions open at most, which take `session_memory_mb` MiB at most, 0 for
    its share of the heap (`PITWALL_SESSIONS_MAX`, `PITWALL_SESSION_MEMORY_MB`).
    """
    return json.dumps(
        {
            "channels": [
                {
                    "id": channel.id,
                    "aliases": list(channel.aliases),
                    "factors": wire_factors(channel),
                    "low": channel.low,
                    "high": channel.high,
                }
                for channel in features.channels
            ],
            "view": features.name,
            "vehicles": features.vehicles,
            "features": [feature.in_plan() for feature in features.features],
            "distance": features.distance,
            "sectors": features.sectors,
            "references": features.references,
            "idle_ms": round(idle_timeout_s * 1000),
            "reorder_us": round(reorder_s * 1e6),
            "release_ms": round(release_s * 1000),
            "sessions_max": sessions_max,
            "session_bytes": round(session_memory_mb * 2**20),
            "kafka": kafka,
            "schema": features.schema,
            **({"maths": [m.in_plan() for m in features.maths]} if features.maths else {}),
        },
        ensure_ascii=True,
        separators=(",", ":"),
    )
