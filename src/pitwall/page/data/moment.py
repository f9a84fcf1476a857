"""What the live view draws of a session at one instant, computed once for all viewers."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from pitwall.page.data.laps import (
    Forecast,
    LapRow,
    Reference,
    Verdict,
    behind,
    best_of,
    forecast,
    laps_of,
    verdicts,
)
from pitwall.page.data.session import AT, Floats, LiveSession, column
from pitwall.page.data.text import NBSP, Cell, seconds, signed

Points = list[list[float | None]]
POINTS = 500
"""Points of a line or a map: more cannot be told apart on the screen."""
SETTLED_S = 3.0
"""A guess made in a lap's first seconds says nothing."""


class Moment:
    """One session as it is now. Everything is computed when first asked for."""

    def __init__(
        self, session: LiveSession, trail: Floats, chosen: Reference | None = None
    ) -> None:
        self.trail = trail
        self._predictions = list(session.predictions.get("lap_time", ()))
        self._chosen, self._stored = chosen, chosen or session.reference
        self._maps: dict[str, tuple[Points, float, float]] = {}

    @cached_property
    def laps(self) -> list[LapRow]:
        """Its laps, in order; the last one is under way."""
        return laps_of(self.trail)

    @cached_property
    def reference(self) -> Reference | None:
        """The lap chosen; else the session's best so far (None), and the fastest stored one until
        there is a best.
        """
        best = column(self.trail, "lap_best_time")[-1]
        return self._chosen or (None if np.isfinite(best) else self._stored)

    @property
    def reference_name(self) -> str:
        """How the reference is called on the page."""
        return self.reference.name if self.reference else "the best lap so far"

    @cached_property
    def delta(self) -> Floats:
        """Seconds behind the reference at each row."""
        return behind(self.trail, self.reference)

    def of(self, lap: LapRow) -> slice:
        """The lap's rows."""
        return slice(lap.first, lap.last + 1)

    def deltas(self) -> list[tuple[str, Points]]:
        """The lap under way and the one before: name and delta over distance."""
        metres = column(self.trail, "lap_distance")
        return [
            (f"lap {lap.number}", points(metres[self.of(lap)], self.delta[self.of(lap)]))
            for lap in reversed(self.laps[-2:])
        ]

    def map(self, colour: str) -> tuple[Points, float, float]:
        """The road since the start of the lap before, as x, z (m) and the colour's value, and the
        ends of the colours.
        """
        if colour not in self._maps:
            begin = self.laps[-min(2, len(self.laps))].first if self.laps else 0
            values = (self.delta if colour == "lap_delta_to_best" else column(self.trail, colour))[
                begin:
            ]
            x, z = (column(self.trail, name)[begin:] for name in ("position_x", "position_z"))
            finite = values[np.isfinite(values)]
            low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
            if colour == "lap_delta_to_best":
                high = max(abs(low), abs(high), 0.05)
                low = -high
            elif colour in ("throttle", "brake"):
                low, high = 0.0, 100.0
            self._maps[colour] = (
                points(x, z, np.where(np.isfinite(values), values, 0)),
                low,
                max(high, low + 0.1),
            )
        return self._maps[colour]

    @cached_property
    def square(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ends of the map's axes, so that both have one scale."""
        block = self.trail[:, [AT["position_x"], AT["position_z"]]]
        block = block[np.isfinite(block).all(axis=1)]
        if not len(block):
            return (0.0, 1.0), (0.0, 1.0)
        low, high = block.min(axis=0), block.max(axis=0)
        half = max(float((high - low).max()), 1.0) * 0.54
        (left, right), (bottom, top) = (
            (round(float(m) - half, 1), round(float(m) + half, 1)) for m in (low + high) / 2
        )
        return (left, right), (bottom, top)

    @cached_property
    def grip(self) -> Points:
        """Lateral and longitudinal acceleration (G) of the last 30 s."""
        part = self.trail[-300:]
        return points(column(part, "acceleration_lat"), column(part, "acceleration_long"))

    @cached_property
    def best(self) -> tuple[float, float]:
        """Best and theoretical best lap time, s."""
        best, sectors = best_of(self.laps)
        return best, min(sum(sectors), best)

    @cached_property
    def lap_table(self) -> list[list[str]]:
        """Rows of the lap table, the newest first."""
        best, sectors = best_of(self.laps)
        rows = []
        for lap in reversed(self.laps):
            splits = [
                Cell(seconds(s), "best" if s == sectors[n] else "")
                for n, s in enumerate(lap.sectors_s)
            ]
            valid = (
                "now"
                if lap is self.laps[-1]
                else "yes"
                if lap.valid
                else "range"
                if lap.whole
                else "part"
            )
            rows.append(
                [
                    str(lap.number),
                    Cell(seconds(lap.time_s), "best" if lap.time_s == best else ""),
                    *splits,
                    Cell(valid, "dim" if valid == "now" else "good" if lap.valid else "warn"),
                ]
            )
        return rows

    @cached_property
    def forecast(self) -> Forecast:
        """The lap under way as it was predicted so far."""
        return forecast(self.trail, self.laps[-1], self._predictions, self.reference)

    @cached_property
    def verdict(self) -> Verdict | None:
        """How the last whole lap's prediction did."""
        return next(
            iter(reversed(verdicts(self.trail, self.laps[-3:], self._predictions, self._stored))),
            None,
        )

    @cached_property
    def forecast_lines(self) -> tuple[list[Points], tuple[float, float] | None]:
        """Model, its interval's ends, pace ratio and the last truth over distance, and the ends of
        the time axis.
        """
        now, truth = self.forecast, self.verdict.truth if self.verdict else np.nan
        elapsed = column(self.trail[self.of(self.laps[-1])], "lap_time")
        plain = np.where(elapsed > SETTLED_S, now.baseline, np.nan)
        length = np.nanmax(column(self.trail, "lap_distance"), initial=0)
        lines = [points(now.distance_m, each) for each in (now.value, now.low, now.high)]
        lines += [
            points(now.baseline_m, plain),
            points(np.array([0, length]), np.array([truth, truth])),
        ]
        seen = np.concatenate(
            [*(each[len(each) // 5 :] for each in (now.value, now.low, now.high, plain)), [truth]]
        )
        seen = seen[np.isfinite(seen)]
        ends = (
            (float(np.floor(seen.min() * 2 - 1) / 2), float(np.ceil(seen.max() * 2 + 1) / 2))
            if len(seen)
            else None
        )
        return lines, ends

    @cached_property
    def said(self) -> str:
        """The verdict in a sentence."""
        it = self.verdict
        if it is None:
            return (
                "The true lap time is known when the lap ends."
                if self._predictions
                else "There is no prediction: no champion scores this car. "
                "The Models view shows why."
            )
        inside = (
            ""
            if it.inside is None
            else " (inside its interval)"
            if it.inside
            else " (outside its interval)"
        )
        errors = [
            f"{name} was off by {signed(value - it.truth, 2)}{NBSP}s{more}"
            for name, value, more in (
                ("the model", it.predicted, inside),
                ("the pace ratio", it.baseline, ""),
            )
            if np.isfinite(value)
        ]
        lap = f"Lap{NBSP}{it.lap} took {seconds(it.truth)}{NBSP}s."
        if not errors:
            return f"{lap} Nothing predicted it at half distance."
        return f"{lap} At half distance {', and '.join(errors)}."


def moment(session: LiveSession, chosen: Reference | None = None) -> Moment | None:
    """The session's moment, compared with the lap `chosen`: the one there is while little new has
    come. None before the first row.
    """
    trail = session.trail.since(0)[1]
    if not len(trail):
        return None
    # At most twice a second, however many viewers look and whenever they do.
    now = (
        session.generation,
        len(trail),
        int(trail[-1, 0] * 2),
        session.reference,
        len(session.predictions.get("lap_time", ())) // 5,
    )
    beside = None if chosen is None else chosen.name
    at, made = session.drawn.get(beside, (None, None))
    if not isinstance(made, Moment) or at != now:
        made = Moment(session, trail, chosen)
        session.drawn[beside] = (now, made)
    return made


def points(*columns: Floats) -> Points:
    """Rows for a chart, thinned out; a row without a finite value is left out."""
    block = np.column_stack(columns)
    block = block[np.isfinite(block).all(axis=1)]
    step = -(-len(block) // POINTS) if len(block) else 1
    return np.round(np.vstack([block[::step], block[-1:]]), 3).tolist()  # type: ignore[no-any-return]
