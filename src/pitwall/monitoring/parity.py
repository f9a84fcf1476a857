"""Parity: feature vectors as they were served, against the offline store's rows of the same instants, bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import UsageError
from pitwall.features import load
from pitwall.serving.served import Served
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import configured
from pitwall.stores.names import online_table

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXAMPLES = 10


@dataclass
class Counts:
    """Values compared: equal, different, and without a row of that instant in the offline store."""

    match: int = 0
    mismatch: int = 0
    missing: int = 0


@dataclass
class Parity(Counts):
    """All values, and those of each feature. `worst` tells the largest differences first, then what is missing."""

    vectors: int = 0
    sources: dict[str, int] = field(default_factory=dict)
    """Vectors by where they were read."""
    features: dict[str, Counts] = field(default_factory=dict)
    """By view and feature: `car_state:speed`."""
    worst: list[str] = field(default_factory=list)

    @property
    def percent(self) -> float:
        """Share of the values that are equal; 0 where nothing was compared."""
        return 100 * self.match / max(self.match + self.mismatch + self.missing, 1)


def online_rows(settings: Settings, sessions: Iterable[str] | None = None) -> Iterator[Served]:
    """The online store's rows of the named sessions, or of all, in all views."""
    wanted = None if sessions is None else set(sessions)
    options = configured(settings)
    session = connect(settings, options, role="reader")
    try:
        for features in load(settings.feature_repo):
            columns = ", ".join(f'"{name}"' for name in features.names)
            table = f'{options.keyspace or settings.keyspace}."{online_table("pitwall", features.name)}"'
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
    """Compare every value exactly: equal bits, and null equals null (NaN is null on the topics).

    Of offline rows of one instant the newest created counts, as in training. Raises `UsageError` for a view that the
    feature repository no longer has, `StoreError` when the offline store cannot answer.
    """
    from pitwall.stores.repository import feature_store

    found = Parity()
    differences: list[tuple[float, str]] = []
    store: Any = None
    key = lambda v: (v.view, v.session)  # noqa: E731
    for (view, session), group in groupby(sorted(vectors, key=key), key):
        served = list(group)
        store = store or feature_store(settings)
        names = sorted({name for vector in served for name in vector.names})
        rows = _offline(store, view, session, names, [vector.event_us for vector in served])
        at = {name: i for i, name in enumerate(names)}
        for vector in served:
            found.vectors += 1
            found.sources[vector.source] = found.sources.get(vector.source, 0) + 1
            values = np.array([np.nan if v is None else v for v in vector.values], dtype=np.float64)
            row = rows.get((vector.vehicle, vector.event_us))
            truth = None if row is None else row[[at[name] for name in vector.names]]
            _count(found, vector, values, truth, differences)
    differences.sort(key=lambda difference: -difference[0])
    found.worst = [text for _, text in differences[:EXAMPLES]]
    return found


def _count(
    found: Parity,
    vector: Served,
    values: NDArray[np.float64],
    truth: NDArray[np.float64] | None,
    differences: list[tuple[float, str]],
) -> None:
    when = (EPOCH + timedelta(microseconds=vector.event_us)).isoformat().replace("+00:00", "Z")
    where = f"{vector.vehicle}, {vector.session}, {when}, {vector.source} {vector.service}".rstrip()
    if truth is None:
        differences.append((-1.0, f"{where}: the offline store has no row of {vector.view}"))
    equal = (
        None
        if truth is None
        else (values.view("i8") == truth.view("i8")) | (np.isnan(values) & np.isnan(truth))
    )
    for i, name in enumerate(vector.names):
        counts = found.features.setdefault(f"{vector.view}:{name}", Counts())
        if truth is None or equal is None:
            found.missing += 1
            counts.missing += 1
        elif equal[i]:
            found.match += 1
            counts.match += 1
        else:
            found.mismatch += 1
            counts.mismatch += 1
            a, b = float(values[i]), float(truth[i])
            apart = abs(a - b) / max(abs(a), abs(b), 1e-300)
            differences.append(
                (
                    apart if apart == apart else 2.0,
                    f"{where}: {name} was served as {a!r}, offline it is {b!r}",
                )
            )
    if len(differences) > 10_000:
        differences.sort(key=lambda difference: -difference[0])
        del differences[EXAMPLES:]


def _offline(
    store: Any, view: str, session: str, names: list[str], times_us: list[int]
) -> dict[tuple[str, int], NDArray[np.float64]]:
    """The offline store's rows of a session between the times, by vehicle and event time."""
    from feast.errors import FeatureViewNotFoundException

    from pitwall.stores.offline.store import ParquetOfflineStore

    try:
        feature_view = store.get_feature_view(view)
    except FeatureViewNotFoundException:
        raise UsageError(
            f"vectors of view {view!r} were served, which the feature repository does not have; run `feast apply`"
        ) from None
    source = feature_view.batch_source
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
    import pyarrow as pa
    import pyarrow.compute as pc

    table = table.filter(pc.equal(table["session"], session)).sort_by(created)
    matrix = np.column_stack(
        [table[name].cast(pa.float64()).fill_null(np.nan).to_numpy() for name in names]
        or [np.empty(table.num_rows)]
    )
    times = table[stamp].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    return dict(zip(zip(table["vehicle"].to_pylist(), times, strict=True), matrix, strict=True))
