from __future__ import annotations

import json
from pathlib import Path

import pytest

from pitwall.channels import CHANNELS
from pitwall.errors import UsageError
from pitwall.features import FeatureSet, last, load, rolling

ROOT = Path(__file__).parents[2]


def test_the_shipped_set_is_rich_and_known() -> None:
    (features,) = load(ROOT / "feature_repo")
    assert len(features.features) >= 60
    assert all(feature.description for feature in features.features)
    assert {feature.channel for feature in features.features} - {None} <= set(CHANNELS)


def test_the_plan_names_each_feature_once_in_order() -> None:
    (features,) = load(ROOT / "feature_repo")
    plan = json.loads(features.plan(2.0))
    assert [feature["name"] for feature in plan["features"]] == features.names
    assert plan["idle_ms"] == 2000


def test_unknown_channel_statistic_window_and_double_names_are_refused() -> None:
    with pytest.raises(UsageError, match="'Sped'"):
        last("Sped")
    with pytest.raises(UsageError, match="'median'"):
        rolling("Speed", ("median",), (1,))
    with pytest.raises(UsageError, match="-1 s"):
        rolling("Speed", ("mean",), (-1,))
    with pytest.raises(UsageError, match="defined twice"):
        FeatureSet("v", last("Speed"), last("Speed"))
