"""Point-in-time training sets: instants, labels, and the features as they stood then."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitwall.errors import ModelError
from pitwall.settings import Settings
from pitwall.stores.offline.laps import whole
from pitwall.training import leaks
from pitwall.training.tasks import Task

LOG = logging.getLogger("pitwall.training")
VIEW = "car_state"
FASTEST_M_S = 150.0
"""No car is faster, m/s."""
LEAP_M = 50.0
"""A distance may be wrong by so much between two ticks, for instance where it is corrected."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Dataset:
    """Rows in date order, lap after lap.

    `X` (rows, inputs) holds the inputs, `y` (rows,) the label in the task's unit, `groups` (rows,)
    the lap, session or vehicle that is held out together.
    """

    X: pd.DataFrame
    y: pd.Series
    groups: pd.Series
    part: pd.Series
    """Share of the lap that is driven, 0 to 1."""
    entity_rows: pd.DataFrame

    def sha256(self) -> str:
        """Digest of inputs and labels, bit for bit."""
        return sha256(self.X.assign(label=self.y))


def sha256(frame: pd.DataFrame) -> str:
    """Digest of a frame's column names and values."""
    digest = hashlib.sha256("\x1f".join(map(str, frame.columns)).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def laps(settings: Settings, sessions: list[str] | None = None) -> pd.DataFrame:
    """Complete, driven laps in the offline store, those of the circuit with most of them.

    Columns: vehicle, session, lap_number, lap_final (s), length_m, first_tick, last_tick. A lap is
    complete as `pitwall.stores.offline.laps.whole` says. It is driven if its distance leaps by no
    more than a car can go between two ticks, so a car that stands on the line makes no laps, and a
    jump to the pits ends none. What is left out is logged. Raises `ModelError` where no lap
    remains.
    """
    from pitwall.stores.offline.database import database
    from pitwall.stores.offline.files import files, recorded

    where = recorded(settings, VIEW)
    paths = files(where)
    if not paths:
        raise ModelError(
            f"no recorded features in {settings.offline(VIEW)}; "
            "stream some laps first (`./pitwall replay`)"
        )
    frame = (
        database(where)
        .execute(
            "SELECT vehicle, session, lap_number, max(lap_time) AS longest, "
            "max(lap_distance) AS length_m, min(lap_from_start) AS from_start, "
            "max(lap_last_time) AS before, min(event_timestamp) AS first_tick, "
            "max(event_timestamp) AS last_tick, coalesce(max(leap_m), 0) AS leap_m FROM ("
            "SELECT *, abs(lap_distance - lag(lap_distance) OVER tick) - ? * "
            "epoch_us(event_timestamp - lag(event_timestamp) OVER tick) / 1e6 AS leap_m "
            "FROM read_parquet(?, union_by_name = true, hive_partitioning = false) "
            "WHERE lap_number IS NOT NULL WINDOW tick AS "
            "(PARTITION BY vehicle, session, lap_number ORDER BY event_timestamp)) "
            "GROUP BY vehicle, session, lap_number ORDER BY session, vehicle, lap_number",
            [FASTEST_M_S, paths],
        )
        .df()
    )
    if sessions is not None:
        frame = frame[frame["session"].isin(sessions)]
    same = (frame["session"] == frame["session"].shift(-1)) & (
        frame["vehicle"] == frame["vehicle"].shift(-1)
    )
    follows = same & (frame["lap_number"].shift(-1) == frame["lap_number"] + 1)
    frame["lap_final"] = np.where(follows, frame["before"].shift(-1), frame["longest"])
    complete = frame[whole(frame["from_start"], frame["length_m"], follows)]
    driven = complete[
        (complete["leap_m"] <= LEAP_M)
        & (complete["length_m"] <= FASTEST_M_S * complete["lap_final"])
    ]
    if driven.empty:
        raise ModelError(
            f"no complete lap among the recorded features; of {len(complete)} that were seen from "
            f"start to end, all leap in distance or are faster than {FASTEST_M_S:g} m/s"
        )
    lengths = driven["length_m"].to_numpy()
    circuit = np.argmax((np.abs(lengths[:, None] / lengths[None, :] - 1) < 0.02).sum(axis=1))
    chosen = driven[np.abs(lengths / lengths[circuit] - 1) < 0.02]
    if len(chosen) < len(complete):
        LOG.warning(
            "%d complete laps of %.0f m; left out: %d whose distance leaps, %d of another length",
            len(chosen),
            lengths[circuit],
            len(complete) - len(driven),
            len(driven) - len(chosen),
        )
    return chosen.drop(columns="leap_m").reset_index(drop=True)


def entity_rows(settings: Settings, task: Task, sessions: list[str] | None = None) -> pd.DataFrame:
    """Instants to train on: every `task.every_s` seconds of each complete lap.

    Columns: vehicle, session, event_timestamp, lap, length_m, truth. `truth` comes from what
    followed the instant; it is NaN where the label is a feature, or where the lap has fewer metres
    left than the label asks for.
    """
    complete = laps(settings, sessions)
    traces = _traces(settings, complete) if task.label.ahead_m else {}
    parts = []
    for lap in complete.itertuples():
        times = pd.date_range(lap.first_tick, lap.last_tick, freq=f"{round(task.every_s * 1000)}ms")
        key = (lap.vehicle, lap.session, lap.lap_number)
        truth = np.full(len(times), lap.lap_final if task.label.lap else np.nan)
        if task.label.ahead_m:
            at_s, distance = traces[key]
            now = (times - lap.first_tick).total_seconds().to_numpy() + at_s[0]
            ahead = np.interp(now, at_s, distance) + task.label.ahead_m
            truth = np.where(ahead <= distance[-1], np.interp(ahead, distance, at_s) - now, np.nan)
        parts.append(
            pd.DataFrame(
                {
                    "vehicle": lap.vehicle,
                    "session": lap.session,
                    "event_timestamp": times,
                    "lap": f"{lap.vehicle}/{lap.session}/{lap.lap_number:g}",
                    "length_m": lap.length_m,
                    "truth": truth,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _traces(
    settings: Settings, complete: pd.DataFrame
) -> dict[tuple[str, str, float], tuple[Array, Array]]:
    """Lap time (s) and distance (m, rising) of each tick, by vehicle, session and lap number."""
    from pitwall.stores.offline.database import database
    from pitwall.stores.offline.files import files, recorded

    where = recorded(settings, VIEW)
    frame = (
        database(where)
        .execute(
            "SELECT DISTINCT vehicle, session, lap_number, lap_time, lap_distance "
            "FROM read_parquet(?, union_by_name = true, hive_partitioning = false) "
            "WHERE session IN (SELECT unnest(?)) AND lap_distance IS NOT NULL ORDER BY ALL",
            [files(where), complete["session"].unique().tolist()],
        )
        .df()
    )
    traces = {}
    for key, lap in frame.groupby(["vehicle", "session", "lap_number"]):
        distance = np.maximum.accumulate(lap["lap_distance"].to_numpy())
        rises = np.r_[True, np.diff(distance) > 0]
        traces[key] = (lap["lap_time"].to_numpy()[rises], distance[rises])
    return traces


def build(
    settings: Settings,
    task: Task,
    sessions: list[str] | None = None,
    rows: pd.DataFrame | None = None,
) -> Dataset:
    """The task's training set by Feast's point-in-time join.

    It is made of these entity `rows`, or of all complete laps. Raises `ModelError` where there are
    too few laps, or an input leaks the label.
    """
    from feast.errors import FeatureServiceNotFoundException

    from pitwall.stores.repository import feature_store

    if rows is None:
        rows = entity_rows(settings, task, sessions)
    store = feature_store(settings)
    try:
        service = store.get_feature_service(task.service)
    except FeatureServiceNotFoundException:
        raise ModelError(
            f"task {task.name}: service {task.service!r} is not in Feast's registry; "
            f"if {settings.feature_repo}/services.py has it, run `feast apply` there"
        ) from None
    names = [
        feature.name
        for projection in service.feature_view_projections
        for feature in projection.features
    ]
    inputs = task.chosen(names)
    own = [
        f"{projection.name}:{feature.name}"
        for projection in service.feature_view_projections
        for feature in projection.features
    ]
    more = [f"{VIEW}:lap_distance"] if "lap_distance" not in names else []
    more += (
        [f"{VIEW}:{task.label.feature}"]
        if task.label.feature and task.label.feature not in names
        else []
    )
    joined = store.get_historical_features(entity_df=rows, features=own + more).to_df()
    return dataset(settings, task, joined, inputs, rows)


def dataset(
    settings: Settings, task: Task, joined: pd.DataFrame, inputs: list[str], rows: pd.DataFrame
) -> Dataset:
    """The training set of joined features: the rows with a label.

    Raises `ModelError` as `build` does.
    """
    label = joined[task.label.feature or "truth"].astype("float64")
    kept = np.isfinite(label.to_numpy())
    if joined.loc[kept, task.groups].nunique() < 2:
        count = joined.loc[kept, task.groups].nunique()
        raise ModelError(
            f"{count} complete laps with a label for {task.name}; at least two are needed"
        )
    joined, label = joined[kept].reset_index(drop=True), label[kept].reset_index(drop=True)
    part = (joined["lap_distance"] / joined["length_m"]).clip(0, 1).fillna(0.0)
    training_set = Dataset(joined[inputs].astype("float64"), label, joined[task.groups], part, rows)
    leaks.check(
        settings,
        task,
        training_set.X,
        label.to_numpy(),
        pd.factorize(training_set.groups)[0].astype(np.int64),
    )
    return training_set
