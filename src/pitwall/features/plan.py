"""The plan that the operator on the JVM works by."""

from __future__ import annotations

from pitwall.features.definitions import FeatureSet
from pitwall.settings import Settings


def plan(settings: Settings, features: FeatureSet) -> str:
    """The operator's plan under these settings."""
    return features.plan(
        settings.idle_timeout_s,
        settings.reorder_s,
        settings.session_release_s,
        settings.bootstrap_servers,
    )
