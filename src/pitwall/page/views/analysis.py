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
from pitwall.page.data.export import laps_named, laps_text
from pitwall.page.data.recorded import Archive, StoredLap
from pitwall.page.views.analysis_charts import GainsChart, OverlayChart, ScatterChart, lap_title
from pitwall.page.views.analysis_tables import BetweenTable
from pitwall.page.web.shell import page

CHANNELS_SHOWN = ("speed", "throttle", "brake", "steering_angle")
NEEDED = ("speed", "acceleration_lat")
"""The corners are found from these columns, so they are read whether they are shown or not."""
LAPS = 8
"""Most laps on one axis."""


class Analysis:
    """One viewer's analysis. The address holds every choice, so a link restores all of them."""

    def __init__(self, archive: Archive, link: dict[str, str]) -> None:
        self._archive = archive
        self._link = link
        self._laps: list[StoredLap] = []
        self._all: list[StoredLap] = []
        self._data: list[LapData] = []
        self._overlay: Overlay | None = None
        self._settled = False
        """Whether a change of a control comes from the viewer and not from this program."""
        self._requested: Any = None
        self._loaded: Any = None
        """The newest request, and the one on the screen. A read that a newer request has overtaken
        shows nothing.
        """
        self._names = [name for name in link.get("channels", "").split(",") if name] or list(
            CHANNELS_SHOWN
        )
        self._by = (
            link.get("by", "distance") if link.get("by") in ("distance", "time") else "distance"
        )
        self._pair = (link.get("x") or "acceleration_lat", link.get("y") or "acceleration_long")
        with page("/analysis"):
            self._note = (
                ui.label("Reading the offline store …")
                .classes("empty")
                .props('role="status" data-fact="note"')
            )
            self._body = ui.element("div").classes("w-full")
            with self._body:
                self._controls()
                self._panels()
            self._body.set_visibility(False)
        ui.timer(0.1, self._begin, once=True)

    # -- layout ----------------------------------------------------------------------------------

    def _controls(self) -> None:
        with (
            ui.element("section").classes("panel").props('aria-label="What is shown"'),
            ui.element("div").classes("tools"),
        ):
            dense = "dense options-dense stack-label"
            self._pick = (
                ui.select(
                    {},
                    multiple=True,
                    label="Laps; the first one is the reference",
                    on_change=self._changed,
                )
                .props(f"{dense} use-input use-chips input-debounce=0 max-values={LAPS}")
                .classes("stretch")
            )
            self._channels = (
                ui.select({}, multiple=True, label="Channels and features", on_change=self._changed)
                .props(f"{dense} use-input input-debounce=0 max-values=10")
                .classes("w-44")
            )
            self._axis = ui.toggle(
                {"distance": "by distance", "time": "by time"},
                value=self._by,
                on_change=self._changed,
            ).props("dense no-caps toggle-text-color=black")
            self._from = (
                ui.number("Cursor A", on_change=self._cursors, format="%.6g")
                .props("dense stack-label clearable")
                .classes("w-28")
            )
            self._to = (
                ui.number("Cursor B", on_change=self._cursors, format="%.6g")
                .props("dense stack-label clearable")
                .classes("w-28")
            )
            for kind in ("csv", "parquet"):
                ui.button(
                    kind.upper() if kind == "csv" else "Parquet",
                    on_click=lambda _, kind=kind: self._export(kind),
                ).props("flat dense no-caps")
            ui.button("PNG", on_click=lambda: self._chart.download_png()).props(
                "flat dense no-caps"
            )
            ui.button(
                "Copy link",
                on_click=lambda: ui.run_javascript("navigator.clipboard.writeText(location.href)"),
            ).props("flat dense no-caps")

    def _panels(self) -> None:
        unit = self._archive.unit
        with ui.element("div").classes("compare"):
            self._chart = OverlayChart(unit, self._brushed)
            with ui.element("div").classes("aside"):
                self._between = BetweenTable(unit)
                self._gains = GainsChart()
                self._scatter = ScatterChart(unit, self._changed)

    # -- what is chosen --------------------------------------------------------------------------

    async def _begin(self) -> None:
        try:
            self._all = await asyncio.to_thread(self._archive.laps)
            self._laps = await asyncio.to_thread(
                laps_named, self._archive, self._link.get("laps", "")
            )
        except PitwallError as error:
            self._note.set_text(str(error))
            self._note.classes(add="bad")
            return
        if not self._all:
            self._note.set_text(
                "The offline store holds no lap yet. "
                "Rows appear there one checkpoint after they were driven. "
                "This command brings in older recordings: ./pitwall backfill LAPS"
            )
            return
        if not self._laps:
            first = self._all[0]
            same = [
                lap
                for lap in self._all
                if (lap.vehicle, lap.session) == (first.vehicle, first.session)
            ]
            timed = sorted(
                (lap for lap in same if lap.time_s == lap.time_s), key=lambda lap: lap.time_s
            )
            self._laps = (timed or same)[:2]
        views = {lap.view for lap in self._all}
        names = list(
            dict.fromkeys(
                [*(n for view in sorted(views) for n in self._archive.sets[view].names), *CHANNELS]
            )
        )
        options = {laps_text([lap]): lap_title(lap) for lap in self._all}
        self._pick.set_options(options, value=[laps_text([lap]) for lap in self._laps])
        unit = self._archive.unit
        for control, value in (
            (self._channels, [n for n in self._names if n in names]),
            (self._scatter.x_choice, self._pair[0]),
            (self._scatter.y_choice, self._pair[1]),
        ):
            control.set_options(
                {name: f"{name} [{unit(name)}]" if unit(name) else name for name in names},
                value=value,
            )
        for cursor, key in ((self._from, "a"), (self._to, "b")):
            try:
                cursor.set_value(float(self._link[key]))
            except (KeyError, ValueError):
                pass
        self._settled = True
        self._note.set_visibility(False)
        self._body.set_visibility(True)
        await self._load()

    async def _changed(self) -> None:
        if self._settled:
            await self._load()

    async def _load(self) -> None:
        known = {laps_text([lap]): lap for lap in self._all}
        self._laps = [known[key] for key in (self._pick.value or []) if key in known][:LAPS]
        self._names = list(self._channels.value or [])
        self._by, self._pair = (
            str(self._axis.value),
            (str(self._scatter.x_choice.value), str(self._scatter.y_choice.value)),
        )
        requested = self._requested = (tuple(self._laps), tuple(self._names), self._by, self._pair)
        if requested == self._loaded:
            return
        self._note.set_text(f"Reading {len(self._laps)} laps …")
        self._note.set_visibility(True)
        names = list(dict.fromkeys([*self._names, *self._pair, *NEEDED]))
        laps, by = self._laps, self._by
        try:
            self._data = await asyncio.to_thread(
                lambda: [compare.read(self._archive, lap, names) for lap in laps]
            )
        except PitwallError as error:
            self._note.set_text(str(error))
            self._note.set_visibility(True)
            return
        if requested != self._requested or self._note.is_deleted:
            return
        self._loaded = requested
        self._channels.props(f'display-value="{len(self._names)} shown"')
        self._note.set_visibility(not self._data)
        self._note.set_text("Choose laps to compare.")
        self._data = compare.aligned(self._data)
        self._overlay = compare.overlay(self._data, self._names, by)
        self._address()
        self._draw()

    def _query(self) -> dict[str, str]:
        query = {
            "laps": laps_text(self._laps),
            "channels": ",".join(self._names),
            "by": self._by,
            "x": self._pair[0],
            "y": self._pair[1],
        }
        for key, control in (("a", self._from), ("b", self._to)):
            if control.value is not None:
                query[key] = f"{control.value:.10g}"
        return query

    def _address(self) -> None:
        ui.run_javascript(
            "history.replaceState(null, '', '/analysis?' + "
            f"new URLSearchParams({json.dumps(self._query())}))"
        )

    # -- cursors and export ----------------------------------------------------------------------

    async def _cursors(self) -> None:
        if self._settled and self._overlay is not None:
            self._address()
            self._mark()
            self._show_between()

    async def _brushed(self, event: events.GenericEventArguments) -> None:
        areas = event.args.get("areas") or []
        if areas:
            begin, end = sorted(areas[0].get("coordRange") or areas[0]["coordRanges"][0])
            self._settled = False
            self._from.set_value(round(begin, 2))
            self._to.set_value(round(end, 2))
            self._settled = True
            await self._cursors()

    def _export(self, kind: str) -> None:
        query = {**self._query(), "format": kind}
        for old, new in (("a", "from"), ("b", "to")):
            if old in query:
                query[new] = query.pop(old)
        ui.download.from_url(f"/export?{urlencode(query)}")

    # -- drawing ---------------------------------------------------------------------------------

    def _draw(self) -> None:
        assert self._overlay is not None
        corners = compare.corners(self._data[0]) if self._data else []
        parts = compare.gains(self._data, corners)
        self._chart.draw(self._overlay, self._data, self._names, corners, parts)
        self._mark()
        self._gains.draw(self._data, parts)
        self._scatter.draw(self._data, *self._pair)
        self._show_between()

    def _mark(self) -> None:
        self._chart.mark(self._from.value, self._to.value)

    def _show_between(self) -> None:
        laps = self._data if self._overlay is not None else []
        by = self._overlay.by if self._overlay is not None else self._by
        self._between.show(laps, self._names, by, self._from.value, self._to.value)
