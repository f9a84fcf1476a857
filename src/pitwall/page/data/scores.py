"""The live errors of every registered version, beside its role."""

from __future__ import annotations

from typing import NamedTuple

from pitwall.models.registry import Version
from pitwall.monitoring.truths import Score
from pitwall.page.data.feed import Feed
from pitwall.page.data.registry import Registry


class VersionScore(NamedTuple):
    """A version, and the score of its predictions whose truth is known."""

    role: str
    """`champion`, `challenger` or `former`."""
    version: Version
    score: Score


def version_scores(feed: Feed, registry: Registry) -> list[VersionScore]:
    """Every version with predictions whose truth is known.

    They are sorted by model. The champion comes before its challengers, and a newer version before
    an older one.
    """
    scores = dict(feed.watch.truths.scores)
    scored = [
        VersionScore(_role(version), version, scores[(version.model, version.number)])
        for version in registry.versions
        if (version.model, version.number) in scores
    ]
    return sorted(
        scored,
        key=lambda item: (item.version.model, item.role != "champion", -item.version.number),
    )


def _role(version: Version) -> str:
    for alias in ("champion", "challenger"):
        if alias in version.aliases:
            return alias
    return "former"
