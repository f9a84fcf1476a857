"""What a feature is, and the plan the Flink operator runs."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pitwall.channels.table import CHANNELS, Channel, resolve, union, unit_factors
from pitwall.errors import UsageError
from pitwall.features import reference_laps
from pitwall.settings import Settings

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
    "delta_to_reference": "seconds behind the reference lap at the same distance",
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
    reference: str | None = None
    """Name of the reference lap it compares with."""
    own: Channel | None = None
    """The channel's definition, where the channel table has none."""

    @property
    def description(self) -> str:
        """One line for documentation."""
        parts = [KINDS[self.kind]]
        if self.channel:
            parts.append(f"of {(self.own or CHANNELS[self.channel]).name}")
        if self.window_s:
            parts.append(f"({self.window_s:g} s)")
        if self.kind.startswith("share_") or self.kind == "gaps":
            parts.append(f"(threshold {self.argument:g})")
        if self.kind.endswith("_sector_time"):
            parts.append(f"(sector {self.argument:g})")
        if self.reference:
            parts.append(f"({self.reference})")
        return " ".join(parts)


class FeatureSet:
    """The features of one feature view, in column order, for the vehicles whose id matches `vehicles` (`*`, `?`).

    Raises `UsageError` on a name given twice and on channels that contradict each other.
    """

    def __init__(
        self,
        name: str,
        *groups: Feature | Iterable[Feature],
        distance: str | Channel = "LapDistance",
        sectors: int = 3,
        vehicles: str = "*",
    ) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            raise UsageError(
                f"feature set {name!r}: name it in small letters, digits and _, up to 40, a letter first"
            )
        self.name = name
        self.sectors = sectors
        self.vehicles = vehicles
        self.repo: Path | None = None
        """Where `reference_laps/` is; None for the settings' feature repository."""
        self.features: list[Feature] = []
        for group in groups:
            self.features += [group] if isinstance(group, Feature) else list(group)
        seen = set(RESERVED)
        for feature in self.features:
            if feature.name in seen:
                raise UsageError(
                    f"feature {feature.name!r} of view {name!r} is defined twice or reserved; rename one"
                )
            seen.add(feature.name)
        length = resolve(distance)
        self.distance = length.id
        own = [feature.own for feature in self.features if feature.own] + (
            [] if length.id in CHANNELS else [length]
        )
        self.channels = union(tuple(own))
        """All channels the reader knows, in the plan's order: the table, then own ones; `load` adds those of other sets."""
        self.own = self.channels[len(CHANNELS) :]

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
                **({"reference": feature.reference} if feature.reference else {}),
            }
            for feature in self.features
        ]

    @cached_property
    def references(self) -> dict[str, list[float]]:
        """The grid of each reference lap the features name. Raises `UsageError` for one that is not there or no lap."""
        folder = (self.repo or Settings().feature_repo) / reference_laps.FOLDER
        names = dict.fromkeys(feature.reference for feature in self.features if feature.reference)
        return {name: reference_laps.read(folder / f"{name}.csv") for name in names}

    def plan(
        self,
        idle_timeout_s: float,
        reorder_s: float = 0.1,
        release_s: float = 600.0,
        kafka: str = "",
    ) -> str:
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
                    for channel in self.channels
                ],
                "view": self.name,
                "vehicles": self.vehicles,
                "features": self._features(),
                "distance": self.distance,
                "sectors": self.sectors,
                "references": self.references,
                "idle_ms": round(idle_timeout_s * 1000),
                "reorder_us": round(reorder_s * 1e6),
                "release_ms": round(release_s * 1000),
                "kafka": kafka,
                "schema": self.schema,
            },
            ensure_ascii=True,
            separators=(",", ":"),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the definitions, 12 digits: names what a model was trained on."""
        used = {feature.channel for feature in self.features} | {self.distance}
        channels = [
            asdict(channel) | {"factors": unit_factors(channel)}
            for channel in (*CHANNELS.values(), *self.own)
            if channel.id in used
        ]
        references = [self.references] if self.references else []
        text = json.dumps(
            [self._features(), self.distance, self.sectors, channels, *references], sort_keys=True
        )
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def schema(self) -> str:
        """16 hexadecimal digits that name the view and its columns, in their order, in each record of the features topic."""
        return hashlib.sha256(json.dumps([self.name, *self.names]).encode()).hexdigest()[:16]


def load(feature_repo: Path) -> list[FeatureSet]:
    """The feature sets of `feature_repo/features.py`, in their order, without importing Feast.

    A session belongs to the first set whose pattern its vehicle matches; the last one takes every vehicle. All know the
    channels of all. Raises `UsageError` where that cannot be.
    """
    path = feature_repo / "features.py"
    if not path.exists():
        raise UsageError(
            f"no features.py in {feature_repo}; set PITWALL_REPOSITORY to the checkout"
        )
    spec = importlib.util.spec_from_file_location("pitwall_feature_definitions", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sets = list(
        dict.fromkeys(value for value in vars(module).values() if isinstance(value, FeatureSet))
    )
    if not sets:
        raise UsageError(
            f'{path} defines no feature set; define one: NAME = FeatureSet("name", ...)'
        )
    names = [each.name for each in sets]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"{path}: two feature sets are named {name!r}; give each a name of its own"
            )
    for number, each in enumerate(sets, start=1):
        if each.vehicles == "*" and number < len(sets):
            raise UsageError(
                f"{path}: set {each.name!r} takes every vehicle and leaves none to {names[number]!r}; put it last"
            )
    if sets[-1].vehicles != "*":
        raise UsageError(
            f'{path}: the last set, {names[-1]!r}, takes vehicles {sets[-1].vehicles!r} only; let the last one take "*"'
        )
    channels = union(*(each.own for each in sets))
    for each in sets:
        each.repo, each.channels = feature_repo, channels
        each.references  # noqa: B018
    return sets
