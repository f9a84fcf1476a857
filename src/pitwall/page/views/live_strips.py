"""The strip charts of the live view: the chosen columns of a session over session time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nicegui import ui

from pitwall.channels.table import CHANNELS
from pitwall.page.data.feed import Feed
from pitwall.page.data.session import LiveSession

STRIPS = (
    "speed",
    "throttle",
    "brake",
    "steering_angle",
    "acceleration_long",
    "acceleration_lat",
    "battery_power",
    "lap_delta_to_best",
)
"""The columns shown unless the link names others."""
HIDDEN = ("position_x", "position_z", "acceleration_lat", "acceleration_long")
"""The track map and the grip chart follow these columns, so the stream carries them as well."""
SHOWN_AT_MOST = 16
WINDOW_S = 60.0
"""Length of the time axis unless the link names another."""


class Strips:
    """The card with the strip charts. The browser draws them (`web/static/strips.js`)."""

    def __init__(
        self, feed: Feed, session: Callable[[], LiveSession | None], link: dict[str, str]
    ) -> None:
        self._feed, self._session = feed, session
        self._names = [name for name in link.get("channels", "").split(",") if name] or list(STRIPS)
        window_s = link.get("window", "")
        self._window_s = float(window_s) if window_s.replace(".", "", 1).isdigit() else WINDOW_S
        self._shown: tuple[Any, ...] = ()
        """Vehicle, session, feature view and columns that the charts show now."""
        with ui.element("section").classes("panel strip-panel").props('aria-label="Strip charts"'):
            with ui.element("div").classes("tools"):
                self._tools()
            ui.element("div").classes("strips").props(
                'id="strips" tabindex="0" role="img" aria-label="Strip charts over session time"'
            )

    def _tools(self) -> None:
        self._channels = (
            ui.select({}, multiple=True, label="Channels and features", on_change=self._chosen)
            .props(
                "dense options-dense stack-label use-input input-debounce=0 "
                f"max-values={SHOWN_AT_MOST}"
            )
            .classes("w-44")
        )
        for text, call, hint in (
            ("Pause", "pause", "Space"),
            ("Start", "start", "Home"),
            ("Live", "latest", "End"),
        ):
            button = (
                ui.button(text)
                .props(f'flat dense no-caps title="Key {hint}"')
                .on("click", js_handler=f"() => pitwall.call('{call}')")
            )
            if call == "pause":
                button.props("id=strip-pause aria-pressed=false")
        for text, share, hint in (("◀", -0.5, "Left"), ("▶", 0.5, "Right")):
            ui.button(text).props(
                f'flat dense title="Key {hint}" aria-label="Scroll {hint.lower()}"'
            ).on("click", js_handler=f"() => pitwall.call('move', {share})")
        for text, factor, hint in (("−", 1.5, "longer"), ("+", 0.667, "shorter")):
            ui.button(text).props(
                f'flat dense aria-label="Show a {hint} time" title="Show a {hint} time, key {text}"'
            ).on("click", js_handler=f"() => pitwall.call('zoom', {factor})")
        ui.html('<span id="strip-time" class="dim"></span>', sanitize=False)
        ui.label("Keys: Space, ←, →, Home, End, + and −").classes("dim text-xs keys")

    def show(self, session: LiveSession) -> None:
        """Show the chosen columns of the session, where something else is shown now."""
        shown = (session.vehicle, session.session, session.view, tuple(self._names))
        if shown == self._shown:
            return
        self._shown = shown
        options = {
            name: name
            for name in (*session.names, *(c for c in CHANNELS if c not in session.names))
        }
        chosen = [name for name in self._names if name in options]
        self._channels.set_options(options, value=chosen)
        self._channels.props(f'display-value="{len(chosen)} shown"')
        self._open()

    def _chosen(self) -> None:
        if self._channels.value and list(self._channels.value) != self._names:
            self._names = list(self._channels.value)[:SHOWN_AT_MOST]
            self._open()

    def _open(self) -> None:
        """Make the browser ask for the columns, and put them into the address."""
        session = self._session()
        if session is None:
            return
        known = [name for name in self._names if name in session.names or name in CHANNELS]
        request = {
            "vehicle": session.vehicle,
            "session": session.session,
            "window_s": self._window_s,
            "columns": [self._described(name, session) for name in known],
            "hidden": [
                name
                for name in dict.fromkeys(HIDDEN)
                if name in session.names and name not in known
            ],
        }
        ui.run_javascript(f"pitwall.open('strips', {json.dumps(request)})")
        query = {
            "vehicle": session.vehicle,
            "session": session.session,
            "channels": ",".join(self._names),
            "window": f"{self._window_s:g}",
        }
        ui.run_javascript(
            f"history.replaceState(null, '', '/?' + new URLSearchParams({json.dumps(query)}))"
        )

    def _described(self, name: str, session: LiveSession) -> dict[str, str]:
        label, unit = self._feed.label_and_unit(session.view, name)
        return {"name": name, "label": label, "unit": unit}
