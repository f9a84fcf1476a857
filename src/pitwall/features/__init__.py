"""The vocabulary features are defined in. `feature_repo/features.py` is where they are."""

from pitwall.channels.table import Channel
from pitwall.features.definitions import Feature, FeatureSet, load
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
    "nan_share",
    "out_of_range_share",
    "rolling",
    "sectors",
    "session_time",
    "share_above",
    "share_below",
    "ticks",
]
