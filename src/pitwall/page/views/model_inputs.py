"""The newest predictions in the models view, with the features that the model scored."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import numpy as np
from nicegui import ui

from pitwall.models.registry import Version
from pitwall.page.data.feed import Feed
from pitwall.page.data.intake import CHALLENGER
from pitwall.page.data.registry import Registry
from pitwall.page.data.session import LivePrediction, LiveSession
from pitwall.page.data.text import NBSP, number
from pitwall.page.web.shell import panel

SESSIONS = 3
"""Number of sessions whose newest predictions are shown."""


class _Newest(NamedTuple):
    """The newest prediction of a model for a session."""

    session: LiveSession
    model: str
    """Name of the model, with `CHALLENGER` for a challenger."""
    prediction: LivePrediction


class NewestPredictions:
    """The card with the newest predictions and their features."""

    def __init__(self, feed: Feed, registry: Registry) -> None:
        self._feed, self._registry = feed, registry
        self._drawn: tuple[Any, ...] = ()
        """The predictions in the card now, and the model that the viewer chose for the charts."""
        with panel("The newest predictions, and the features that they were made of", "wide"):
            self._list = ui.element("div").classes("w-full")

    async def show(self, model_shown: str) -> None:
        """Show the newest prediction of each model for the sessions with the newest rows."""
        newest = [
            _Newest(session, model, predictions[-1])
            for session in self._feed.newest_first()[:SESSIONS]
            for model, predictions in sorted(session.predictions.items())
            if predictions
        ]
        drawn = (
            tuple((item.session.session, item.model, item.prediction.time_s) for item in newest),
            model_shown,
        )
        if drawn == self._drawn:
            return
        self._drawn = drawn
        rows = []
        for item in newest:
            version = self._version(item)
            names = await asyncio.to_thread(self._registry.inputs, version) if version else []
            rows.append((item, version, names))
        if self._list.is_deleted:
            return
        self._list.clear()
        with self._list:
            if not rows:
                ui.label(
                    "No prediction has arrived. The Services view shows whether the scorer runs."
                ).classes("empty")
            for item, version, names in rows:
                ui.label(_sentence(item, version))
                with ui.element("dl").classes("inputs").props('data-fact="made"'):
                    for name, value in self._inputs(item, names):
                        with ui.element("div"):
                            with ui.element("dt"):
                                ui.label(name)
                            with ui.element("dd"):
                                ui.label(value)

    def _version(self, newest: _Newest) -> Version | None:
        """The registered version that made the prediction; None where MLflow does not list it."""
        key = (newest.model.removesuffix(CHALLENGER), newest.prediction.version)
        return next(
            (
                version
                for version in self._registry.versions
                if (version.model, version.number) == key
            ),
            None,
        )

    def _inputs(self, newest: _Newest, names: list[str]) -> list[tuple[str, str]]:
        """Name and value, with its unit, of each feature in the row that the model scored."""
        session = newest.session
        _, block = session.rows.since(0)
        if not len(block) or not names:
            return [("inputs", "no longer in memory" if names else "unknown to MLflow")]
        times_s = block[:, session.names.index("session_time")]
        row = block[int(np.argmin(np.abs(times_s - newest.prediction.time_s)))]
        units = (
            {
                feature.name: feature.unit
                for feature in self._feed.feature_sets[session.view].features
            }
            if session.view in self._feed.feature_sets
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


def _sentence(newest: _Newest, version: Version | None) -> str:
    """What the model predicts for whom and when, and the features that it was trained with."""
    session, model, prediction = newest
    unit = version.unit if version else ""
    features = (
        f" Its features: {version.feature_service} ({version.definitions})." if version else ""
    )
    return (
        f"{model} version {prediction.version} predicts {number(prediction.value)}{NBSP}{unit} "
        f"({number(prediction.low)} to {number(prediction.high)}{NBSP}{unit}) "
        f"for {session.vehicle}, {session.session} at {prediction.time_s:.2f}{NBSP}s.{features}"
    )
