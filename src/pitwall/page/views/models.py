"""The models view: versions and their errors, the champion beside its challengers, drift, parity,
and the newest predictions.
"""

from __future__ import annotations

from nicegui import ui

from pitwall.page.data.feed import Feed
from pitwall.page.data.registry import Registry
from pitwall.page.data.scores import version_scores
from pitwall.page.views.model_charts import ErrorByLap, ErrorByPart
from pitwall.page.views.model_inputs import NewestPredictions
from pitwall.page.views.model_parity import ParityCheck
from pitwall.page.views.model_tables import DriftTable, LiveErrorTable, VersionTable
from pitwall.page.web.shell import every, page
from pitwall.settings import Settings


class Models:
    """One viewer's models view."""

    def __init__(self, settings: Settings, feed: Feed, registry: Registry) -> None:
        self._feed, self._registry = feed, registry
        with page("/models") as bar:
            with bar:
                self._model = ui.toggle([], on_change=self._refresh).props(
                    "dense no-caps toggle-text-color=black aria-label='Model of the charts'"
                )
            self._note = (
                ui.label("The page is asking MLflow …").classes("empty").props('role="status"')
            )
            with ui.element("div").classes("pairs"):
                self._versions = VersionTable()
                self._by_lap = ErrorByLap(registry)
                self._by_part = ErrorByPart(registry)
                self._live = LiveErrorTable()
                self._drift = DriftTable()
                ParityCheck(settings, feed)
                self._newest = NewestPredictions(feed, registry)
        every(1.0, self._refresh)

    async def _refresh(self) -> None:
        registry = self._registry
        self._note.set_visibility(registry.state != "live" or not registry.versions)
        self._note.set_text(
            "The page is asking MLflow …"
            if registry.state == "connecting"
            else registry.state
            if registry.state != "live"
            else "No model is registered yet. This command trains one: ./pitwall train lap_time"
        )
        names = sorted({version.model for version in registry.versions})
        if names != self._model.options:
            self._model.set_options(names, value=self._model.value or names[0] if names else None)
        self._versions.show(registry.versions)
        champion = registry.champion(str(self._model.value))
        if champion is not None:
            await self._by_lap.draw(champion)
            await self._by_part.draw(champion, version_scores(self._feed, registry))
        self._live.show(version_scores(self._feed, registry))
        self._drift.show(self._feed)
        await self._newest.show(str(self._model.value))
