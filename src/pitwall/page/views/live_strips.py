"""The strip charts of the live view: the chosen columns of a session over session time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nicegui import ui

from pitwall.channels.table import CHANNELS
from pitwall.page.data.feed import Feed
from pitwall.page.data.session import LiveSession

COLUMNS = (
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
MOST_STRIPS = 16
WINDOW_S = 60.0
"""Length of the time axis unless the link names another one."""


class Strips:
    """The card with the strip charts, which the browser draws (`web/static/strips.js`).

    `session` gives the session that is shown. `link` is the query of the address.
    """

    def __init__(
        self, feed: Feed, session: Callable[[], LiveSession | None], link: dict[str, str]
    ) -> None:
        self._feed, self._session = feed, session
        self._columns = [name for name in link.get("channels", "").split(",") if name] or list(
            COLUMNS
        )
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
        self._choice = (
            ui.select({}, multiple=True, label="Channels and features", on_change=self._chosen)
            .props(
                "dense options-dense stack-label use-input input-debounce=0 "
                f"max-values={MOST_STRIPS}"
            )
            .classes("w-44")
        )
        for text, method, key in (
            ("Pause", "pause", "Space"),
            ("Start", "start", "Home"),
            ("Live", "latest", "End"),
        ):
            button = (
                ui.button(text)
                .props(f'flat dense no-caps title="Key {key}"')
                .on("click", js_handler=f"() => pitwall.call('{method}')")
            )
            if method == "pause":
                button.props("id=strip-pause aria-pressed=false")
        for text, share, key in (("◀", -0.5, "Left"), ("▶", 0.5, "Right")):
            ui.button(text).props(
                f'flat dense title="Key {key}" aria-label="Scroll {key.lower()}"'
            ).on("click", js_handler=f"() => pitwall.call('move', {share})")
        for text, factor, length in (("−", 1.5, "longer"), ("+", 0.667, "shorter")):
            action = f"Show a {length} time"
            ui.button(text).props(
                f'flat dense aria-label="{action}" title="{action}, key {text}"'
            ).on("click", js_handler=f"() => pitwall.call('zoom', {factor})")
        ui.html('<span id="strip-time" class="dim"></span>', sanitize=False)
        ui.label("Keys: Space, ←, →, Home, End, + and −").classes("dim text-xs keys")

    def show(self, session: LiveSession) -> None:
        """Show the chosen columns of the session, unless they are shown already."""
        shown = (session.vehicle, session.session, session.view, tuple(self._columns))
        if shown == self._shown:
            return
        self._shown = shown
        options = {name: name for name in (*session.names, *CHANNELS)}
        chosen = [name for name in self._columns if name in options]
        self._choice.set_options(options, value=chosen)
        self._choice.props(f'display-value="{len(chosen)} shown"')
        self._open()

    def _chosen(self) -> None:
        if self._choice.value and list(self._choice.value) != self._columns:
            self._columns = list(self._choice.value)[:MOST_STRIPS]
            self._open()

    def _open(self) -> None:
        """Make the browser ask for the columns, and put them into the address."""
        session = self._session()
        if session is None:
            return
        columns = [name for name in self._columns if name in session.names or name in CHANNELS]
        request = {
            "vehicle": session.vehicle,
            "session": session.session,
            "window_s": self._window_s,
            "columns": [self._described(name, session) for name in columns],
            "hidden": [name for name in HIDDEN if name in session.names and name not in columns],
        }
        ui.run_javascript(f"pitwall.open('strips', {json.dumps(request)})")
        query = {
            "vehicle": session.vehicle,
            "session": session.session,
            "channels": ",".join(self._columns),
            "window": f"{self._window_s:g}",
        }
        ui.run_javascript(
            f"history.replaceState(null, '', '/?' + new URLSearchParams({json.dumps(query)}))"
        )

    def _described(self, name: str, session: LiveSession) -> dict[str, str]:
        """A column as `strips.js` takes it."""
        label, unit = self._feed.label_and_unit(session.view, name)
        return {"name": name, "label": label, "unit": unit}
