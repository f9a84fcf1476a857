"""The large numbers of the live view: lap, times, delta and prediction."""

from __future__ import annotations

import numpy as np
from nicegui import ui

from pitwall.page.data.moment import Moment
from pitwall.page.data.session import LiveSession
from pitwall.page.data.text import seconds, signed, whole_number
from pitwall.page.web.shell import Fact


class Figures:
    """The card with the large numbers of the session that is shown."""

    def __init__(self) -> None:
        with (
            ui.element("section").classes("panel wide now").props('aria-label="Now"'),
            ui.element("div").classes("big"),
        ):
            self._lap = Fact("Lap", "lap")
            self._lap_time = Fact("Lap time [s]", "lap_time")
            self._predicted = Fact("Predicted lap [s]", "predicted", "double")
            self._delta = Fact("Delta [s]", "delta")
            self._pace_ratio = Fact("Pace ratio [s]", "pace_ratio")
            self._best = Fact("Best lap [s]", "best")
            self._theoretical = Fact("Theoretical [s]", "theory")

    def show_now(self, session: LiveSession, now: Moment | None) -> None:
        """Show what changes with every tick: lap, lap time and delta."""
        self._lap.show(whole_number(session.value("lap_number")))
        self._lap_time.show(seconds(session.value("lap_time"), 1))
        delta_s = float(now.delta_s[-1]) if now else np.nan
        kind = "" if np.isnan(delta_s) else "good" if delta_s <= 0 else "bad"
        self._delta.show(signed(delta_s, 2), kind)

    def show_best(self, now: Moment) -> None:
        """Show the best and the theoretical lap time."""
        self._best.show(seconds(now.best_s), "" if np.isnan(now.best_s) else "purple")
        self._theoretical.show(seconds(now.theoretical_s))

    def show_forecast(self, now: Moment) -> None:
        """Show the newest prediction with half the width of its interval, and the pace ratio."""
        forecast = now.forecast
        baseline_s = float(forecast.baseline_s[-1]) if len(forecast.baseline_s) else np.nan
        self._pace_ratio.show(seconds(baseline_s, 2))
        if len(forecast.predicted_s):
            half_width_s = (forecast.high_s[-1] - forecast.low_s[-1]) / 2
            predicted_s = float(forecast.predicted_s[-1])
            self._predicted.show(f"{seconds(predicted_s, 2)} ± {half_width_s:.2f}")
        else:
            self._predicted.show("–")
