"""The live view: one session that runs now, or ran in the last minutes."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from nicegui import ui

from pitwall.page.data.feed import Feed
from pitwall.page.data.moment import Moment, moment
from pitwall.page.data.recorded import Archive
from pitwall.page.data.session import LiveSession, key_of, parse_key
from pitwall.page.data.status import Health
from pitwall.page.data.text import seconds, signed
from pitwall.page.views.live_alarms import AlarmList
from pitwall.page.views.live_charts import ForecastChart, GripChart, TrackMap
from pitwall.page.views.live_reference import DeltaToReference
from pitwall.page.views.live_strips import Strips
from pitwall.page.web.shell import Fact, HtmlTable, every, page, panel


class Live:
    """One viewer's live view. `link` is the query of the address: session, columns and window."""

    def __init__(self, feed: Feed, archive: Archive, health: Health, link: dict[str, str]) -> None:
        self._feed, self._archive, self._health = feed, archive, health
        self._key = (
            key_of(link["vehicle"], link["session"])
            if "vehicle" in link and "session" in link
            else None
        )
        self._drawn: tuple[Any, ...] = ()
        """The moment and the map's colour that the charts show now."""
        with page("/") as bar:
            self._bar(bar)
            self._empty = ui.label("").classes("empty").props('role="status"')
            with ui.element("div").classes("grid-live") as self._grid:
                self._strips = Strips(feed, lambda: self.session, link)
                with ui.element("div").classes("side"):
                    self._side()
        every(0.25, self._quick)
        every(1.0, self._slow)

    @property
    def session(self) -> LiveSession | None:
        """The session that is shown; None before one is chosen or known."""
        return self._feed.sessions.get(parse_key(self._key)) if self._key else None

    # -- layout ----------------------------------------------------------------------------------

    def _bar(self, bar: Any) -> None:
        with bar:
            self._pick = (
                ui.select({}, label="Session", on_change=self._picked)
                .props("dense options-dense stack-label")
                .classes("pick")
            )
            self._state = ui.label("").props('role="status" data-fact="state"')

    def _side(self) -> None:
        with (
            ui.element("section").classes("panel wide now").props('aria-label="Now"'),
            ui.element("div").classes("big"),
        ):
            self._lap, self._time = Fact("Lap", "lap"), Fact("Lap time [s]", "lap_time")
            self._predicted = Fact("Predicted lap [s]", "predicted", "double")
            self._delta, self._baseline, self._best, self._theory = (
                Fact("Delta [s]", "delta"),
                Fact("Pace ratio [s]", "pace_ratio"),
                Fact("Best lap [s]", "best"),
                Fact("Theoretical [s]", "theory"),
            )
        self._map, self._grip = TrackMap(self._slow), GripChart()
        for chart_id, x_name, y_name in (
            (self._map.chart_id, "position_x", "position_z"),
            (self._grip.chart_id, "acceleration_lat", "acceleration_long"),
        ):
            ui.run_javascript(f"pitwall.follow({chart_id}, '{x_name}', '{y_name}')")
        self._to_reference = DeltaToReference(self._archive, lambda: self.session, self._slow)
        self._forecast = ForecastChart()
        with panel("Laps"):
            self._laps = HtmlTable(("Lap", "Time [s]", "S1", "S2", "S3", "Valid"), "laps", "y")
        with panel("Data health"):
            self._table = HtmlTable(("", ""), "health")
        self._alarms = AlarmList(self._feed, lambda: self.session)

    # -- what changes ----------------------------------------------------------------------------

    def _picked(self) -> None:
        if self._pick.value and self._pick.value != self._key:
            self._key = self._pick.value
            self._quick()

    def _quick(self) -> None:
        """Four times a second: the choice of the session, its state, and the large numbers."""
        self._offer_sessions()
        session = self.session
        self._grid.set_visibility(session is not None)
        self._empty.set_visibility(session is None)
        state = self._feed.state
        if session is None:
            self._empty.set_text(
                "The page is waiting for Kafka …"
                if state == "connecting"
                else state
                if state != "live"
                else "No car has sent data in the last two minutes. "
                "These commands start one: ./pitwall replay LAPS, or ./pitwall simulate. "
                "The Analysis view shows recorded sessions."
            )
            return
        silent_s = time.time() - session.heard
        text, kind = (
            ("● live", "good") if session.running else (f"○ silent for {silent_s:.0f} s", "warn")
        )
        if state != "live":
            text, kind = state, "bad"
        self._state.set_text(text)
        self._state.classes(replace=kind)
        self._strips.show(session)
        self._lap.show(
            f"{session.value('lap_number'):.0f}"
            if session.value("lap_number") == session.value("lap_number")
            else "–"
        )
        self._time.show(seconds(session.value("lap_time"), 1))
        now = moment(session, self._to_reference.reference)
        delta = float(now.delta[-1]) if now else np.nan
        self._delta.show(
            signed(delta, 2), "" if delta != delta else "good" if delta <= 0 else "bad"
        )

    def _offer_sessions(self) -> None:
        options = {
            key_of(session.vehicle, session.session): (
                f"{'● ' if session.running else '○ '}{session.session}  {session.vehicle}"
            )
            for session in self._feed.ordered()
        }
        if self._key is None and options:
            self._key = next(iter(options))
        if options != self._pick.options or (
            self._key in options and self._pick.value != self._key
        ):
            self._pick.set_options(options, value=self._key if self._key in options else None)

    def _slow(self) -> None:
        """Once a second: the charts and tables."""
        session = self.session
        now = moment(session, self._to_reference.reference) if session else None
        if session is None or now is None:
            return
        drawn = (now, self._map.colour)
        if drawn != self._drawn:
            self._drawn = drawn
            self._map.draw(now)
            self._grip.draw(now)
            self._best.show(seconds(now.best[0]), "purple" if now.best[0] == now.best[0] else "")
            self._theory.show(seconds(now.best[1]))
            self._laps.show(
                now.lap_table,
                "There is no lap yet. A new lap begins where the lap distance falls back to zero.",
            )
            if now.laps:
                self._to_reference.draw(now)
                self._show_forecast(now)
        self._table.show(self._health.rows(session))
        self._alarms.draw(session)

    def _show_forecast(self, now: Moment) -> None:
        forecast = now.forecast
        baseline = float(forecast.baseline[-1]) if len(forecast.baseline) else np.nan
        self._baseline.show(seconds(baseline, 2))
        half_width = (
            f" ± {(forecast.high[-1] - forecast.low[-1]) / 2:.2f}" if len(forecast.value) else ""
        )
        self._predicted.show(
            seconds(float(forecast.value[-1]), 2) + half_width if half_width else "–"
        )
        self._forecast.draw(now)
