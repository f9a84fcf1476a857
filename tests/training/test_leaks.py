"""Inputs that give the label away, alone or two together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pitwall.errors import ModelError
from pitwall.settings import Settings
from pitwall.training.leaks import check
from pitwall.training.tasks import task

LAPS = np.repeat(np.arange(10), 100)


def inputs(**columns: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(columns)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=len(LAPS))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("lap_distance", "lap_distance_lag_10s"), "'lap_distance' and 'lap_distance_lag_10s'"),
        (("lap_distance_lag_10s", "lap_distance_lag_20s"), "LAPDISTANCE is the sum of SPEED"),
        (("position_x", "lap_distance_lag_20s"), None),
        (("lap_distance", "acceleration_long", "acceleration_long_mean_5s"), None),
    ],
)
def test_distance_at_two_instants_gives_speed_away(names: tuple[str, ...], said: str) -> None:
    frame = inputs(**{name: noise(number) for number, name in enumerate(names)})
    speed = task(Settings(), "speed_sensor")
    if said is None:
        check(Settings(), speed, frame, noise(9), LAPS)
    else:
        with pytest.raises(ModelError, match=said):
            check(Settings(), speed, frame, noise(9), LAPS)


def test_distance_at_two_instants_is_an_honest_input_of_a_lap_time() -> None:
    frame = inputs(lap_distance=noise(1), lap_distance_lag_10s=noise(2))
    check(Settings(), task(Settings(), "lap_time"), frame, noise(3), LAPS)


@pytest.mark.parametrize("how", ["difference", "ratio", "product"])
def test_two_inputs_that_tell_the_label_together_are_named(how: str) -> None:
    label = noise(0)
    first = np.exp(noise(1))
    second = {
        "difference": first + label,
        "ratio": first * (label + 9),
        "product": (label + 9) / first,
    }[how]
    frame = inputs(honest=noise(2), first=first, second=second)
    with pytest.raises(ModelError, match=r"'first' and 'second' of lap_time leak: together they"):
        check(Settings(), task(Settings(), "lap_time"), frame, label, LAPS)


def test_two_inputs_that_are_mostly_missing_tell_nothing() -> None:
    label, first = noise(0), noise(1)
    second = first + label
    second[LAPS > 2] = np.nan
    check(Settings(), task(Settings(), "lap_time"), inputs(a=first, b=second), label, LAPS)
