"""The delta to the reference lap in the live view, and the dialog that chooses the reference."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nicegui import ui

from pitwall.errors import PitwallError
from pitwall.page.data.laps import Reference
from pitwall.page.data.moment import Moment
from pitwall.page.data.recorded import Archive, StoredLap
from pitwall.page.data.session import LiveSession
from pitwall.page.data.text import seconds
from pitwall.page.views.live_charts import DeltaChart

OWN = "The session's best lap, and until there is one the fastest stored lap of this road"


class DeltaToReference:
    """The card with the delta, and the viewer's choice of the reference lap."""

    def __init__(
        self,
        archive: Archive,
        session: Callable[[], LiveSession | None],
        redraw: Callable[[], None],
    ) -> None:
        self._archive, self._session, self._redraw = archive, session, redraw
        self.reference: Reference | None = None
        """The stored lap that the viewer chose; None for the choice `OWN`."""
        self._stored: dict[str, StoredLap] = {}
        """The stored laps that the dialog offers, by the name shown."""
        with ui.element("section").classes("panel").props('aria-label="Delta to the reference"'):
            with ui.element("div").classes("head-row"):
                with ui.element("h2"):
                    self._name = ui.label("Delta [s]").props('data-fact="reference"')
                ui.button("Reference …", on_click=self._open).props("flat dense no-caps")
            self._chart = DeltaChart()
        with ui.dialog() as self._dialog, ui.card():
            ui.label("Compare the live lap with")
            self._choice = (
                ui.select({}, on_change=self._picked)
                .props("dense options-dense use-input input-debounce=0 aria-label='Reference lap'")
                .classes("pick")
            )

    def draw(self, now: Moment) -> None:
        """Draw the delta, and name the reference."""
        self._chart.draw(now)
        self._name.set_text(f"Delta [s] to {now.reference_name}")

    async def _open(self) -> None:
        session = self._session()
        if session is None:
            return
        try:
            timed_laps = [
                lap
                for lap in await asyncio.to_thread(self._archive.laps)
                if lap.view == session.view and lap.time_s == lap.time_s
            ]
        except PitwallError as error:
            ui.notify(str(error), type="negative")
            return
        self._stored = {
            f"{lap.session} lap {lap.number}": lap
            for lap in sorted(timed_laps, key=lambda lap: lap.time_s)
        }
        options = {
            "": OWN,
            **{
                name: f"{seconds(lap.time_s)} s  {name}  {lap.vehicle}"
                for name, lap in self._stored.items()
            },
        }
        self._choice.set_options(
            options,
            value=self.reference.name if self.reference and self.reference.name in options else "",
        )
        self._dialog.open()

    async def _picked(self) -> None:
        lap = self._stored.get(str(self._choice.value))
        try:
            self.reference = await asyncio.to_thread(self._archive.reference, lap) if lap else None
        except PitwallError as error:
            ui.notify(str(error), type="negative")
        self._redraw()
