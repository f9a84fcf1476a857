"""The table of the analysis view: every column of every lap at and between the two cursors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pitwall.page.data.compare import LapData, extremes
from pitwall.page.data.text import Cell, number
from pitwall.page.web.shell import panel
from pitwall.page.web.tables import HtmlTable


class BetweenTable:
    """The card with the values at both cursors, and minimum, maximum and mean between them.

    `unit` gives the unit of a column by its name.
    """

    def __init__(self, unit: Callable[[str], str]) -> None:
        self._unit = unit
        with panel("Between the cursors"):
            self._table = HtmlTable(
                ("Lap", Cell("Column", "text"), "At A", "At B", "Min", "Max", "Mean"), "between"
            )

    def show(
        self,
        laps: Sequence[LapData],
        names: Sequence[str],
        by: str,
        cursor_a: float | None,
        cursor_b: float | None,
    ) -> None:
        """Show the named columns. The cursors are in metres or seconds, as `by` says."""
        rows: list[list[str]] = []
        if cursor_a is not None and cursor_b is not None:
            rows = [
                self._row(lap_number, lap, name, by, cursor_a, cursor_b)
                for name in names
                for lap_number, lap in enumerate(laps, start=1)
            ]
        self._table.show(
            rows, "Set both cursors to see the minimum, the maximum and the mean between them."
        )

    def _row(
        self, lap_number: int, lap: LapData, name: str, by: str, cursor_a: float, cursor_b: float
    ) -> list[str]:
        unit, axis, values = self._unit(name), lap.axis(by), lap.columns[name]
        at_cursors = np.interp([cursor_a, cursor_b], axis, values, np.nan, np.nan)
        inside = extremes(axis, values, cursor_a, cursor_b)
        return [
            Cell(f"{lap_number}"),
            Cell(f"{name} [{unit}]" if unit else name, "text"),
            *(number(value) for value in (*at_cursors, inside.low, inside.high, inside.mean)),
        ]
