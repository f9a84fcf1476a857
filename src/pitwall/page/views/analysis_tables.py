"""The table of the analysis view: every column of every lap at and between the two cursors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pitwall.page.data import compare
from pitwall.page.data.compare import LapData
from pitwall.page.data.text import Cell, number
from pitwall.page.web.shell import HtmlTable, panel


class BetweenTable:
    """The card with the values at both cursors, and the extremes and mean between them."""

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
        begin: float | None,
        end: float | None,
    ) -> None:
        """Show the named columns; `begin` and `end` are in metres or seconds, as `by` says."""
        rows: list[list[str]] = []
        if begin is not None and end is not None:
            for name in names:
                unit = self._unit(name)
                for lap_number, lap in enumerate(laps, start=1):
                    axis, values = lap.over(by), lap.columns[name]
                    inside = compare.between(axis, values, begin, end)
                    at_cursors = np.interp([begin, end], axis, values, np.nan, np.nan)
                    rows.append(
                        [
                            Cell(f"{lap_number}"),
                            Cell(f"{name} [{unit}]" if unit else name, "text"),
                            *(
                                number(value)
                                for value in (*at_cursors, inside.low, inside.high, inside.mean)
                            ),
                        ]
                    )
        self._table.show(
            rows, "Set both cursors to see the minimum, the maximum and the mean between them."
        )
