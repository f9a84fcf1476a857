"""Point-in-time training sets: instants, labels, and the features as they stood then."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitwall.errors import ModelError
from pitwall.settings import Settings
from pitwall.training import leaks
from pitwall.training.groups import clusters, held_together
from pitwall.training.laps import VIEW
from pitwall.training.tasks import Task

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
    clusters: pd.Series | None = None
    """What is held out together, by row: see `pitwall.training.groups`. None: each group alone."""

    @property
    def together(self) -> pd.Series:
        """The label of what is held out together, by row."""
        return self.groups if self.clusters is None else self.clusters

    def sha256(self) -> str:
        """Digest of inputs and labels, bit for bit."""
        return sha256(self.X.assign(label=self.y))


def sha256(frame: pd.DataFrame) -> str:
    """Digest of a frame's column names and values."""
    digest = hashlib.sha256("\x1f".join(map(str, frame.columns)).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def entity_rows(settings: Settings, task: Task, laps: pd.DataFrame) -> pd.DataFrame:
    """Instants to train on: every `task.every_s` seconds of each of the laps of a `Choice`.

    Columns: vehicle, session, event_timestamp, lap, cluster, length_m, truth. `truth` comes from
    what followed the instant; it is NaN where the label is a feature, or where the lap has fewer
    metres left than the label asks for. `cluster` names the laps that belong together.
    """
    traces = traces_of(settings, laps)
    parts = []
    for lap, cluster in zip(laps.itertuples(), clusters(laps, traces), strict=True):
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
                    "cluster": cluster,
                    "length_m": lap.length_m,
                    "truth": truth,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def traces_of(
    settings: Settings, laps: pd.DataFrame
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
            [files(where), laps["session"].unique().tolist()],
        )
        .df()
    )
    traces = {}
    for key, lap in frame.groupby(["vehicle", "session", "lap_number"]):
        distance = np.maximum.accumulate(lap["lap_distance"].to_numpy())
        rises = np.r_[True, np.diff(distance) > 0]
        traces[key] = (lap["lap_time"].to_numpy()[rises], distance[rises])
    return traces


def build(settings: Settings, task: Task, rows: pd.DataFrame) -> Dataset:
    """The task's training set of these entity rows, by Feast's point-in-time join.

    Raises `ModelError` where there are too few laps, or an input leaks the label.
    """
    from feast.errors import FeatureServiceNotFoundException

    from pitwall.stores.repository import feature_store

    store = feature_store(settings)
    try:
        service = store.get_feature_service(task.service)
    except FeatureServiceNotFoundException:
        raise ModelError(
            f"task {task.name}: service {task.service!r} is not in Feast's registry; "
            f"if {settings.feature_repo}/services.py has it, run `feast apply` there"
        ) from None
    refs, inputs = columns(task, service)
    joined = store.get_historical_features(entity_df=rows, features=refs).to_df()
    return dataset(settings, task, joined, inputs, rows)


def columns(task: Task, service: Any) -> tuple[list[str], list[str]]:
    """What a task needs of the views ("view:feature"), and which features are its inputs.

    `service` is its feature service. Beside the service's features the task needs the distance and
    its label.
    """
    own = [
        (projection.name, feature.name)
        for projection in service.feature_view_projections
        for feature in projection.features
    ]
    names = [name for _, name in own]
    more = [name for name in ("lap_distance", task.label.feature) if name and name not in names]
    refs = [f"{view}:{name}" for view, name in [*own, *((VIEW, name) for name in more)]]
    return refs, task.chosen(names)


def dataset(
    settings: Settings, task: Task, joined: pd.DataFrame, inputs: list[str], rows: pd.DataFrame
) -> Dataset:
    """The training set of joined features: the rows with a label.

    Raises `ModelError` as `build` does.
    """
    training_set = labelled(task, joined, inputs, rows)
    if (count := training_set.groups.nunique()) < 2:
        raise ModelError(
            f"{count} complete laps with a label for {task.name}; at least two are needed"
        )
    leaks.check(
        settings,
        task,
        training_set.X,
        training_set.y.to_numpy(),
        pd.factorize(training_set.groups)[0].astype(np.int64),
    )
    return training_set


def labelled(task: Task, joined: pd.DataFrame, inputs: list[str], rows: pd.DataFrame) -> Dataset:
    """The rows of joined features that have a label, without any check."""
    label = joined[task.label.feature or "truth"].astype("float64")
    kept = np.isfinite(label.to_numpy())
    joined, label = joined[kept].reset_index(drop=True), label[kept].reset_index(drop=True)
    part = (joined["lap_distance"] / joined["length_m"]).clip(0, 1).fillna(0.0)
    groups = joined[task.groups]
    # The entity rows of older runs name no clusters.
    together = held_together(groups, joined["cluster"]) if "cluster" in joined else None
    return Dataset(joined[inputs].astype("float64"), label, groups, part, rows, together)
