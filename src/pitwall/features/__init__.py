"""The vocabulary features are defined in. `feature_repo/features.py` is where they are."""

from pitwall.features.definitions import Feature, FeatureSet, load
from pitwall.features.vocabulary import (
    diff,
    lag,
    lap,
    lap_integral,
    lap_mean,
    last,
    rolling,
    session_time,
    share_above,
    share_below,
)

__all__ = [
    "Feature",
    "FeatureSet",
    "diff",
    "lag",
    "lap",
    "lap_integral",
    "lap_mean",
    "last",
    "load",
    "rolling",
    "session_time",
    "share_above",
    "share_below",
]
