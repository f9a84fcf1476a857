"""What a feature is, and what a set of features is: the definitions from which all else follows.

Columns, the operator's plan, the schema, documentation and model signatures are made from these.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pitwall.channels.channel import Channel
from pitwall.channels.table import CHANNELS, resolve, union
from pitwall.channels.units import unit_factors
from pitwall.errors import UsageError
from pitwall.features import reference_laps
from pitwall.features.kinds import OF_ONE_SECTOR, WITH_THRESHOLD, Kind
from pitwall.settings import Settings

RESERVED = ("vehicle", "session", "event_timestamp", "created_timestamp", "event_date")
"""Columns that every row has beside its features."""


@dataclass(frozen=True)
class Feature:
    """One feature: a column of 64-bit floats, null where it has no value."""

    name: str
    kind: Kind
    unit: str
    """Unit of the feature's values; empty for a number without a unit."""
    channel: str | None = None
    """Wire id of the channel it is computed from; None for a kind that needs none."""
    window_s: float = 0.0
    """Length of the window, or age of the lagged value, in seconds of session time."""
    argument: float = 0.0
    """The kind's own number: a threshold in the channel's unit, or the number of a sector."""
    reference: str | None = None
    """Name of the reference lap that it compares with."""
    own: Channel | None = None
    """The definition of its channel, where the channel table has none."""

    @property
    def description(self) -> str:
        """The definition in one line, for documentation."""
        parts = [self.kind.meaning]
        if self.channel:
            parts.append(f"of {(self.own or CHANNELS[self.channel]).name}")
        if self.window_s:
            parts.append(f"({self.window_s:g} s)")
        if self.kind in WITH_THRESHOLD:
            parts.append(f"(threshold {self.argument:g})")
        if self.kind in OF_ONE_SECTOR:
            parts.append(f"(sector {self.argument:g})")
        if self.reference:
            parts.append(f"({self.reference})")
        return " ".join(parts)

    def in_plan(self) -> dict[str, Any]:
        """The feature as the operator's plan and the digest hold it, its window in microseconds."""
        return {
            "name": self.name,
            "kind": self.kind.value,
            "channel": self.channel,
            "window_us": round(self.window_s * 1e6),
            "argument": self.argument,
            **({"reference": self.reference} if self.reference else {}),
        }


class FeatureSet:
    """The features of one feature view, in column order, for the vehicles that it takes.

    `vehicles` is a pattern of VehicleIds (`*` any text, `?` any character), `distance` the channel
    that laps are told apart by, `sectors` the number of equal parts of a lap. Raises `UsageError`
    on a name given twice and on two definitions of one channel.
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
                f"feature set {name!r}: name it in small letters, digits and _, "
                "up to 40, a letter first"
            )
        self.name = name
        self.sectors = sectors
        self.vehicles = vehicles
        self.repo: Path | None = None
        """Folder that holds `reference_laps/`; None for the feature repository of the settings."""
        self.features: list[Feature] = []
        for group in groups:
            self.features += [group] if isinstance(group, Feature) else list(group)
        taken = set(RESERVED)
        for feature in self.features:
            if feature.name in taken:
                raise UsageError(
                    f"feature {feature.name!r} of view {name!r} is defined twice or reserved; "
                    "rename one"
                )
            taken.add(feature.name)
        distance_channel = resolve(distance)
        self.distance = distance_channel.id
        own = [feature.own for feature in self.features if feature.own]
        if distance_channel.id not in CHANNELS:
            own.append(distance_channel)
        self.channels = union(tuple(own))
        """All channels that the job reads, in the plan's order: the table's, then the sets' own."""
        self.own = self.channels[len(CHANNELS) :]
        """The channels of this set that the table does not have."""

    @property
    def names(self) -> list[str]:
        """Feature names in column order."""
        return [feature.name for feature in self.features]

    @cached_property
    def references(self) -> dict[str, list[float]]:
        """The grid of each reference lap that a feature names: seconds since lap start, by name.

        Raises `UsageError` when a file is missing or holds no lap.
        """
        folder = (self.repo or Settings().feature_repo) / reference_laps.FOLDER
        names = dict.fromkeys(feature.reference for feature in self.features if feature.reference)
        return {name: reference_laps.read(folder / f"{name}.csv") for name in names}

    @cached_property
    def digest(self) -> str:
        """12 hexadecimal digits of the definitions' SHA-256: names what a model was trained on.

        Two sets have one digest when their features, channels, units and reference laps agree.
        """
        used = {feature.channel for feature in self.features} | {self.distance}
        channels = [
            asdict(channel) | {"factors": unit_factors(channel)}
            for channel in (*CHANNELS.values(), *self.own)
            if channel.id in used
        ]
        features = [feature.in_plan() for feature in self.features]
        references = [self.references] if self.references else []
        text = json.dumps(
            [features, self.distance, self.sectors, channels, *references], sort_keys=True
        )
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def schema(self) -> str:
        """16 hexadecimal digits of the view's name and its columns in their order.

        Each record of the features topic begins with them.
        """
        return hashlib.sha256(json.dumps([self.name, *self.names]).encode()).hexdigest()[:16]
