from __future__ import annotations

import numpy as np
import pandas as pd

from pitwall.training.estimators import DampedPace, PaceRatio


def laps(rng: np.random.Generator, count: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Laps of 4 km whose pace in the first half says only half of that in the second."""
    rows, finals, groups = [], [], []
    for lap in range(count):
        first, second = rng.normal(0, 0.02, 2)
        second = 0.5 * first + 0.5 * second
        distance = np.linspace(1, 4000, 80)
        elapsed = 60 * np.where(distance < 2000, distance / 4000 * (1 + first), 0.5 * (1 + first) + (distance / 4000 - 0.5) * (1 + second))
        rows.append(pd.DataFrame({"lap_distance": distance, "lap_time": elapsed}))
        finals += [elapsed[-1]] * 80
        groups += [lap] * 80
    return pd.concat(rows, ignore_index=True), np.array(finals), np.array(groups)


def test_pace_ratio_is_exact_on_evenly_scaled_laps() -> None:
    distance = np.linspace(1, 4000, 400)
    frame = pd.concat([pd.DataFrame({"lap_distance": distance, "lap_time": distance / 4000 * t}) for t in (58, 60, 62)])
    model = PaceRatio().fit(frame, np.repeat([58.0, 60, 62], 400))
    answer = model.predict(pd.DataFrame({"lap_distance": [1000.0, 3000.0], "lap_time": [59 / 4, 59 * 3 / 4]}))
    assert np.allclose(answer, 59, atol=0.1)


def test_damping_beats_the_ratio_where_early_pace_says_little() -> None:
    rng = np.random.default_rng(0)
    x, y, _ = laps(rng, 40)
    new_x, new_y, _ = laps(rng, 40)
    plain = np.abs(PaceRatio().fit(x, y).predict(new_x) - new_y).mean()
    damped = np.abs(DampedPace().fit(x, y).predict(new_x) - new_y).mean()
    assert damped < plain


def test_missing_distance_gives_no_answer() -> None:
    x, y, _ = laps(np.random.default_rng(1), 3)
    assert np.isnan(DampedPace().fit(x, y).predict(pd.DataFrame({"lap_distance": [np.nan], "lap_time": [1.0]}))).all()
