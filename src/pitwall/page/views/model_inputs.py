"""The newest predictions in the models view, with the features that the model scored."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from nicegui import ui

from pitwall.page.data.feed import SHADOW, Feed
from pitwall.page.data.registry import Registry
from pitwall.page.data.session import LiveSession, Predicted
from pitwall.page.data.text import NBSP, number
from pitwall.page.web.shell import panel

SESSIONS = 3
"""Number of sessions whose newest predictions are shown."""


class NewestPredictions:
    """The card with the newest predictions and their features."""

    def __init__(self, feed: Feed, registry: Registry) -> None:
        self._feed, self._registry = feed, registry
        self._drawn: tuple[Any, ...] = ()
        """The predictions in the card now, and the model that the viewer chose for the charts."""
        with panel("The newest predictions, and the features that they were made of", "wide"):
            self._list = ui.element("div").classes("w-full")

    async def show(self, model_shown: str) -> None:
        """Show the newest prediction of each model for the sessions heard last."""
        newest = [
            (session, model, made[-1])
            for session in self._feed.ordered()[:SESSIONS]
            for model, made in sorted(session.predictions.items())
            if made
        ]
        drawn = (tuple((s.session, model, p.time_s) for s, model, p in newest), model_shown)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        rows = []
        for session, model, made in newest:
            version = next(
                (
                    v
                    for v in self._registry.versions
                    if v.model == model.removesuffix(SHADOW) and v.number == made.version
                ),
                None,
            )
            rows.append(
                (
                    session,
                    model,
                    made,
                    version,
                    await asyncio.to_thread(self._registry.inputs, version) if version else [],
                )
            )
        if self._list.is_deleted:
            return
        self._list.clear()
        with self._list:
            if not rows:
                ui.label(
                    "No prediction has arrived. The Services view shows whether the scorer runs."
                ).classes("empty")
            for session, model, made, version, names in rows:
                unit = version.unit if version else ""
                about = (
                    f" Its features: {version.feature_service} ({version.definitions})."
                    if version
                    else ""
                )
                ui.label(
                    f"{model} version {made.version} predicts {number(made.value)}{NBSP}{unit} "
                    f"({number(made.low)} to {number(made.high)}{NBSP}{unit}) "
                    f"for {session.vehicle}, {session.session} at {made.time_s:.2f}{NBSP}s.{about}"
                )
                with ui.element("dl").classes("inputs").props('data-fact="made"'):
                    for name, value in self._inputs(session, made, names):
                        with ui.element("div"):
                            with ui.element("dt"):
                                ui.label(name)
                            with ui.element("dd"):
                                ui.label(value)

    def _inputs(
        self, session: LiveSession, made: Predicted, names: list[str]
    ) -> list[tuple[str, str]]:
        """Name and value, with its unit, of each feature in the row that the model scored."""
        _, block = session.rows.since(0)
        if not len(block) or not names:
            return [("inputs", "no longer in memory" if names else "unknown to MLflow")]
        row = block[
            int(np.argmin(np.abs(block[:, session.names.index("session_time")] - made.time_s)))
        ]
        units = (
            {feature.name: feature.unit for feature in self._feed.sets[session.view].features}
            if session.view in self._feed.sets
            else {}
        )
        return [
            (
                name,
                f"{number(float(row[session.names.index(name)]))} {units.get(name, '')}".rstrip()
                if name in session.names
                else "–",
            )
            for name in names
        ]
