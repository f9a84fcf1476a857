"""The controls of the analysis view: laps, columns, axis, cursors, files and link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from nicegui import ui

from pitwall.page.data.export import laps_text
from pitwall.page.data.stored_laps import StoredLap

COLUMNS = ("speed", "throttle", "brake", "steering_angle")
"""The columns shown unless the link names others."""
MOST_LAPS = 8
"""Most laps on one axis."""
MOST_COLUMNS = 10
FIELD = "dense options-dense stack-label"
BUTTON = "flat dense no-caps"
EXPORTS = {
    "CSV": "csv",
    "Parquet": "parquet",
    "MoTeC (.ld)": "motec",
    "MCAP": "mcap",
    "MDF4": "mdf4",
}
"""The formats of a download, by their label."""


class Controls:
    """The card on top of the view.

    `link` is the query of the address; it holds the choices that the viewer starts with. `changed`
    is called after another choice, `moved` after a cursor was set, `export` with the format of a
    file, and `download_png` for a picture.
    """

    def __init__(
        self,
        link: Mapping[str, str],
        changed: Callable[[], Awaitable[None]],
        moved: Callable[[], Awaitable[None]],
        export: Callable[[str], None],
        download_png: Callable[[], None],
    ) -> None:
        self._link = link
        with (
            ui.element("section").classes("panel").props('aria-label="What is shown"'),
            ui.element("div").classes("tools"),
        ):
            self._laps = (
                ui.select(
                    {},
                    multiple=True,
                    label="Laps; the first one is the reference",
                    on_change=changed,
                )
                .props(f"{FIELD} use-input use-chips input-debounce=0 max-values={MOST_LAPS}")
                .classes("stretch")
            )
            self._columns = (
                ui.select({}, multiple=True, label="Channels and features", on_change=changed)
                .props(f"{FIELD} use-input input-debounce=0 max-values={MOST_COLUMNS}")
                .classes("w-44")
            )
            self._by = ui.toggle(
                {"distance": "by distance", "time": "by time"},
                value=link["by"] if link.get("by") in ("distance", "time") else "distance",
                on_change=changed,
            ).props("dense no-caps toggle-text-color=black")
            self._cursor_a, self._cursor_b = (
                ui.number(label, on_change=moved, format="%.6g")
                .props("dense stack-label clearable")
                .classes("w-28")
                for label in ("Cursor A", "Cursor B")
            )
            with ui.dropdown_button("Export", auto_close=True).props(BUTTON):
                for label, kind in EXPORTS.items():
                    ui.item(label, on_click=partial(export, kind))
            ui.button("PNG", on_click=download_png).props(BUTTON)
            ui.button(
                "Copy link",
                on_click=lambda: ui.run_javascript("navigator.clipboard.writeText(location.href)"),
            ).props(BUTTON)

    @property
    def lap_texts(self) -> list[str]:
        """The chosen laps, each as `laps_text` writes it."""
        return list(self._laps.value or [])

    @property
    def columns(self) -> list[str]:
        """Names of the chosen columns."""
        return list(self._columns.value or [])

    @property
    def by(self) -> str:
        """The chosen axis, `distance` or `time`."""
        return str(self._by.value)

    @property
    def cursors(self) -> tuple[float | None, float | None]:
        """Both cursors, in metres or seconds; None for one that is not set."""
        return self._cursor_a.value, self._cursor_b.value

    def offer(
        self,
        laps: Sequence[StoredLap],
        chosen_laps: Sequence[StoredLap],
        columns: Mapping[str, str],
    ) -> None:
        """Offer all laps, and the columns by name and label; choose what the link names."""
        self._laps.set_options(
            {laps_text([lap]): lap.title for lap in laps},
            value=[laps_text([lap]) for lap in chosen_laps],
        )
        linked = [name for name in self._link.get("channels", "").split(",") if name]
        self._columns.set_options(
            dict(columns), value=[name for name in linked or COLUMNS if name in columns]
        )
        for cursor, key in ((self._cursor_a, "a"), (self._cursor_b, "b")):
            try:
                cursor.set_value(float(self._link[key]))
            except (KeyError, ValueError):
                pass

    def set_cursors(self, cursor_a: float, cursor_b: float) -> None:
        """Set both cursors, in metres or seconds."""
        self._cursor_a.set_value(round(cursor_a, 2))
        self._cursor_b.set_value(round(cursor_b, 2))

    def show_count(self) -> None:
        """Show how many columns are chosen, in place of their names."""
        self._columns.props(f'display-value="{len(self.columns)} shown"')
