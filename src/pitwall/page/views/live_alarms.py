"""The alarms of the live view, and the dialog that sets the limits behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from nicegui import ui

from pitwall.page.data.feed import Feed
from pitwall.page.data.session import LiveSession
from pitwall.page.web.shell import heading


class AlarmList:
    """The card with the alarms of the session that is shown, which `session` gives."""

    def __init__(self, feed: Feed, session: Callable[[], LiveSession | None]) -> None:
        self._feed, self._session = feed, session
        self._shown: tuple[Any, ...] | None = None
        """Line and acknowledgement of each alarm in the list now; None before the first list."""
        with ui.element("section").classes("panel wide").props('aria-label="Alarms"'):
            with ui.dialog() as self._dialog, ui.card():
                ui.label("This limit holds for every car that has the feature.")
                self._feature = (
                    ui.select({}, label="Channel or feature", on_change=self._feature_picked)
                    .props("dense options-dense use-input")
                    .classes("w-72")
                )
                self._low, self._high = (
                    ui.number("Lowest").props("dense"),
                    ui.number("Highest").props("dense"),
                )
                ui.button("Set", on_click=self._set_limit).props("flat no-caps")
            with ui.element("div").classes("head-row"):
                heading("Alarms")
                ui.button("Limits …", on_click=self._open).props("flat dense no-caps")
            self._list = (
                ui.element("div")
                .classes("list")
                .props('role="log" aria-live="polite" data-scroll="y" tabindex=0')
            )

    def draw(self, session: LiveSession) -> None:
        """List the session's alarms again where they have changed."""
        alarms = self._feed.alarms.listed(session.vehicle, session.session)
        shown = tuple((alarm.line, alarm.acknowledged) for alarm in alarms)
        if shown == self._shown:
            return
        self._shown = shown
        self._list.clear()
        with self._list:
            if not alarms:
                ui.label("Every channel is within its limits.").classes("dim")
            for alarm in alarms:
                with ui.element("div").classes("alarm" if alarm.active else "alarm over"):
                    ui.label(alarm.line).classes("grow")
                    if alarm.acknowledged:
                        ui.label("acknowledged").classes("dim")
                    else:
                        ui.button(
                            "Acknowledge",
                            on_click=lambda _, name=alarm.feature: self._acknowledge(session, name),
                        ).props("flat dense no-caps")

    def _acknowledge(self, session: LiveSession, name: str) -> None:
        self._feed.alarms.acknowledge(session.vehicle, session.session, name)
        self.draw(session)

    def _open(self) -> None:
        if session := self._session():
            self._feature.set_options(
                {name: name for name in session.names},
                value="speed" if "speed" in session.names else session.names[0],
            )
            self._feature_picked()
            self._dialog.open()

    def _feature_picked(self) -> None:
        """Show the limit of the feature that is chosen in the dialog."""
        session = self._session()
        limit = (
            self._feed.alarms.limits.get(session.view, {}).get(str(self._feature.value))
            if session
            else None
        )
        self._low.set_value(limit.low if limit else None)
        self._high.set_value(limit.high if limit else None)

    def _set_limit(self) -> None:
        """Set the limit; an empty end is open."""
        session, name = self._session(), str(self._feature.value)
        if session is None or name not in session.names:
            return
        low, high = (
            float(end if end is not None else sign * np.inf)
            for end, sign in ((self._low.value, -1), (self._high.value, 1))
        )
        _, unit = self._feed.label_and_unit(session.view, name)
        self._feed.alarms.set_limit(session.view, name, unit, low, high)
        # The limit is also checked for a car that sends nothing now.
        for other in self._feed.newest_first():
            if other.view == session.view:
                values = np.array([other.value(column) for column in other.names])
                self._feed.alarms.check(
                    other.view, other.vehicle, other.session, other.names, values
                )
        self._dialog.close()
