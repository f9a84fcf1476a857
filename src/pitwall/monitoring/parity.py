"""Parity: feature vectors as they were served, compared with the offline store bit for bit.

The offline store's row of a vector is that of the same car, session and event time.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitwall.features import load
from pitwall.serving.served import Served
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import configured
from pitwall.stores.names import cql_name, cql_names, online_table

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXAMPLES = 10
"""How many differences a result tells."""
KEPT = 10_000
"""Beyond so many differences only the largest `EXAMPLES` are kept."""


@dataclass
class Counts:
    """Values that are equal, that differ, and for which the offline store has no row."""

    match: int = 0
    mismatch: int = 0
    missing: int = 0


@dataclass
class Parity(Counts):
    """The counts of all values and of each feature."""

    vectors: int = 0
    sources: dict[str, int] = field(default_factory=dict)
    """Number of vectors by where they were read: `Served.source`."""
    features: dict[str, Counts] = field(default_factory=dict)
    """Counts by view and feature: `car_state:speed`."""
    worst: list[str] = field(default_factory=list)
    """Sentences: first the largest differences, then rows that are missing."""

    @property
    def percent(self) -> float:
        """Share of equal values in percent; 0 where nothing was compared."""
        return 100 * self.match / max(self.match + self.mismatch + self.missing, 1)


def online_rows(settings: Settings, sessions: Iterable[str] | None = None) -> Iterator[Served]:
    """The online store's rows in all views, of the named sessions or (None) of all."""
    wanted = None if sessions is None else set(sessions)
    options = configured(settings)
    session = connect(settings, options, role="reader")
    try:
        for features in load(settings.feature_repo):
            columns = cql_names(features.names)
            keyspace = options.keyspace or settings.keyspace
            table = f"{keyspace}.{cql_name(online_table('pitwall', features.name))}"
            for vehicle, name, event_us, *values in session.execute(
                f"SELECT vehicle, session, WRITETIME(event_timestamp), {columns} FROM {table}"
            ):
                if (wanted is None or name in wanted) and event_us is not None:
                    yield Served(
                        "",
                        features.name,
                        vehicle,
                        name,
                        event_us,
                        tuple(features.names),
                        values,
                        "online",
                    )
    finally:
        session.cluster.shutdown()


def compare(settings: Settings, vectors: Iterable[Served]) -> Parity:
    """Compare every value of the vectors exactly: equal bits, and null equals null.

    NaN counts as null, as on the topics. Where the offline store has several rows of one instant,
    the one created last counts, as in training.

    A view or a feature that the feature repository does not have counts as missing, with the reason
    in `Parity.worst`. Raises `StoreError` when the offline store cannot answer.
    """
    from pitwall.stores.repository import feature_store

    parity = Parity()
    differences: list[tuple[float, str]] = []
    store: Any = None
    for (view, session), group in groupby(sorted(vectors, key=_view_session), _view_session):
        served = list(group)
        store = store or feature_store(settings)
        names = sorted({name for vector in served for name in vector.names})
        known = _known(store, view, names)
        times_us = [vector.event_us for vector in served]
        rows = _offline(store, view, session, known, times_us) if known else {}
        column = {name: i for i, name in enumerate(known)}
        for vector in served:
            row = rows.get((vector.vehicle, vector.event_us))
            truth = (
                None if row is None else {n: row[column[n]] for n in vector.names if n in column}
            )
            differences += count_vector(parity, vector, truth, known)
            if len(differences) > KEPT:
                differences = _largest(differences)
    parity.worst = [text for _, text in _largest(differences)]
    return parity


def _view_session(vector: Served) -> tuple[str, str]:
    return vector.view, vector.session


def _largest(differences: list[tuple[float, str]]) -> list[tuple[float, str]]:
    return sorted(differences, key=lambda difference: -difference[0])[:EXAMPLES]


def count_vector(
    parity: Parity,
    vector: Served,
    truth: dict[str, np.float64] | None,
    known: Collection[str],
) -> Iterator[tuple[float, str]]:
    """Count a vector and its values in `parity`, and give its differences.

    `truth` holds the offline store's values by feature, or is None where there is no row; `known`
    are the features that the view has. A difference is its size relative to the larger value, 2
    where one of the two is null and -1 for what is missing, and a sentence.
    """
    parity.vectors += 1
    parity.sources[vector.source] = parity.sources.get(vector.source, 0) + 1
    when = (EPOCH + timedelta(microseconds=vector.event_us)).isoformat().replace("+00:00", "Z")
    where = f"{vector.vehicle}, {vector.session}, {when}, {vector.source} {vector.service}".rstrip()
    unknown = [name for name in vector.names if name not in known]
    if unknown:
        yield -1.0, f"{where}: the feature repository has no {vector.view}:{unknown[0]}"
    elif truth is None:
        yield -1.0, f"{where}: the offline store has no row of {vector.view}"
    for name, value in zip(vector.names, vector.values, strict=True):
        counts = (parity, parity.features.setdefault(f"{vector.view}:{name}", Counts()))
        if truth is None or name not in truth:
            for count in counts:
                count.missing += 1
            continue
        online, offline = math.nan if value is None else value, float(truth[name])
        # The text of a double has its bits, but for those of a NaN, which is null.
        equal = repr(online) == repr(offline)
        for count in counts:
            count.match += equal
            count.mismatch += not equal
        if not equal:
            size = abs(online - offline) / max(abs(online), abs(offline), 1e-300)
            text = f"{where}: {name} was served as {online!r}, offline it is {offline!r}"
            yield 2.0 if math.isnan(size) else size, text


def _known(store: Any, view: str, names: list[str]) -> list[str]:
    """Those of the features that the view has in the feature repository; none of no view."""
    from feast.errors import FeatureViewNotFoundException

    try:
        feature_view = store.get_feature_view(view)
    except FeatureViewNotFoundException:
        return []
    features = {feature.name for feature in feature_view.features}
    return [name for name in names if name in features]


def _offline(
    store: Any, view: str, session: str, names: list[str], times_us: list[int]
) -> dict[tuple[str, int], NDArray[np.float64]]:
    """The offline store's rows of a session between the first and the last of these times.

    By vehicle and event time (µs since the epoch), with the values in the order of `names`, which
    the view has.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from pitwall.stores.offline.store import ParquetOfflineStore

    source = store.get_feature_view(view).batch_source
    stamp, created = source.timestamp_field, source.created_timestamp_column
    start, end = (EPOCH + timedelta(microseconds=us) for us in (min(times_us), max(times_us)))
    table = ParquetOfflineStore.pull_all_from_table_or_query(
        store.config,
        source,
        ["vehicle", "session"],
        names,
        stamp,
        created,
        start,
        end + timedelta(microseconds=1),
    ).to_arrow()
    table = table.filter(pc.equal(table["session"], session)).sort_by(created)
    matrix = np.column_stack(
        [table[name].cast(pa.float64()).fill_null(np.nan).to_numpy() for name in names]
        or [np.empty(table.num_rows)]
    )
    times = table[stamp].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    return dict(zip(zip(table["vehicle"].to_pylist(), times, strict=True), matrix, strict=True))
