"""The definitions that worlds are simulated with, and which of them follow others."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pitwall.channels.channel import Channel
from pitwall.features import (
    FeatureSet,
    diff,
    gaps,
    lag,
    lap,
    lap_integral,
    lap_mean,
    last,
    nan_share,
    out_of_range_share,
    rolling,
    sectors,
    session_time,
    share_above,
    share_below,
    ticks,
)
from pitwall.features.feature import Feature
from pitwall.features.plan import plan_json

IDLE_TIMEOUT_S = 5.0
"""The setting's default, `PITWALL_IDLE_TIMEOUT_S`."""
NO_BROKER = ","
"""Kafka's addresses in the plan: not empty, but without an address that would be watched."""
OIL = Channel("OilTemp", "°C", 0, 160)
FUEL = Channel("FuelFlow", "kg/h", 0, 150)
EVERY_STATISTIC = ("mean", "min", "max", "std", "range", "rms", "count", "slope")


def _small(*more: Feature | Iterable[Feature], stats: tuple[str, ...]) -> FeatureSet:
    return FeatureSet(
        "simulated",
        session_time(),
        lap("number", "time", "last_time", "delta_to_best"),
        sectors()[:2],
        last("Speed"),
        lag("Speed", 0.5),
        rolling("Speed", stats, (1,)),
        *more,
    )


def _own(channel: Channel) -> list[Feature]:
    return [*rolling(channel, ("mean", "max"), (1,)), *last(channel)]


SOME = ("mean", "std", "max")
SETS: dict[str, FeatureSet] = {
    "small": _small(stats=SOME),
    "small with a slope": _small(rolling("Speed", ("slope",), (5,)), stats=SOME),
    "small without the mean": _small(stats=SOME[1:]),
    "two own channels": _small(_own(OIL), _own(FUEL), stats=SOME),
    "own channels swapped": _small(_own(FUEL), _own(OIL), stats=SOME),
    "one own channel": _small(_own(FUEL), stats=SOME),
    "every kind": FeatureSet(
        "simulated",
        session_time(),
        lap("number", "time", "from_start", "last_time", "best_time", "fraction", "delta_to_best"),
        sectors(),
        last("Speed", "LapDistance"),
        rolling("Speed", EVERY_STATISTIC, (0.2, 1, 5)),
        share_above("Speed", 100, 1),
        share_below("Speed", 100, 5),
        lag("Speed", 0.5),
        diff("Speed", 0.2, 2),
        lap_mean("Speed"),
        lap_integral("Speed"),
        nan_share("Speed", 1),
        out_of_range_share("Speed", 1),
        ticks(1),
        gaps(0.03, 2),
    ),
}
"""The definitions by name, the simplest first."""

CHANGES: tuple[tuple[str, str], ...] = (
    ("small", "small with a slope"),
    ("small with a slope", "small"),
    ("small without the mean", "small"),
    ("two own channels", "own channels swapped"),
    ("two own channels", "one own channel"),
    ("one own channel", "two own channels"),
    ("small", "two own channels"),
    ("two own channels", "small"),
    ("small", "every kind"),
    ("every kind", "small"),
)
"""Definitions, and those that a running job goes on with."""


def plans_json() -> str:
    """All definitions and changes as the Java process reads them (`Plans.java`)."""
    names = list(SETS)
    plans = [
        {
            "name": name,
            "plan": json.loads(plan_json(features, IDLE_TIMEOUT_S, kafka=NO_BROKER)),
        }
        for name, features in SETS.items()
    ]
    changes = [[names.index(before), names.index(after)] for before, after in CHANGES]
    return json.dumps({"plans": plans, "changes": changes})
