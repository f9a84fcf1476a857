"""Features: the vocabulary that people define them with, their plan for the job, and their oracle.

Takes the channel table and the definitions in `feature_repo/features.py`. Gives the feature sets,
from which columns, plan and documentation follow. May import `kafka`, `channels`, `settings` and
below. This module hands out the vocabulary, so that a definition imports `pitwall.features` alone.

- `kinds`: every kind of feature and what it means
- `vocabulary`: the functions that a definition is written with
- `formulas`: the word `maths`, for a channel that a formula computes; its room is `maths/`
- `feature`, `definitions`: `Feature` and `FeatureSet`, the definitions themselves
- `checks`: what a definition must hold, so that nothing fails later
- `places`: the file and line that an error about a definition names
- `loading`: reads the feature sets of a feature repository
- `memory`: what a set costs the job in memory
- `plan`: the plan by which the Flink operator computes a set
- `oracle`, `oracle_laps`: the features in plain Python, which the tests believe
- `reference_laps`: named laps that a feature compares with
- `topic`: the rows of the features topic and the columns that they hold
"""

from pitwall.channels.channel import Channel
from pitwall.features.definitions import FeatureSet
from pitwall.features.feature import Feature
from pitwall.features.formulas import maths
from pitwall.features.loading import load
from pitwall.features.vocabulary import (
    delta_to,
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

__all__ = [
    "Channel",
    "Feature",
    "FeatureSet",
    "delta_to",
    "diff",
    "gaps",
    "lag",
    "lap",
    "lap_integral",
    "lap_mean",
    "last",
    "load",
    "maths",
    "nan_share",
    "out_of_range_share",
    "rolling",
    "sectors",
    "session_time",
    "share_above",
    "share_below",
    "ticks",
]
