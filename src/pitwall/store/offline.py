"""Feast offline store on Parquet: point-in-time joins by DuckDB's ASOF join.

Every entity row is kept, in order. A feature row counts from its event time on and, where the view has a TTL, no
longer than that. Of rows with equal entity and event time the newest created wins, so replays change nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from feast import FeatureView, FileSource, OnDemandFeatureView, RepoConfig
from feast.data_source import DataSource
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob, RetrievalMetadata
from feast.infra.offline_stores.offline_utils import infer_event_timestamp_from_entity_df
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import FeastConfigBaseModel
from feast.saved_dataset import SavedDatasetStorage

from pitwall.errors import StoreError


class ParquetOfflineStoreConfig(FeastConfigBaseModel):
    """No options: each source names its own folder."""

    type: Literal["pitwall.store.offline.ParquetOfflineStore"] = "pitwall.store.offline.ParquetOfflineStore"
    memory_limit: str = "2GB"
    """What DuckDB may hold in memory before it spills to disk."""


class ParquetRetrievalJob(RetrievalJob):
    """Runs the query when its result is asked for."""

    def __init__(
        self,
        run: Callable[[], pa.Table],
        full_feature_names: bool,
        on_demand_feature_views: list[OnDemandFeatureView] | None = None,
        metadata: RetrievalMetadata | None = None,
    ) -> None:
        self._run = run
        self._full_feature_names = full_feature_names
        self._views = on_demand_feature_views or []
        self._metadata = metadata

    @property
    def full_feature_names(self) -> bool:
        """Whether columns are named `view__feature`."""
        return self._full_feature_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """Computed on the result by Feast."""
        return self._views

    @property
    def metadata(self) -> RetrievalMetadata | None:
        """Which features, keys and time range were asked for."""
        return self._metadata

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        return self._run()

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._run().to_pandas()

    def persist(self, storage: SavedDatasetStorage, allow_overwrite: bool = False, timeout: int | None = None) -> None:
        """Write the result as one Parquet file where `storage` says."""
        path = Path(storage.to_data_source().path)
        if path.exists() and not allow_overwrite:
            raise StoreError(f"saved dataset {path} exists; allow_overwrite=True replaces it")
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(self.to_arrow(), path)


class ParquetOfflineStore(OfflineStore):
    """See the module."""

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        **kwargs: Any,
    ) -> RetrievalJob:
        """Point-in-time join of `entity_df` (a frame, or SQL that DuckDB runs) with the views."""
        frame = duckdb.sql(entity_df).df() if isinstance(entity_df, str) else entity_df
        time = infer_event_timestamp_from_entity_df(dict(zip(frame.columns, frame.dtypes, strict=True)))

        def run() -> pa.Table:
            return _join(config, feature_views, feature_refs, frame, time, full_feature_names)

        on_demand = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        times = pd.to_datetime(frame[time], utc=True)
        keys = [column for column in frame.columns if column != time]
        metadata = RetrievalMetadata(feature_refs, keys, times.min(), times.max())
        return ParquetRetrievalJob(run, full_feature_names, on_demand, metadata)

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> RetrievalJob:
        """The newest row of each entity between the dates."""
        order = ", ".join(f'"{c}" DESC' for c in (timestamp_field, created_timestamp_column) if c)
        return _pull(
            config, data_source, join_key_columns, feature_name_columns, timestamp_field, created_timestamp_column,
            start_date, end_date,
            f"QUALIFY row_number() OVER (PARTITION BY {_columns(join_key_columns)} ORDER BY {order}) = 1",
        )  # fmt: skip

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """All rows between the dates."""
        return _pull(
            config, data_source, join_key_columns, feature_name_columns, timestamp_field, created_timestamp_column,
            start_date, end_date, "",
        )  # fmt: skip

    @staticmethod
    def offline_write_batch(
        config: RepoConfig, feature_view: FeatureView, table: pa.Table, progress: Callable[[int], Any] | None
    ) -> None:
        """Add rows as one new file."""
        import uuid

        folder = Path(_source(feature_view.batch_source).path)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"written-{uuid.uuid4().hex}.parquet"
        pq.write_table(table, folder / f".{name}")
        (folder / f".{name}").rename(folder / name)
        if progress:
            progress(table.num_rows)

    @staticmethod
    def write_logged_features(
        config: RepoConfig,
        data: pa.Table | Path,
        source: LoggingSource,
        logging_config: LoggingConfig,
        registry: BaseRegistry,
    ) -> None:
        """Not offered: served features are on the predictions topic."""
        raise StoreError("feature logging through Feast is not offered; served features are on p424-predictions")


def files(folder: Path) -> list[str]:
    """Finished Parquet files below `folder`, in a fixed order; files still being written are hidden ones."""
    if folder.is_file():
        return [str(folder)]
    return sorted(str(p) for p in folder.rglob("*") if p.is_file() and not p.name.startswith((".", "_")))


def connection(config: RepoConfig) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection on UTC with the store's memory limit."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"SET memory_limit = '{config.offline_store.memory_limit}'")
    return con


def _source(source: DataSource | None) -> FileSource:
    if not isinstance(source, FileSource):
        raise StoreError(f"source {source!r} is no FileSource; the Parquet store reads folders of Parquet files")
    return source


def _columns(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _scan(con: duckdb.DuckDBPyConnection, folder: str, columns: dict[str, str]) -> str:
    """A SELECT over all files of a folder; a column no file has is null."""
    paths = files(Path(folder.removeprefix("file://")))
    if not paths:
        return "SELECT " + ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in columns.items()) + " WHERE false"
    listed = "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in paths) + "]"
    scan = f"read_parquet({listed}, union_by_name = true, hive_partitioning = false)"
    present = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()}
    selected = [
        f'"{name}"::{kind} AS "{name}"' if name in present else f'NULL::{kind} AS "{name}"'
        for name, kind in columns.items()
    ]
    return f"SELECT {', '.join(selected)} FROM {scan}"


def _duck_type(dtype: Any) -> str:
    from feast.types import Array, Bool, Bytes, Float32, Float64, Int32, Int64, String, UnixTimestamp

    if isinstance(dtype, Array):
        return _duck_type(dtype.base_type) + "[]"
    known = {
        String: "VARCHAR", Bytes: "BLOB", Bool: "BOOLEAN", Int32: "INTEGER", Int64: "BIGINT",
        Float32: "FLOAT", Float64: "DOUBLE", UnixTimestamp: "TIMESTAMPTZ",
    }  # fmt: skip
    if dtype not in known:
        raise StoreError(f"feature type {dtype} is not supported by the Parquet store; use a scalar or a list of one")
    return known[dtype]


def _join(
    config: RepoConfig,
    views: list[FeatureView],
    refs: list[str],
    frame: pd.DataFrame,
    time: str,
    full_names: bool,
) -> pa.Table:
    con = connection(config)
    entity = frame.reset_index(drop=True).copy()
    entity[time] = pd.to_datetime(entity[time], utc=True).astype("datetime64[us, UTC]")
    entity["__row"] = np.arange(len(entity))
    con.register("entity_rows", pa.Table.from_pandas(entity, preserve_index=False))
    result = "SELECT * FROM entity_rows"
    for number, view in enumerate(views):
        source = _source(view.batch_source)
        wanted = [ref.split(":", 1)[1] for ref in refs if ref.split(":", 1)[0] == view.projection.name_to_use()]
        types = {field.name: _duck_type(field.dtype) for field in view.features}
        keys = {key: view.projection.join_key_map.get(key, key) for key in view.join_keys}
        missing = [name for name in keys.values() if name not in frame.columns]
        if missing:
            raise StoreError(f"the entity rows lack the column {missing[0]!r}, which view {view.name!r} is joined by")
        stamp, created = source.timestamp_field, source.created_timestamp_column
        kinds = {column.name: _duck_type(column.dtype) for column in view.entity_columns}
        columns = {**{key: kinds[key] for key in keys}, stamp: "TIMESTAMPTZ"}
        if created:
            columns[created] = "TIMESTAMPTZ"
        columns.update({name: types[name] for name in wanted})
        low, high = (con.execute(f'SELECT min("{time}"), max("{time}") FROM entity_rows').fetchone() or (None, None))
        window = f"\"{stamp}\" <= '{high}'"
        if view.ttl:
            window += f" AND \"{stamp}\" >= '{low}'::TIMESTAMPTZ - INTERVAL {int(view.ttl.total_seconds() * 1e6)} MICROSECONDS"
        match = " AND ".join(f'f."{key}" = e."{given}"' for key, given in keys.items())
        newest = ", ".join(f'"{c}" DESC' for c in (created,) if c) or f'"{stamp}"'
        rows = (
            f"SELECT * FROM ({_scan(con, source.path, columns)}) f WHERE {window} "
            f"AND EXISTS (SELECT 1 FROM entity_rows e WHERE {match}) "
            f"QUALIFY row_number() OVER (PARTITION BY {_columns([*keys, stamp])} ORDER BY {newest}) = 1"
        )
        fresh = "true"
        if view.ttl:
            fresh = f'f."{stamp}" >= e."{time}" - INTERVAL {int(view.ttl.total_seconds() * 1e6)} MICROSECONDS'
        prefix = f"{view.projection.name_to_use()}__" if full_names else ""
        picked = "".join(f', CASE WHEN {fresh} THEN f."{name}" END AS "{prefix}{name}"' for name in wanted)
        con.execute(f"CREATE TEMP TABLE rows_{number} AS {rows}")
        con.execute(
            f"CREATE TEMP TABLE joined_{number} AS SELECT e.*{picked} FROM ({result}) e ASOF LEFT JOIN rows_{number} f "
            f'ON {match} AND e."{time}" >= f."{stamp}"'
        )
        result = f"SELECT * FROM joined_{number}"
    table: pa.Table = con.sql(f"SELECT * EXCLUDE (__row) FROM ({result}) ORDER BY __row").to_arrow_table()
    return table


def _pull(
    config: RepoConfig,
    data_source: DataSource,
    keys: list[str],
    features: list[str],
    stamp: str,
    created: str | None,
    start: datetime | None,
    end: datetime | None,
    tail: str,
) -> RetrievalJob:
    source = _source(data_source)

    def run() -> pa.Table:
        con = connection(config)
        paths = files(Path(source.path.removeprefix("file://")))
        if not paths:
            raise StoreError(f"no Parquet file in {source.path} yet")
        columns = [*keys, *features, stamp, *([created] if created else [])]
        limits = []
        for operator, value in ((">=", start), ("<=", end)):
            if value is not None:
                aware = value if value.tzinfo else value.replace(tzinfo=UTC)
                limits.append(f"\"{stamp}\" {operator} '{aware.isoformat()}'::TIMESTAMPTZ")
        listed = "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in paths) + "]"
        where = f"WHERE {' AND '.join(limits)}" if limits else ""
        table: pa.Table = con.sql(
            f"SELECT {_columns(columns)} FROM read_parquet({listed}, union_by_name = true, hive_partitioning = false) "
            f"{where} {tail}"
        ).to_arrow_table()
        return table

    return ParquetRetrievalJob(run, full_feature_names=False)
