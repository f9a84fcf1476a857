"""The predicted lap time along a lap, and how it compares with the truth and the pace ratio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pitwall.page.data.laps import LiveLap
from pitwall.page.data.reference import Reference, pace_ratio
from pitwall.page.data.rows import Floats
from pitwall.page.data.session import LivePrediction
from pitwall.page.data.trail import column

AFTER_S = 0.15
"""A prediction of a lap may be for a tick up to this long after the lap's newest row."""


@dataclass(frozen=True)
class Forecast:
    """The predictions of one lap, shape (predictions,), and its pace ratio, shape (rows,)."""

    distance_m: Floats
    """Lap distance of each prediction."""
    predicted_s: Floats
    low_s: Floats
    high_s: Floats
    baseline_m: Floats
    """Lap distance of each row."""
    baseline_s: Floats
    """The pace ratio."""


def forecast(
    trail: Floats,
    lap: LiveLap,
    predictions: Sequence[LivePrediction],
    reference: Reference | None = None,
) -> Forecast:
    """The predictions of the lap time that were made in this lap, by lap distance."""
    rows = trail[lap.first_row : lap.last_row + 1]
    times, distance = column(rows, "session_time"), column(rows, "lap_distance")
    in_lap = [
        prediction
        for prediction in predictions
        if len(times) and times[0] <= prediction.time_s <= times[-1] + AFTER_S
    ]
    predicted_at = [prediction.time_s for prediction in in_lap]
    return Forecast(
        distance_m=np.interp(predicted_at, times, distance) if in_lap else np.empty(0),
        predicted_s=np.array([prediction.value for prediction in in_lap]),
        low_s=np.array([prediction.low for prediction in in_lap]),
        high_s=np.array([prediction.high for prediction in in_lap]),
        baseline_m=distance,
        baseline_s=pace_ratio(rows, reference),
    )


@dataclass(frozen=True)
class Verdict:
    """How the prediction at half distance of a lap compares with its lap time, in seconds."""

    lap: int
    """Number of the lap."""
    truth_s: float
    predicted_s: float
    """NaN without a prediction."""
    baseline_s: float
    """The pace ratio; NaN without one."""
    in_interval: bool | None
    """Whether the truth lies in the prediction's interval; None without a prediction."""


def verdicts(
    trail: Floats,
    laps: Sequence[LiveLap],
    predictions: Sequence[LivePrediction],
    reference: Reference | None = None,
) -> list[Verdict]:
    """One verdict for each whole lap, in order."""
    return [
        _verdict(lap, forecast(trail, lap, predictions, reference)) for lap in laps if lap.whole
    ]


def _verdict(lap: LiveLap, lap_forecast: Forecast) -> Verdict:
    baseline_m = lap_forecast.baseline_m
    half_m = np.nanmax(baseline_m) / 2 if np.isfinite(baseline_m).any() else np.nan
    predicted_s, baseline_s = np.nan, np.nan
    in_interval: bool | None = None
    if len(lap_forecast.predicted_s):
        nearest = int(np.argmin(np.abs(lap_forecast.distance_m - half_m)))
        predicted_s = float(lap_forecast.predicted_s[nearest])
        in_interval = bool(
            lap_forecast.low_s[nearest] <= lap.time_s <= lap_forecast.high_s[nearest]
        )
    if np.isfinite(half_m):
        nearest_row = int(np.nanargmin(np.abs(baseline_m - half_m)))
        baseline_s = float(lap_forecast.baseline_s[nearest_row])
    return Verdict(lap.number, lap.time_s, predicted_s, baseline_s, in_interval)
