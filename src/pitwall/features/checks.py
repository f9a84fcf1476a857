"""What a feature must hold so that nothing can fail later: in Feast, in a store or in the job."""

from __future__ import annotations

import math
import re
from typing import TypeGuard

from pitwall.channels.table import CHANNELS
from pitwall.features.feature import Feature
from pitwall.features.kinds import (
    OF_ONE_SECTOR,
    OF_SECTORS,
    WITH_CHANNEL,
    WITH_THRESHOLD,
    WITH_WINDOW,
    Kind,
)
from pitwall.features.maths.channel import Maths

SHORTEST_WINDOW_S = 0.001
LONGEST_WINDOW_S = 600
"""Bounds of a window's length and of a lag, in seconds of session time."""
MOST_SECTORS = 100
"""Most sectors of a lap."""
MOST_FEATURES = 1000
"""Most features of one set: a row has one column for each."""
LONGEST_NAME = 100
"""Most characters of a feature's name."""
NAME = re.compile(r"[a-z][a-z0-9_]*")
"""Feature names that Cassandra, Feast, SQL and Avro take as they are."""
REFERENCE = re.compile(r"[a-z0-9_]{1,40}")
"""Names of reference laps, each of which is part of a feature's name."""


def is_number(value: object) -> TypeGuard[float]:
    """Whether the value is a finite number; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an int that no double holds
        return False


def wrong_window(window_s: object) -> str | None:
    """What is wrong with the length of a window or lag, and the remedy; None where it is right."""
    if is_number(window_s) and SHORTEST_WINDOW_S <= window_s <= LONGEST_WINDOW_S:
        return None
    return f"{window_s!r} s; give {SHORTEST_WINDOW_S} to {LONGEST_WINDOW_S}"


def wrong(feature: Feature, sectors: int) -> str | None:
    """What is wrong with a feature of a set with so many sectors, and the remedy.

    None where everything is right.
    """
    return (
        _wrong_name(feature)
        or _wrong_channel(feature)
        or _wrong_numbers(feature, sectors)
        or _wrong_reference(feature)
    )


def _wrong_name(feature: Feature) -> str | None:
    if not NAME.fullmatch(feature.name):
        return "the name must be small letters, digits and _, a letter first"
    if len(feature.name) > LONGEST_NAME:
        return (
            f"the name has {len(feature.name)} characters; {LONGEST_NAME} are allowed, "
            "so give its channel a shorter one"
        )
    if not isinstance(feature.kind, Kind):
        return f"kind is {feature.kind!r}; give a member of Kind"
    return None


def _wrong_channel(feature: Feature) -> str | None:
    if feature.kind not in WITH_CHANNEL:
        return None if feature.channel is None else "its kind is of no channel; leave channel out"
    if feature.own is None and feature.channel not in CHANNELS:
        return f"channel {feature.channel!r} is not in the channel table; give its definition: own="
    unbounded = isinstance(feature.own, Maths) and not feature.own.has_range
    if unbounded and feature.kind is Kind.OUT_OF_RANGE_SHARE:
        return f"maths channel {feature.channel!r} has no range; give it low= and high="
    if feature.own is not None and feature.own.id != feature.channel:
        return f"channel is {feature.channel!r}, and own defines {feature.own.id!r}; give one"
    return None


def _wrong_numbers(feature: Feature, sectors: int) -> str | None:
    if feature.kind in WITH_WINDOW and (problem := wrong_window(feature.window_s)):
        return f"window_s is {problem}"
    if feature.kind not in WITH_WINDOW and feature.window_s:
        return f"window_s is {feature.window_s}, and its kind has no window; leave it out"
    argument = feature.argument
    if feature.kind in WITH_THRESHOLD and not is_number(argument):
        return f"the threshold is {argument!r}; give a finite number"
    if feature.kind in OF_SECTORS and feature.sectors not in (0, sectors):
        return f"it is of sectors({feature.sectors}); give the set sectors={feature.sectors}"
    if feature.kind in OF_ONE_SECTOR and argument not in range(1, sectors + 1):
        return f"the sector is {argument}; give a whole number from 1 to {sectors}"
    if feature.kind not in WITH_THRESHOLD | OF_ONE_SECTOR and argument:
        return f"argument is {argument}, and its kind takes none; leave it out"
    return None


def _wrong_reference(feature: Feature) -> str | None:
    reference = feature.reference
    if feature.kind is not Kind.DELTA_TO_REFERENCE:
        return None if reference is None else "its kind takes no reference lap; leave it out"
    if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
        return (
            f"the reference lap is {reference!r}; name it in small letters, digits and _, up to 40"
        )
    return None
