"""The tables of the models view: versions, live errors, and drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from nicegui import ui

from pitwall.models.registry import Version
from pitwall.page.data.feed import Feed
from pitwall.page.data.scores import VersionScore
from pitwall.page.data.text import Cell, signed
from pitwall.page.web.shell import panel
from pitwall.page.web.tables import HtmlTable


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

    def show(self, scores: Sequence[VersionScore]) -> None:
        """Show the scores, each beside the error in training and beside the champion's.

        They come as `version_scores` sorts them: the champion is its model's first.
        """
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
        watched_channels = feed.watch.watched_channels
        rows = []
        for session in feed.newest_first():
            names = feed.watch.channels_in_doubt(session.vehicle, session.session)
            rows.append(
                [
                    session.session,
                    session.vehicle,
                    Cell(", ".join(names) or "none", "text bad" if names else "text good"),
                ]
            )
        if watched_channels:
            self._table.show(rows, "There is no session yet.")
        else:
            self._table.show(
                [],
                "Drift is not watched yet. "
                "The page needs four whole laps in the offline store for it.",
            )
        self._watched.set_text(
            f"Watched channels: {', '.join(watched_channels)}" if watched_channels else ""
        )


def _kind(role: str) -> str:
    """The class of the style sheet for a role."""
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
