"""What a set of features is: the definitions from which all else follows.

Columns, the operator's plan, the schema, documentation and model signatures are made from these.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from pitwall.channels.channel import Channel
from pitwall.channels.table import CHANNELS, union
from pitwall.channels.units import unit_factors
from pitwall.errors import UsageError
from pitwall.features import reference_laps
from pitwall.features.checks import MOST_FEATURES, MOST_SECTORS, wrong
from pitwall.features.feature import Feature
from pitwall.features.maths.channel import Maths
from pitwall.features.places import place, refused, resolved
from pitwall.settings import Settings

RESERVED = ("vehicle", "session", "event_timestamp", "created_timestamp", "event_date")
"""Columns that every row has beside its features."""


class FeatureSet:
    """The features of one feature view, in column order, for the vehicles that it takes.

    `vehicles` is a pattern of VehicleIds (`*` any text, `?` any character), `distance` the channel
    that laps are told apart by, in metres, `sectors` the number of equal parts of a lap (up to
    `MOST_SECTORS`). Raises `UsageError`, with the place of the definition, for whatever a later
    step would refuse: see `pitwall.features.checks`.
    """

    def __init__(
        self,
        name: str,
        *groups: Feature | Iterable[Feature],
        distance: str | Channel = "LapDistance",
        sectors: int = 3,
        vehicles: str = "*",
    ) -> None:
        if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            raise refused(
                f"feature set {name!r}: name it in small letters, digits and _, "
                "up to 40, a letter first"
            )
        self.name = name
        self.sectors = sectors
        self.vehicles = vehicles
        self.place = place()
        """File and line of the definition."""
        self.repo: Path | None = None
        """Folder that holds `reference_laps/`; None for the feature repository of the settings."""
        self.features: list[Feature] = []
        for group in groups:
            if isinstance(group, Iterable) and not isinstance(group, str):
                self.features += group
            else:
                self.features.append(group)
        self._check()
        distance_channel = resolved(distance)
        if isinstance(distance_channel, Maths):
            raise self._refused(
                f"distance is the maths channel {distance_channel.name!r}; "
                "give a channel that the car sends"
            )
        self.distance = distance_channel.id
        self.maths = self._maths()
        """The maths channels of its features, in an order in which they can be computed."""
        own = [
            feature.own
            for feature in self.features
            if feature.own and not isinstance(feature.own, Maths)
        ]
        own += [
            channel
            for maths in self.maths
            for channel in maths.reads
            if channel.id not in CHANNELS and not isinstance(channel, Maths)
        ]
        if distance_channel.id not in CHANNELS:
            own.append(distance_channel)
        try:
            self.channels = union(tuple(own))
            """All channels that the job reads, in the plan's order: the table's, then the sets'."""
        except UsageError as error:
            raise self._refused(str(error)) from error
        self.own = self.channels[len(CHANNELS) :]
        """The channels of this set that the table does not have."""
        self.check_names()

    def _refused(self, message: str) -> UsageError:
        return refused(f"feature set {self.name!r}: {message}", self.place)

    def _check(self) -> None:
        if type(self.sectors) is not int or not 1 <= self.sectors <= MOST_SECTORS:
            raise self._refused(f"sectors is {self.sectors!r}; give 1 to {MOST_SECTORS}")
        if not isinstance(self.vehicles, str) or not self.vehicles:
            raise self._refused(
                f"vehicles is {self.vehicles!r}; give a pattern of VehicleIds, such as 'VAN*'"
            )
        if not 1 <= len(self.features) <= MOST_FEATURES:
            raise self._refused(
                f"it has {len(self.features)} features; give 1 to {MOST_FEATURES}, "
                "and put more into another set"
            )
        taken = set(RESERVED)
        for feature in self.features:
            if not isinstance(feature, Feature):
                raise self._refused(
                    f"{feature!r} is no feature; use the vocabulary: last({feature!r})"
                )
            if problem := wrong(feature, self.sectors):
                raise self._refused(f"feature {feature.name!r}: {problem}")
            if feature.name in taken:
                raise self._refused(
                    f"feature {feature.name!r} is defined twice or reserved; rename one"
                )
            taken.add(feature.name)

    def _maths(self) -> tuple[Maths, ...]:
        by_id: dict[str, Maths] = {}
        for feature in self.features:
            if not isinstance(feature.own, Maths):
                continue
            for maths in (*feature.own.before, feature.own):
                if by_id.setdefault(maths.id, maths) != maths:
                    raise self._refused(
                        f"maths channel {maths.name!r} is defined in two ways; rename one"
                    )
        return tuple(by_id.values())

    def check_names(self) -> None:
        """Raise `UsageError` where a maths channel has the name of a channel that cars send."""
        sent = {name for channel in self.channels for name in (channel.id, *channel.aliases)}
        for maths in self.maths:
            if maths.id in sent:
                raise self._refused(
                    f"maths channel {maths.name!r} has the name of a channel that a car sends; "
                    "rename it"
                )

    def _used(self, *ids: str | None) -> list[Channel]:
        """The channels of cars among these ids, and those that maths channels among them read."""
        used = set(ids)
        for maths in self.maths:
            if maths.id in ids:
                used |= {channel.id for channel in maths.sent}
        return [channel for channel in (*CHANNELS.values(), *self.own) if channel.id in used]

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
        read = self._used(*(feature.channel for feature in self.features), self.distance)
        channels = [_with_factors(channel) for channel in read]
        features = [feature.in_plan() for feature in self.features]
        references = [self.references] if self.references else []
        maths = [[channel.meaning for channel in self.maths]] if self.maths else []
        text = json.dumps(
            [features, self.distance, self.sectors, channels, *references, *maths],
            sort_keys=True,
        )
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @cached_property
    def meanings(self) -> dict[str, str]:
        """12 hexadecimal digits for each feature, which change with its meaning alone.

        They cover its definition, its channel and units, the distance that laps are told apart by,
        the sectors, and its reference lap. A set's digest changes with any of its features.
        """
        channels = {channel.id: channel for channel in (*CHANNELS.values(), *self.own)}
        computed = {maths.id: maths for maths in self.maths}
        meanings = {}
        for feature in self.features:
            used = [
                _with_factors(channels[name])
                for name in (feature.channel, self.distance)
                if name in channels
            ]
            grid = self.references[feature.reference] if feature.reference else []
            maths = []
            if of := computed.get(feature.channel or ""):
                maths = [of.meaning, [_with_factors(channel) for channel in of.sent]]
            text = json.dumps([feature.in_plan(), self.sectors, used, grid, *maths], sort_keys=True)
            meanings[feature.name] = hashlib.sha256(text.encode()).hexdigest()[:12]
        return meanings

    @property
    def schema(self) -> str:
        """16 hexadecimal digits of the view's name and its columns in their order.

        Each record of the features topic begins with them.
        """
        return hashlib.sha256(json.dumps([self.name, *self.names]).encode()).hexdigest()[:16]


def _with_factors(channel: Channel) -> dict[str, Any]:
    """A channel as digests hold it: its definition and the factors of its units."""
    return asdict(channel) | {"factors": unit_factors(channel)}
