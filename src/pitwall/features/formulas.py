"""The word `maths`: a channel by a formula, checked where it is defined."""

from __future__ import annotations

from collections.abc import Iterable

from pitwall.channels.channel import Channel, channel_id
from pitwall.channels.table import CHANNELS, resolve
from pitwall.errors import UsageError
from pitwall.features.checks import is_number
from pitwall.features.maths.channel import UNBOUNDED, Maths
from pitwall.features.maths.compiler import compiled
from pitwall.features.places import refused

MOST_BEFORE = 200
"""Most maths channels that one may be computed of."""


def maths(
    formula: str,
    unit: str | None = None,
    *,
    name: str,
    uses: Iterable[Channel] = (),
    low: float | None = None,
    high: float | None = None,
) -> Maths:
    """A channel that a formula computes, for use wherever a channel is.

    The formula names channels of the table, and those in `uses`, maths channels too. Its unit
    follows from the channels' units; `unit` declares it, and is verified. `low` and `high` are the
    expected range, in that unit. Raises `UsageError`, with the place of the definition and the
    column in the formula, for whatever the formula has wrong.
    """
    if not isinstance(name, str) or not isinstance(formula, str):
        raise refused(f"maths({name!r}): give the formula and the name as texts")
    if unit is not None and not isinstance(unit, str):
        raise refused(f"maths({name!r}): unit is {unit!r}; give a text, such as 'km/h'")
    try:
        channels = _nameable(name, uses)
        text, steps, reads, condition = compiled(name, formula, unit, channels)
        channel = Maths(
            name,
            text,
            -UNBOUNDED if low is None else _bound(name, "low", low),
            UNBOUNDED if high is None else _bound(name, "high", high),
            "Maths",
            "Maths",
            formula=formula,
            steps=steps,
            reads=reads,
            condition=condition,
        )
        if channel.id in CHANNELS or channel.id in _aliases():
            raise UsageError(
                f"maths({name!r}): a channel of the table has that name; choose another one"
            )
        resolve(channel)
    except UsageError as error:
        raise refused(str(error)) from None
    if len(channel.before) > MOST_BEFORE:
        raise refused(
            f"maths({name!r}) is computed of {len(channel.before)} other maths channels; "
            f"{MOST_BEFORE} are allowed, so write some of them as one formula"
        )
    return channel


def _nameable(name: str, uses: Iterable[Channel]) -> dict[str, Channel]:
    """The channels that a formula may name, by id."""
    channels = dict(CHANNELS)
    if isinstance(uses, Channel):
        uses = (uses,)
    for channel in uses:
        if not isinstance(channel, Channel):
            raise UsageError(f"maths({name!r}): uses has {channel!r}; give channels, not names")
        resolve(channel)
        if channels.setdefault(channel.id, channel) != channel:
            raise UsageError(
                f"maths({name!r}): uses has two channels named {channel.name!r}; rename one"
            )
    if channel_id(name) not in CHANNELS:
        channels.pop(channel_id(name), None)
    return channels


def _aliases() -> set[str]:
    return {alias for channel in CHANNELS.values() for alias in channel.aliases}


def _bound(name: str, word: str, value: float) -> float:
    if not is_number(value):
        raise UsageError(f"maths({name!r}): {word} is {value!r}; give a finite number")
    return float(value)
