"""What the live view draws of a session at one instant, computed once for all viewers."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from pitwall.page.data.forecast import Forecast, Verdict, forecast, verdicts
from pitwall.page.data.laps import LiveLap, best_times, laps_of
from pitwall.page.data.reference import Reference, deltas
from pitwall.page.data.rows import Floats
from pitwall.page.data.session import LiveSession
from pitwall.page.data.text import NBSP, Cell, seconds, signed
from pitwall.page.data.trail import INDEX, column

Points = list[list[float | None]]
"""Points of a chart: one list for each point, with x, y and, on the map, the colour's value."""
MOST_POINTS = 500
"""Most points of a line or a map; a screen does not show more of them apart."""
GRIP_ROWS = 300
"""Rows of the trail in the grip chart: 30 s."""
SETTLED_S = 3.0
"""The pace ratio says nothing before this time of the lap."""


class Moment:
    """One session as it is at this instant. Every property is computed when it is first read.

    `chosen` is the reference lap that the viewer chose; None leaves the choice to the page.
    """

    def __init__(
        self, session: LiveSession, trail: Floats, chosen: Reference | None = None
    ) -> None:
        self.trail = trail
        self._predictions = list(session.predictions.get("lap_time", ()))
        self._chosen, self._stored = chosen, chosen or session.reference
        self._tracks: dict[str, tuple[Points, float, float]] = {}
        """What `track` has computed, by column."""

    @cached_property
    def laps(self) -> list[LiveLap]:
        """The laps in order; the last one is under way."""
        return laps_of(self.trail)

    @cached_property
    def reference(self) -> Reference | None:
        """The reference lap; None for the session's best lap so far.

        It is the lap that the viewer chose, else the session's best lap, and until there is one,
        the fastest stored lap of the road.
        """
        best = column(self.trail, "lap_best_time")[-1]
        return self._chosen or (None if np.isfinite(best) else self._stored)

    @property
    def reference_name(self) -> str:
        """The reference's name on the page."""
        return self.reference.name if self.reference else "the best lap so far"

    @cached_property
    def delta_s(self) -> Floats:
        """Seconds behind the reference in each row, shape (rows,)."""
        return deltas(self.trail, self.reference)

    def delta_lines(self) -> list[tuple[str, Points]]:
        """Name and delta over lap distance of the lap under way and of the lap before it."""
        distance = column(self.trail, "lap_distance")
        return [
            (f"lap {lap.number}", points(distance[_rows(lap)], self.delta_s[_rows(lap)]))
            for lap in reversed(self.laps[-2:])
        ]

    def track(self, colour: str) -> tuple[Points, float, float]:
        """The road of this lap and the lap before, and both ends of the colour scale.

        A point is x (m), z (m), and the value of the column `colour`.
        """
        if colour not in self._tracks:
            begin = self.laps[-min(2, len(self.laps))].first_row if self.laps else 0
            is_delta = colour == "lap_delta_to_best"
            values = (self.delta_s if is_delta else column(self.trail, colour))[begin:]
            x, z = (column(self.trail, name)[begin:] for name in ("position_x", "position_z"))
            finite = values[np.isfinite(values)]
            low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
            if is_delta:
                high = max(abs(low), abs(high), 0.05)
                low = -high
            elif colour in ("throttle", "brake"):
                low, high = 0.0, 100.0
            self._tracks[colour] = (
                points(x, z, np.where(np.isfinite(values), values, 0)),
                low,
                max(high, low + 0.1),
            )
        return self._tracks[colour]

    @cached_property
    def track_axes(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Both ends of the map's x and z axis in metres. Both axes have one scale."""
        places = self.trail[:, [INDEX["position_x"], INDEX["position_z"]]]
        places = places[np.isfinite(places).all(axis=1)]
        if not len(places):
            return (0.0, 1.0), (0.0, 1.0)
        low, high = places.min(axis=0), places.max(axis=0)
        half_m = max(float((high - low).max()), 1.0) * 0.54
        x_ends, z_ends = (
            (round(float(middle) - half_m, 1), round(float(middle) + half_m, 1))
            for middle in (low + high) / 2
        )
        return x_ends, z_ends

    @cached_property
    def grip(self) -> Points:
        """Lateral and longitudinal acceleration (G) of the last 30 s."""
        rows = self.trail[-GRIP_ROWS:]
        return points(column(rows, "acceleration_lat"), column(rows, "acceleration_long"))

    @cached_property
    def best_s(self) -> float:
        """Best lap time; NaN without one."""
        return best_times(self.laps)[0]

    @cached_property
    def theoretical_s(self) -> float:
        """The lap time that the best time of each sector would make, at most the best lap time."""
        best_s, sectors_s = best_times(self.laps)
        return min(sum(sectors_s), best_s)

    @cached_property
    def lap_table(self) -> list[list[str]]:
        """Rows of the lap table, the newest lap first."""
        best_s, best_sectors_s = best_times(self.laps)
        rows = []
        for lap in reversed(self.laps):
            sectors = [
                Cell(seconds(sector_s), "best" if sector_s == best_sector_s else "")
                for sector_s, best_sector_s in zip(lap.sectors_s, best_sectors_s, strict=True)
            ]
            rows.append(
                [
                    str(lap.number),
                    Cell(seconds(lap.time_s), "best" if lap.time_s == best_s else ""),
                    *sectors,
                    self._validity(lap),
                ]
            )
        return rows

    def _validity(self, lap: LiveLap) -> Cell:
        """Whether the lap is valid, or why it is not."""
        if lap is self.laps[-1]:
            return Cell("now", "dim")
        if lap.valid:
            return Cell("yes", "good")
        return Cell("range" if lap.whole else "part", "warn")

    @cached_property
    def forecast(self) -> Forecast:
        """The predictions of the lap under way, so far."""
        return forecast(self.trail, self.laps[-1], self._predictions, self.reference)

    @cached_property
    def verdict(self) -> Verdict | None:
        """The verdict on the last whole lap among the newest three laps; None without one."""
        newest_laps = verdicts(self.trail, self.laps[-3:], self._predictions, self._stored)
        return newest_laps[-1] if newest_laps else None

    @cached_property
    def forecast_lines(self) -> tuple[list[Points], tuple[float, float] | None]:
        """The five lines of the forecast chart over lap distance, and both ends of its time axis.

        The lines are the model, both ends of its interval, the pace ratio, and the last lap's time.
        The ends are None where no line has a value.
        """
        now = self.forecast
        truth_s = self.verdict.truth_s if self.verdict else np.nan
        elapsed = column(self.trail[_rows(self.laps[-1])], "lap_time")
        baseline_s = np.where(elapsed > SETTLED_S, now.baseline_s, np.nan)
        length_m = np.nanmax(column(self.trail, "lap_distance"), initial=0)
        of_model = (now.predicted_s, now.low_s, now.high_s)
        lines = [points(now.distance_m, values) for values in of_model]
        lines.append(points(now.baseline_m, baseline_s))
        lines.append(points(np.array([0, length_m]), np.array([truth_s, truth_s])))
        # Guesses of the first fifth may lie far off; they do not stretch the axis.
        in_sight = [values[len(values) // 5 :] for values in (*of_model, baseline_s)]
        values = np.concatenate([*in_sight, [truth_s]])
        values = values[np.isfinite(values)]
        if not len(values):
            return lines, None
        low_s, high_s = values.min(), values.max()
        return lines, (float(np.floor(low_s * 2 - 1) / 2), float(np.ceil(high_s * 2 + 1) / 2))

    @cached_property
    def verdict_text(self) -> str:
        """The verdict in a sentence, or why there is none."""
        verdict = self.verdict
        if verdict is None:
            return (
                "The true lap time is known when the lap ends."
                if self._predictions
                else "There is no prediction: no champion scores this car. "
                "The Models view shows why."
            )
        interval = {
            None: "",
            True: " (inside its interval)",
            False: " (outside its interval)",
        }[verdict.in_interval]
        errors = [
            f"{name} was off by {signed(value_s - verdict.truth_s, 2)}{NBSP}s{addition}"
            for name, value_s, addition in (
                ("the model", verdict.predicted_s, interval),
                ("the pace ratio", verdict.baseline_s, ""),
            )
            if np.isfinite(value_s)
        ]
        lap = f"Lap{NBSP}{verdict.lap} took {seconds(verdict.truth_s)}{NBSP}s."
        if not errors:
            return f"{lap} Nothing predicted it at half distance."
        return f"{lap} At half distance {', and '.join(errors)}."


def moment(session: LiveSession, chosen: Reference | None = None) -> Moment | None:
    """The session's moment with the reference that the viewer chose; None before the first row.

    Viewers who look at the same rows with the same reference share one moment.
    """
    trail = session.trail.since(0)[1]
    if not len(trail):
        return None
    state = (
        session.restarts,
        len(trail),
        int(trail[-1, 0] * 2),
        session.reference,
        len(session.predictions.get("lap_time", ())) // 5,
    )
    chosen_name = None if chosen is None else chosen.name
    drawn_state, drawn = session.moments.get(chosen_name, (None, None))
    if isinstance(drawn, Moment) and drawn_state == state:
        return drawn
    drawn = Moment(session, trail, chosen)
    session.moments[chosen_name] = (state, drawn)
    return drawn


def points(*columns: Floats) -> Points:
    """Points of a chart from columns of one length, at most about `MOST_POINTS`.

    A point with a value that is not finite is left out. The last point always stays.
    """
    block = np.column_stack(columns)
    block = block[np.isfinite(block).all(axis=1)]
    step = -(-len(block) // MOST_POINTS) if len(block) else 1
    return np.round(np.vstack([block[::step], block[-1:]]), 3).tolist()  # type: ignore[no-any-return]


def _rows(lap: LiveLap) -> slice:
    """The lap's rows in the trail."""
    return slice(lap.first_row, lap.last_row + 1)
