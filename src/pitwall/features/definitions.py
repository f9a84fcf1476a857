"""What a feature is, and the plan the Flink operator runs."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pitwall.channels import CHANNELS, unit_factors
from pitwall.errors import UsageError

KINDS = {
    "last": "value at this tick",
    "rolling_mean": "mean over the window",
    "rolling_min": "minimum over the window",
    "rolling_max": "maximum over the window",
    "rolling_std": "population standard deviation over the window",
    "rolling_range": "maximum minus minimum over the window",
    "rolling_rms": "root mean square over the window",
    "rolling_count": "samples in the window",
    "rolling_slope": "least-squares slope a second over the window",
    "share_above": "share of samples above the threshold in the window",
    "share_below": "share of samples below the threshold in the window",
    "lag": "newest value at least that old",
    "diff": "value at this tick minus the lagged one",
    "lap_mean": "mean of the samples since lap start",
    "lap_integral": "integral over time since lap start",
    "nan_share": "share of the channel's samples in the window that came as NaN",
    "out_of_range_share": "share of samples in the window outside the channel's expected range",
    "ticks": "ticks in the window",
    "gaps": "spacings of ticks in the window longer than the threshold",
    "session_time": "time on the session's clock",
    "lap_number": "laps begun in this session",
    "lap_time": "time since lap start",
    "lap_from_start": "1 where the lap was seen from its start, else 0",
    "last_lap_time": "time of the lap before, seen whole",
    "best_lap_time": "best lap of the session, seen whole",
    "lap_fraction": "share of the lap driven, by the length of the last whole lap",
    "delta_to_best": "seconds behind the session's best lap at the same distance",
    "sector": "sector the car is in",
    "sector_time": "time since the sector began",
    "last_sector_time": "time of the sector in the last whole lap",
    "best_sector_time": "best time of the sector in the session",
}
"""Every kind of feature and what it means. Windows are (t − w, t] on the session's clock."""

RESERVED = ("vehicle", "session", "event_timestamp", "created_timestamp", "event_date")


@dataclass(frozen=True)
class Feature:
    """One feature. `channel` is a wire id, `window_s` in seconds, `unit` of the result."""

    name: str
    kind: str
    unit: str
    channel: str | None = None
    window_s: float = 0.0
    argument: float = 0.0
    """The kind's own: a threshold in the channel's unit, or the number of a sector."""

    @property
    def description(self) -> str:
        """One line for documentation."""
        parts = [KINDS[self.kind]]
        if self.channel:
            parts.append(f"of {CHANNELS[self.channel].name}")
        if self.window_s:
            parts.append(f"({self.window_s:g} s)")
        if self.kind.startswith("share_") or self.kind == "gaps":
            parts.append(f"(threshold {self.argument:g})")
        if self.kind.endswith("_sector_time"):
            parts.append(f"(sector {self.argument:g})")
        return " ".join(parts)


class FeatureSet:
    """The features of one feature view, in column order. Raises `UsageError` on a name given twice."""

    def __init__(self, name: str, *groups: Feature | Iterable[Feature], distance: str = "LapDistance", sectors: int = 3) -> None:
        self.name = name
        self.sectors = sectors
        self.distance = next(c.id for c in CHANNELS.values() if c.name == distance)
        self.features: list[Feature] = []
        for group in groups:
            self.features += [group] if isinstance(group, Feature) else list(group)
        seen = set(RESERVED)
        for feature in self.features:
            if feature.name in seen:
                raise UsageError(f"feature {feature.name!r} of view {name!r} is defined twice or reserved; rename one")
            seen.add(feature.name)

    @property
    def names(self) -> list[str]:
        """Feature names in column order."""
        return [feature.name for feature in self.features]

    def _features(self) -> list[dict[str, Any]]:
        return [
            {
                "name": feature.name,
                "kind": feature.kind,
                "channel": feature.channel,
                "window_us": round(feature.window_s * 1e6),
                "argument": feature.argument,
            }
            for feature in self.features
        ]

    def plan(self, idle_timeout_s: float, reorder_s: float = 0.1) -> str:
        """The operator's plan as JSON: channels with their units and ranges, features with their windows."""
        return json.dumps(
            {
                "channels": [
                    {
                        "id": channel.id,
                        "aliases": list(channel.aliases),
                        "factors": unit_factors(channel),
                        "low": channel.low,
                        "high": channel.high,
                    }
                    for channel in CHANNELS.values()
                ],
                "features": self._features(),
                "distance": self.distance,
                "sectors": self.sectors,
                "idle_ms": round(idle_timeout_s * 1000),
                "reorder_us": round(reorder_s * 1e6),
                "schema": self.schema,
            },
            ensure_ascii=True,
            separators=(",", ":"),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the definitions, 12 digits: names what a model was trained on."""
        used = {feature.channel for feature in self.features} | {self.distance}
        channels = [asdict(channel) | {"factors": unit_factors(channel)} for channel in CHANNELS.values() if channel.id in used]
        text = json.dumps([self._features(), self.distance, self.sectors, channels], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def schema(self) -> str:
        """16 hexadecimal digits that name the columns, in their order, in each record of the features topic."""
        return hashlib.sha256(json.dumps(self.names).encode()).hexdigest()[:16]


def load(feature_repo: Path) -> list[FeatureSet]:
    """The feature sets of `feature_repo/features.py`, without importing Feast."""
    path = feature_repo / "features.py"
    if not path.exists():
        raise UsageError(f"no features.py in {feature_repo}; set PITWALL_REPOSITORY to the checkout")
    spec = importlib.util.spec_from_file_location("pitwall_feature_definitions", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [value for value in vars(module).values() if isinstance(value, FeatureSet)]
