"""The tables of the models view: versions, live errors, and drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from nicegui import ui

from pitwall.models.registry import Version
from pitwall.monitoring.truths import Score
from pitwall.page.data.feed import Feed
from pitwall.page.data.registry import Registry
from pitwall.page.data.text import Cell, signed
from pitwall.page.web.shell import HtmlTable, panel

Scores = list[tuple[str, Version, Score]]
"""Role, version, and the score of its predictions whose truth is known."""


class VersionTable:
    """The card with every registered version and its error in training."""

    def __init__(self) -> None:
        with panel("Versions: mean absolute error over laps that the model never saw", "double"):
            self._table = HtmlTable(
                (
                    "Model",
                    "Version",
                    "Role",
                    "Error",
                    "Baseline",
                    "Gain",
                    "Made as",
                    "Features",
                    "Definitions",
                ),
                "versions",
            )

    def show(self, versions: Sequence[Version]) -> None:
        """Show the versions, one in each row."""
        self._table.show(
            [_version_row(version) for version in versions], "There is no version yet."
        )


class LiveErrorTable:
    """The card with the error of predictions whose truth is known."""

    def __init__(self) -> None:
        with panel("Live: error of predictions whose truth is known", "double"):
            self._table = HtmlTable(
                (
                    "Model",
                    "Version",
                    "Role",
                    "Error",
                    "In training",
                    "Within interval",
                    "Predictions",
                    "To the champion",
                ),
                "live-error",
            )

    def show(self, scores: Scores) -> None:
        """Show the scores, each beside the error in training and beside the champion's."""
        rows: list[list[Any]] = []
        champions: dict[str, float] = {}
        for role, version, score in scores:
            champions.setdefault(version.model, score.mae)
            to_champion = score.mae - champions[version.model]
            rows.append(
                [
                    version.model,
                    str(version.number),
                    Cell(role, _kind(role)),
                    f"{score.mae:.3g} {version.unit}",
                    f"{version.mae:.3g} {version.unit}",
                    f"{score.held / score.promised:.0%}" if score.promised else "–",
                    f"{score.count.sum():,.0f}",
                    ""
                    if role == "champion"
                    else Cell(
                        f"{signed(to_champion, 3)} {version.unit}",
                        "good" if to_champion < 0 else "warn",
                    ),
                ]
            )
        self._table.show(
            rows,
            "No lap has ended since the page was started. The truth is known when a lap ends.",
        )


class DriftTable:
    """The card with the channels that differ from the laps of the training."""

    def __init__(self) -> None:
        with panel("Drift: channels that differ from the laps of the training"):
            self._table = HtmlTable(
                ("Session", "Vehicle", Cell("Channels in doubt", "text")), "drift"
            )
            self._watched = ui.label("").classes("dim text-sm").props('data-fact="watched"')

    def show(self, feed: Feed) -> None:
        """Show the channels in doubt of every session."""
        watch = feed.watch
        rows = []
        for session in feed.ordered():
            names = watch.doubted(session.vehicle, session.session)
            rows.append(
                [
                    session.session,
                    session.vehicle,
                    Cell(", ".join(names) or "none", "text bad" if names else "text good"),
                ]
            )
        self._table.show(
            rows if watch.watched else [],
            "There is no session yet."
            if watch.watched
            else "Drift is not watched yet. "
            "The page needs four whole laps in the offline store for it.",
        )
        self._watched.set_text(
            f"Watched channels: {', '.join(watch.watched)}" if watch.watched else ""
        )


def scores_by_role(feed: Feed, registry: Registry) -> Scores:
    """Role, version and score of every version with predictions whose truth is known.

    Sorted by model; the champion comes before its challengers.
    """
    rows = []
    scores = dict(feed.watch.truths.scores)
    for version in registry.versions:
        if (version.model, version.number) in scores:
            role = (
                "champion"
                if "champion" in version.aliases
                else "challenger"
                if "challenger" in version.aliases
                else "former"
            )
            rows.append((role, version, scores[(version.model, version.number)]))
    return sorted(rows, key=lambda item: (item[1].model, item[0] != "champion", -item[1].number))


def _kind(role: str) -> str:
    return {"champion": "good", "challenger": "warn"}.get(role, "dim")


def _version_row(version: Version) -> list[str]:
    gain = 100 * (1 - version.mae / version.baseline_mae) if version.baseline_mae else np.nan
    return [
        version.model,
        str(version.number),
        Cell(", ".join(version.aliases), _kind((*version.aliases, "")[0])),
        f"{version.mae:.3f} {version.unit}",
        f"{version.baseline_mae:.3f} {version.unit}",
        f"{gain:.1f} %",
        version.kind,
        version.feature_service,
        version.definitions,
    ]
