"""What is learned: for each task its feature service, label, baseline and candidate. Read `training/README.md` first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pitwall.errors import UsageError


@dataclass(frozen=True)
class Task:
    """`service` names the feature service in `feature_repo/services.py`; `label` is a feature of it, or `lap_final`."""

    name: str
    service: str
    label: str
    unit: str
    every_s: float
    """Spacing of training rows on the session's clock."""
    folds: int | None
    """Groups of laps held out in turn; None for one lap at a time."""
    candidate: Callable[[], Any]
    baseline: Callable[[], Any]
    description: str


def _damped_pace() -> Any:
    from pitwall.training.estimators import DampedPace

    return DampedPace()


def _pace_ratio() -> Any:
    from pitwall.training.estimators import PaceRatio

    return PaceRatio()


def _boosting() -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(max_iter=100, learning_rate=0.1, max_leaf_nodes=31, random_state=0)


RAW_CHANNELS = (
    "acceleration_long", "acceleration_lat", "acceleration_vert", "velocity_yaw", "steering_angle", "throttle", "brake",
)  # fmt: skip


def _linear() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pick = ColumnTransformer([("raw", SimpleImputer(keep_empty_features=True), list(RAW_CHANNELS))])
    return make_pipeline(pick, StandardScaler(), Ridge())


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("lap_time", "lap_time", "lap_final", "s", 1.0, None, _damped_pace, _pace_ratio,
             "Final lap time, from any point of the lap. Baseline: pace ratio"),
        Task("speed_sensor", "speed_sensor", "speed", "km/h", 0.5, 4, _boosting, _linear,
             "Speed from the other channels. Baseline: linear on the raw channels"),
    )
}  # fmt: skip


def task(name: str) -> Task:
    """The task by name. Raises `UsageError` naming those there are."""
    if name not in TASKS:
        raise UsageError(f"model {name!r} is unknown; there are: {', '.join(TASKS)}")
    return TASKS[name]
