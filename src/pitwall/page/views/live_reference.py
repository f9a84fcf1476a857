"""The delta to the reference lap in the live view, and the dialog that chooses the reference."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nicegui import ui

from pitwall.errors import PitwallError
from pitwall.page.data.moment import Moment
from pitwall.page.data.recorded import Archive
from pitwall.page.data.reference import Reference
from pitwall.page.data.session import LiveSession
from pitwall.page.data.stored_laps import StoredLap
from pitwall.page.data.text import seconds
from pitwall.page.web.charts import legend, line_chart, name_lines
from pitwall.page.web.theme import ACCENT, DIM

BEST_LAP = "The session's best lap, and until there is one the fastest stored lap of this road"
"""The choice that leaves the reference to the page."""


class DeltaToReference:
    """The card with the delta, and the viewer's choice of the reference lap.

    `session` gives the session that is shown. `redraw` is called after another choice.
    """

    def __init__(
        self,
        archive: Archive,
        session: Callable[[], LiveSession | None],
        redraw: Callable[[], None],
    ) -> None:
        self._archive, self._session, self._redraw = archive, session, redraw
        self.reference: Reference | None = None
        """The stored lap that the viewer chose; None for the choice `BEST_LAP`."""
        self._stored: dict[str, StoredLap] = {}
        """The stored laps that the dialog offers, by name."""
        with ui.element("section").classes("panel").props('aria-label="Delta to the reference"'):
            with ui.element("div").classes("head-row"):
                with ui.element("h2"):
                    self._title = ui.label("Delta [s]").props('data-fact="reference"')
                ui.button("Reference …", on_click=self._open).props("flat dense no-caps")
            self._chart = ui.echart(line_chart("lap distance [m]", "s", 2)).classes("grow w-full")
        with ui.dialog() as self._dialog, ui.card():
            ui.label("Compare the live lap with")
            self._choice = (
                ui.select({}, on_change=self._picked)
                .props("dense options-dense use-input input-debounce=0 aria-label='Reference lap'")
                .classes("pick")
            )

    def draw(self, now: Moment) -> None:
        """Draw the delta of the lap under way and of the lap before, and name the reference."""
        lines = now.delta_lines()
        names = tuple(name for name, _ in lines)
        options = self._chart.options
        name_lines(options, names, (ACCENT, DIM))
        for number, series in enumerate(options["series"]):
            series["data"] = lines[number][1] if number < len(lines) else []
        options["legend"] = legend(names)
        self._chart.update()
        self._title.set_text(f"Delta [s] to {now.reference_name}")

    async def _open(self) -> None:
        """Open the dialog with the stored laps of the session's view, the fastest first."""
        session = self._session()
        if session is None:
            return
        try:
            stored_laps = await asyncio.to_thread(self._archive.laps)
        except PitwallError as error:
            ui.notify(str(error), type="negative")
            return
        laps = [lap for lap in stored_laps if lap.view == session.view and lap.whole]
        self._stored = {lap.name: lap for lap in sorted(laps, key=lambda lap: lap.time_s)}
        options = {
            "": BEST_LAP,
            **{
                name: f"{seconds(lap.time_s)} s  {name}  {lap.vehicle}"
                for name, lap in self._stored.items()
            },
        }
        chosen = self.reference.name if self.reference else ""
        self._choice.set_options(options, value=chosen if chosen in options else "")
        self._dialog.open()

    async def _picked(self) -> None:
        lap = self._stored.get(str(self._choice.value))
        try:
            self.reference = await asyncio.to_thread(self._archive.reference, lap) if lap else None
        except PitwallError as error:
            ui.notify(str(error), type="negative")
        self._redraw()
