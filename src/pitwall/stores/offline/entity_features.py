"""All features of one vehicle's session, as the offline store holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from pitwall.errors import StoreError
from pitwall.features import FeatureSet
from pitwall.settings import Settings
from pitwall.stores.offline.database import database
from pitwall.stores.offline.files import files, recorded

ROWS = "read_parquet($paths, union_by_name = true, hive_partitioning = false)"


class EntityFeatures(NamedTuple):
    """The feature rows of one session."""

    features: FeatureSet
    values: dict[str, NDArray[np.float64]]
    """Each feature that is stored, by rising time, shape (rows,); NaN for null."""


def vehicles_of(settings: Settings, feature_sets: Sequence[FeatureSet], session: str) -> list[str]:
    """The vehicles that have rows of this session, by name. Raises `StoreError`."""
    vehicles: set[str] = set()
    for features in feature_sets:
        rows = _query(
            settings,
            features,
            f"SELECT DISTINCT vehicle FROM {ROWS} WHERE session = $session",
            {"session": session},
        )
        if rows is not None:
            vehicles.update(vehicle for (vehicle,) in rows.fetchall())
    return sorted(vehicles)


def entity_features(
    settings: Settings, features: FeatureSet, vehicle: str, session: str
) -> EntityFeatures | None:
    """The rows of a session in one view; None where it has none. Raises `StoreError`.

    Of rows with the same event time the one created last counts.
    """
    described = _query(settings, features, f"DESCRIBE SELECT * FROM {ROWS}", {})
    if described is None:
        return None
    stored = {name for name, *_ in described.fetchall()}
    names = [name for name in features.names if name in stored]
    if "session_time" not in names:
        return None
    columns = ", ".join(f'"{name}"::DOUBLE AS "{name}"' for name in names)
    rows = _query(
        settings,
        features,
        f"SELECT {columns} FROM {ROWS} WHERE vehicle = $vehicle AND session = $session "
        "QUALIFY row_number() OVER "
        "(PARTITION BY event_timestamp ORDER BY created_timestamp DESC) = 1 "
        "ORDER BY event_timestamp",
        {"vehicle": vehicle, "session": session},
    )
    if rows is None:
        return None
    masked: Any = np.ma
    values = {
        name: np.asarray(masked.filled(masked.asarray(column, float), np.nan))
        for name, column in rows.fetchnumpy().items()
    }
    if not len(values["session_time"]):
        return None
    return EntityFeatures(features, values)


def _query(
    settings: Settings, features: FeatureSet, sql: str, parameters: dict[str, str]
) -> duckdb.DuckDBPyConnection | None:
    """The result of a query over the view's files; None where there is none yet."""
    place = recorded(settings, features.name)
    try:
        paths = files(place)
        if not paths:
            return None
        return database(place).execute(sql, {"paths": paths, **parameters})
    except (duckdb.Error, OSError) as error:
        raise StoreError(
            f"the offline store in {settings.offline(features.name)} cannot be read ({error})"
        ) from error
