"""Point-in-time training sets: which instants, which labels, and the features as they stood then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from pitwall.errors import ModelError
from pitwall.settings import Settings
from pitwall.training.tasks import Task

VIEW = "car_state"


@dataclass(frozen=True)
class Dataset:
    """`X` has one column a model input; `y` the label; `groups` the lap of each row, `vehicle/session/lap`."""

    X: pd.DataFrame
    y: pd.Series
    groups: pd.Series
    entity_rows: pd.DataFrame


def laps(settings: Settings, sessions: list[str] | None = None) -> pd.DataFrame:
    """Complete laps in the offline store: vehicle, session, lap_number, lap_final (s), length_m, first and last tick.

    A lap is complete when it was seen from its start and the next one began, or when it is as long (within 0.5 %) as
    another lap from the start. Of several circuits, the laps of the one with most laps are given.
    """
    from pitwall.store.offline import files

    paths = files(Path(settings.offline_dir / VIEW))
    if not paths:
        raise ModelError(f"no recorded features in {settings.offline_dir}; stream some laps first (`./pitwall replay`)")
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    frame = con.execute(
        "SELECT vehicle, session, lap_number, max(lap_time) AS longest, max(lap_distance) AS length_m, "
        "min(lap_from_start) AS from_start, max(lap_last_time) AS before, min(event_timestamp) AS first_tick, "
        "max(event_timestamp) AS last_tick FROM read_parquet(?, union_by_name = true, hive_partitioning = false) "
        "WHERE lap_number IS NOT NULL GROUP BY ALL ORDER BY session, vehicle, lap_number",
        [paths],
    ).df()
    if sessions is not None:
        frame = frame[frame["session"].isin(sessions)]
    same = (frame["session"] == frame["session"].shift(-1)) & (frame["vehicle"] == frame["vehicle"].shift(-1))
    follows = same & (frame["lap_number"].shift(-1) == frame["lap_number"] + 1)
    frame["lap_final"] = np.where(follows, frame["before"].shift(-1), frame["longest"])
    frame = frame[(frame["from_start"] == 1) & (frame["length_m"] > 200)].copy()
    follows = follows[frame.index]
    lengths = frame["length_m"].to_numpy()
    twins = (np.abs(lengths[:, None] / lengths[None, :] - 1) < 0.005).sum(axis=1)
    frame = frame[follows.to_numpy() | (twins > 1)]
    if frame.empty:
        raise ModelError("no complete lap among the recorded features")
    lengths = frame["length_m"].to_numpy()
    circuit = np.argmax((np.abs(lengths[:, None] / lengths[None, :] - 1) < 0.02).sum(axis=1))
    return frame[np.abs(lengths / lengths[circuit] - 1) < 0.02].reset_index(drop=True)


def entity_rows(settings: Settings, task: Task, sessions: list[str] | None = None) -> pd.DataFrame:
    """Instants to train on, every `task.every_s` of each complete lap: keys, event_timestamp, lap, lap_final."""
    parts = []
    for lap in laps(settings, sessions).itertuples():
        times = pd.date_range(lap.first_tick, lap.last_tick, freq=f"{round(task.every_s * 1000)}ms")
        parts.append(
            pd.DataFrame(
                {
                    "vehicle": lap.vehicle,
                    "session": lap.session,
                    "event_timestamp": times,
                    "lap": f"{lap.vehicle}/{lap.session}/{lap.lap_number:g}",
                    "lap_final": lap.lap_final,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def build(settings: Settings, task: Task, sessions: list[str] | None = None) -> Dataset:
    """The task's training set, through Feast's point-in-time join."""
    from pitwall.store.repo import feature_store

    rows = entity_rows(settings, task, sessions)
    store = feature_store(settings)
    service = store.get_feature_service(task.service)
    joined = store.get_historical_features(entity_df=rows, features=service).to_df()
    names = [feature.name for projection in service.feature_view_projections for feature in projection.features]
    inputs = [name for name in names if name != task.label]
    joined = joined[joined[task.label].notna() & np.isfinite(joined[task.label])]
    if joined["lap"].nunique() < 2:
        raise ModelError(f"{joined['lap'].nunique()} complete laps with a label for {task.name}; at least two are needed")
    joined = joined.reset_index(drop=True)
    return Dataset(joined[inputs].astype("float64"), joined[task.label], joined["lap"], rows)
