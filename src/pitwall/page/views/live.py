"""The live view: one session that runs now, or ran in the last minutes."""

from __future__ import annotations

import time
from typing import Any

from nicegui import ui

from pitwall.page.data.feed import Feed
from pitwall.page.data.health import Health
from pitwall.page.data.moment import Moment, moment
from pitwall.page.data.recorded import Archive
from pitwall.page.data.session import LiveSession, entity_key, entity_of
from pitwall.page.views.live_alarms import AlarmList
from pitwall.page.views.live_figures import Figures
from pitwall.page.views.live_forecast import ForecastChart
from pitwall.page.views.live_grip import GripChart
from pitwall.page.views.live_map import TrackMap
from pitwall.page.views.live_reference import DeltaToReference
from pitwall.page.views.live_strips import Strips
from pitwall.page.web.shell import every, page, panel
from pitwall.page.web.tables import HtmlTable

NUMBERS_S, CHARTS_S = 0.25, 1.0
"""How often the large numbers and the charts are drawn."""


class Live:
    """One viewer's live view. `link` is the query of the address: session, columns and window."""

    def __init__(self, feed: Feed, archive: Archive, health: Health, link: dict[str, str]) -> None:
        self._feed, self._archive, self._health = feed, archive, health
        self._key = (
            entity_key(link["vehicle"], link["session"])
            if "vehicle" in link and "session" in link
            else None
        )
        """Vehicle and session that are shown; None before one is chosen or known."""
        self._drawn: tuple[Any, ...] = ()
        """The moment and the map's colour that the charts show now."""
        with page("/") as bar:
            with bar:
                self._choice = (
                    ui.select({}, label="Session", on_change=self._picked)
                    .props("dense options-dense stack-label")
                    .classes("pick")
                )
                self._state = ui.label("").props('role="status" data-fact="state"')
            self._empty = ui.label("").classes("empty").props('role="status"')
            with ui.element("div").classes("grid-live") as self._grid:
                self._strips = Strips(feed, lambda: self.session, link)
                with ui.element("div").classes("side"):
                    self._cards()
        every(NUMBERS_S, self._show_numbers)
        every(CHARTS_S, self._draw_charts)

    @property
    def session(self) -> LiveSession | None:
        """The session that is shown; None before one is chosen or known."""
        return self._feed.sessions.get(entity_of(self._key)) if self._key else None

    def _cards(self) -> None:
        self._figures = Figures()
        self._map, self._grip = TrackMap(self._draw_charts), GripChart()
        for chart_id, x_name, y_name in (
            (self._map.chart_id, "position_x", "position_z"),
            (self._grip.chart_id, "acceleration_lat", "acceleration_long"),
        ):
            ui.run_javascript(f"pitwall.follow({chart_id}, '{x_name}', '{y_name}')")
        self._delta = DeltaToReference(self._archive, lambda: self.session, self._draw_charts)
        self._forecast = ForecastChart()
        with panel("Laps"):
            self._laps = HtmlTable(("Lap", "Time [s]", "S1", "S2", "S3", "Valid"), "laps", "y")
        with panel("Data health"):
            self._health_table = HtmlTable(("", ""), "health")
        self._alarms = AlarmList(self._feed, lambda: self.session)

    def _picked(self) -> None:
        if self._choice.value and self._choice.value != self._key:
            self._key = self._choice.value
            self._show_numbers()

    def _moment(self, session: LiveSession) -> Moment | None:
        return moment(session, self._delta.reference)

    def _show_numbers(self) -> None:
        """Show the choice of the session, its state, and the large numbers."""
        self._offer_sessions()
        session = self.session
        self._grid.set_visibility(session is not None)
        self._empty.set_visibility(session is None)
        if session is None:
            self._empty.set_text(_why_empty(self._feed.state))
            return
        text, kind = _state(self._feed.state, session)
        self._state.set_text(text)
        self._state.classes(replace=kind)
        self._strips.show(session)
        self._figures.show_now(session, self._moment(session))

    def _offer_sessions(self) -> None:
        options = {
            entity_key(session.vehicle, session.session): (
                f"{'● ' if session.running else '○ '}{session.session}  {session.vehicle}"
            )
            for session in self._feed.newest_first()
        }
        if self._key is None and options:
            self._key = next(iter(options))
        chosen = self._key if self._key in options else None
        if options != self._choice.options or (chosen and self._choice.value != chosen):
            self._choice.set_options(options, value=chosen)

    def _draw_charts(self) -> None:
        """Draw the charts and tables."""
        session = self.session
        now = self._moment(session) if session else None
        if session is None or now is None:
            return
        drawn = (now, self._map.colour)
        if drawn != self._drawn:
            self._drawn = drawn
            self._map.draw(now)
            self._grip.draw(now)
            self._figures.show_best(now)
            self._laps.show(
                now.lap_table,
                "There is no lap yet. A new lap begins where the lap distance falls back to zero.",
            )
            if now.laps:
                self._delta.draw(now)
                self._figures.show_forecast(now)
                self._forecast.draw(now)
        self._health_table.show(self._health.rows(session, self._feed.unreadable))
        self._alarms.draw(session)


def _why_empty(feed_state: str) -> str:
    """Why no session is shown, and what a viewer can do."""
    if feed_state == "connecting":
        return "The page is waiting for Kafka …"
    if feed_state != "live":
        return feed_state
    return (
        "No car has sent data in the last two minutes. "
        "These commands start one: ./pitwall replay LAPS, or ./pitwall simulate. "
        "The Analysis view shows recorded sessions."
    )


def _state(feed_state: str, session: LiveSession) -> tuple[str, str]:
    """The state of the session or of Kafka, and its class of the style sheet."""
    if feed_state != "live":
        return feed_state, "bad"
    if session.running:
        return "● live", "good"
    return f"○ silent for {time.time() - session.received_s:.0f} s", "warn"
