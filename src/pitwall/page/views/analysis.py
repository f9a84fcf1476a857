"""The analysis view: stored laps of any sessions on one axis, with two cursors, a scatter chart,
and the time lost in each corner.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

from nicegui import events, ui

from pitwall.channels.table import CHANNELS
from pitwall.errors import PitwallError
from pitwall.page.data import compare
from pitwall.page.data.compare import LapData, Overlay
from pitwall.page.data.corners import corners_of, parts_of
from pitwall.page.data.export import laps_named, laps_text
from pitwall.page.data.recorded import Archive
from pitwall.page.data.stored_laps import StoredLap
from pitwall.page.views.analysis_between import BetweenTable
from pitwall.page.views.analysis_controls import MOST_LAPS, Controls
from pitwall.page.views.analysis_gains import GainsChart
from pitwall.page.views.analysis_overlay import OverlayChart
from pitwall.page.views.analysis_scatter import ScatterChart
from pitwall.page.web.shell import page

NEEDED = ("speed", "acceleration_lat")
"""The corners are found from these columns, so they are read whether they are shown or not."""
FIRST_LAPS = 2
"""So many laps are shown unless the link names some."""


class Analysis:
    """One viewer's analysis. The address holds every choice, so a link restores all of them."""

    def __init__(self, archive: Archive, link: dict[str, str]) -> None:
        self._archive = archive
        self._link = link
        self._stored: list[StoredLap] = []
        """All laps of the offline store."""
        self._laps: list[StoredLap] = []
        self._columns: list[str] = []
        self._by = "distance"
        self._pair = (link.get("x") or "acceleration_lat", link.get("y") or "acceleration_long")
        """The columns of the scatter chart, x and y."""
        self._settled = False
        """Whether a change of a control comes from the viewer and not from this program."""
        self._requested: Any = None
        self._loaded: Any = None
        """The newest request, and the one on the screen. A read that a newer request has overtaken
        shows nothing.
        """
        self._data: list[LapData] = []
        self._overlay: Overlay | None = None
        """The laps on the screen; None before the first ones."""
        with page("/analysis"):
            self._note = (
                ui.label("The page is reading the offline store …")
                .classes("empty")
                .props('role="status" data-fact="note"')
            )
            self._body = ui.element("div").classes("w-full")
            with self._body:
                self._cards()
            self._body.set_visibility(False)
        ui.timer(0.1, self._begin, once=True)

    def _cards(self) -> None:
        unit = self._archive.unit
        self._controls = Controls(
            self._link,
            self._changed,
            self._cursor_moved,
            self._export,
            lambda: self._chart.download_png(),
        )
        with ui.element("div").classes("compare"):
            self._chart = OverlayChart(unit, self._brushed)
            with ui.element("div").classes("aside"):
                self._between = BetweenTable(unit)
                self._gains = GainsChart()
                self._scatter = ScatterChart(unit, self._changed)

    # -- what is chosen --------------------------------------------------------------------------

    async def _begin(self) -> None:
        """Offer laps and columns, and load what the link names."""
        try:
            self._stored = await asyncio.to_thread(self._archive.laps)
            linked = await asyncio.to_thread(laps_named, self._archive, self._link.get("laps", ""))
        except PitwallError as error:
            self._note.set_text(str(error))
            self._note.classes(add="bad")
            return
        if not self._stored:
            self._note.set_text(
                "The offline store holds no lap yet. "
                "Rows appear there one checkpoint after they were driven. "
                "This command brings in older recordings: ./pitwall backfill LAPS"
            )
            return
        columns = self._columns_on_offer()
        self._controls.offer(self._stored, linked or self._first_laps(), columns)
        self._scatter.x_choice.set_options(dict(columns), value=self._pair[0])
        self._scatter.y_choice.set_options(dict(columns), value=self._pair[1])
        self._settled = True
        self._note.set_visibility(False)
        self._body.set_visibility(True)
        await self._load()

    def _first_laps(self) -> list[StoredLap]:
        """The fastest laps of the newest session; its first laps where none is whole."""
        newest = self._stored[0]
        laps = [
            lap
            for lap in self._stored
            if (lap.vehicle, lap.session) == (newest.vehicle, newest.session)
        ]
        timed = [lap for lap in laps if lap.whole]
        return (sorted(timed, key=lambda lap: lap.time_s) or laps)[:FIRST_LAPS]

    def _columns_on_offer(self) -> dict[str, str]:
        """Features of all views that have laps, then channels: label by name."""
        views = sorted({lap.view for lap in self._stored})
        features = [name for view in views for name in self._archive.feature_sets[view].names]
        labels = {}
        for name in dict.fromkeys([*features, *CHANNELS]):
            unit = self._archive.unit(name)
            labels[name] = f"{name} [{unit}]" if unit else name
        return labels

    async def _changed(self) -> None:
        if self._settled:
            await self._load()

    async def _load(self) -> None:
        """Read and draw what the controls say, unless it is on the screen already."""
        stored = {laps_text([lap]): lap for lap in self._stored}
        chosen = [stored[text] for text in self._controls.lap_texts if text in stored]
        self._laps = chosen[:MOST_LAPS]
        self._columns, self._by = self._controls.columns, self._controls.by
        self._pair = (str(self._scatter.x_choice.value), str(self._scatter.y_choice.value))
        requested = (tuple(self._laps), tuple(self._columns), self._by, self._pair)
        self._requested = requested
        if requested == self._loaded:
            return
        self._note.set_text(f"The page is reading {len(self._laps)} laps …")
        self._note.set_visibility(True)
        names = list(dict.fromkeys([*self._columns, *self._pair, *NEEDED]))
        laps = self._laps
        try:
            data = await asyncio.to_thread(
                lambda: [compare.read(self._archive, lap, names) for lap in laps]
            )
        except PitwallError as error:
            self._note.set_text(str(error))
            self._note.set_visibility(True)
            return
        if requested != self._requested or self._note.is_deleted:
            return
        self._loaded = requested
        self._controls.show_count()
        self._note.set_visibility(not data)
        self._note.set_text("Choose laps to compare.")
        self._data = compare.aligned(data)
        self._overlay = compare.overlay(self._data, self._columns, self._by)
        self._write_address()
        self._draw(self._overlay)

    def _query(self) -> dict[str, str]:
        """The query of a link to what is chosen."""
        query = {
            "laps": laps_text(self._laps),
            "channels": ",".join(self._columns),
            "by": self._by,
            "x": self._pair[0],
            "y": self._pair[1],
        }
        for key, cursor in zip(("a", "b"), self._controls.cursors, strict=True):
            if cursor is not None:
                query[key] = f"{cursor:.10g}"
        return query

    def _write_address(self) -> None:
        ui.run_javascript(
            "history.replaceState(null, '', '/analysis?' + "
            f"new URLSearchParams({json.dumps(self._query())}))"
        )

    # -- cursors and export ----------------------------------------------------------------------

    async def _cursor_moved(self) -> None:
        if self._settled and self._overlay is not None:
            self._write_address()
            self._chart.mark(*self._controls.cursors)
            self._show_between(self._overlay)

    async def _brushed(self, event: events.GenericEventArguments) -> None:
        """Set the cursors to both ends of a drag over the charts."""
        areas = event.args.get("areas") or []
        if areas:
            begin, end = sorted(areas[0].get("coordRange") or areas[0]["coordRanges"][0])
            self._settled = False
            self._controls.set_cursors(begin, end)
            self._settled = True
            await self._cursor_moved()

    def _export(self, kind: str) -> None:
        """Make the browser store the laps in a format of `page.data.export`."""
        query = {**self._query(), "format": kind}
        for cursor, end in (("a", "from"), ("b", "to")):
            if cursor in query:
                query[end] = query.pop(cursor)
        ui.download.from_url(f"/export?{urlencode(query)}")

    # -- drawing ---------------------------------------------------------------------------------

    def _draw(self, overlay: Overlay) -> None:
        corners = corners_of(self._data[0]) if self._data else []
        parts = parts_of(self._data, corners)
        self._chart.draw(overlay, self._data, self._columns, corners, parts)
        self._chart.mark(*self._controls.cursors)
        self._gains.draw(self._data, parts)
        self._scatter.draw(self._data, *self._pair)
        self._show_between(overlay)

    def _show_between(self, overlay: Overlay) -> None:
        self._between.show(self._data, list(overlay.columns), overlay.by, *self._controls.cursors)
