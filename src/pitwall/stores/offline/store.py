"""Feast offline store on Parquet files, local or on S3.

Every entity row is kept, in order. A feature row counts from its event time on, and not before it was known; where the
view has a TTL, no longer than that. Of rows with equal entity and event time the newest created wins. Times count in µs;
those without a zone are UTC. Null stays null, NaN stays NaN; an unknown entity, and a null among its keys, gives null.

Known, by default, is what the source's `created_timestamp_column` says, and by the session's own clock for a source tagged
`known_at: session` (ADR 4). `as_known_at: false` in feature_store.yaml, or the tag `known_at: event`, lets event time
alone count; `filter_by_created_timestamp=True` of a single query asks for created time whatever the tag says.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from feast import FeatureView, FileSource, OnDemandFeatureView, RepoConfig
from feast.data_source import DataSource
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import FeastConfigBaseModel
from feast.saved_dataset import SavedDatasetStorage
from feast.utils import compute_non_entity_date_range

from pitwall.errors import StoreError
from pitwall.stores.offline.files import Place, files, place
from pitwall.stores.offline.join import CHUNK_ROWS, latest
from pitwall.stores.offline.join import join as join_views
from pitwall.stores.offline.scan import MICROS, Columns, Scan, cast, instant, times
from pitwall.stores.offline.views import as_view, source_of

__all__ = ["ParquetOfflineStore", "ParquetOfflineStoreConfig", "ParquetRetrievalJob", "files"]


class ParquetOfflineStoreConfig(FeastConfigBaseModel):
    """Where files lie is said by each source."""

    type: Literal["pitwall.stores.offline.store.ParquetOfflineStore"] = (
        "pitwall.stores.offline.store.ParquetOfflineStore"
    )
    as_known_at: bool = True
    """Whether a feature row counts only from when it was known on."""
    chunk_rows: int = CHUNK_ROWS
    """Of so many feature rows keys and times are held in memory at once, about 100 bytes each."""
    memory_limit: str = "2GB"
    """What DuckDB may hold in memory when entity rows are given as SQL, before it spills to disk."""


class ParquetRetrievalJob(RetrievalJob):
    """Runs the query when its result is asked for."""

    def __init__(
        self,
        run: Callable[[], pa.Table],
        full_feature_names: bool = False,
        on_demand_feature_views: list[OnDemandFeatureView] | None = None,
        metadata: RetrievalMetadata | None = None,
        base: Path | None = None,
    ) -> None:
        self._run = run
        self._full_feature_names = full_feature_names
        self._views = on_demand_feature_views or []
        self._metadata = metadata
        self._base = base

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
        for attempt in range(5):
            try:
                return self._run()
            except FileNotFoundError:
                # Compacted meanwhile: its rows are in another file now.
                time.sleep(0.05 * attempt)
        return self._run()

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._to_arrow_internal(timeout).to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """The result as a Polars frame."""
        return pl.DataFrame(pl.from_arrow(self.to_arrow()))

    def persist(
        self,
        storage: SavedDatasetStorage,
        allow_overwrite: bool = False,
        timeout: int | None = None,
    ) -> None:
        """Write the result as one Parquet file where `storage` says."""
        source = source_of(storage.to_data_source())
        target = place(source.path, source.s3_endpoint_override or "", self._base)
        if target.files() and not allow_overwrite:
            raise SavedDatasetLocationAlreadyExists(location=source.path)
        folder, _, name = target.path.rpartition("/")
        Place(target.system, folder).write(name, self.to_arrow())


class ParquetOfflineStore(OfflineStore):
    """See the module."""

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        **kwargs: Any,
    ) -> RetrievalJob:
        """Point-in-time join with the views.

        `entity_df`: a frame (pandas, Polars or Arrow), SQL that DuckDB runs, or None for every row that the views have
        between the two dates; a column `event_timestamp`, or the only column of instants, says when.
        """
        views = [
            as_view(config, view, feature_refs, full_feature_names, filter_by_created_timestamp)
            for view in feature_views
        ]
        on_demand = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        if entity_df is None:
            start, end = compute_non_entity_date_range(
                feature_views, start_date=start_date, end_date=end_date
            )
            entity = _every_row(views, start, end)
        else:
            entity = _entity_rows(config, entity_df)
        when = _time_column(entity)
        entity = _in_utc(entity, when)

        def run() -> pa.Table:
            return join_views(entity, when, views, config.offline_store.chunk_rows)

        bounds = pc.min_max(entity[when]).as_py()
        keys = [column for column in entity.column_names if column != when]
        metadata = RetrievalMetadata(feature_refs, keys, bounds["min"], bounds["max"])
        return ParquetRetrievalJob(run, full_feature_names, on_demand, metadata, _base(config))

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
        """The newest row of each entity between the dates, both included."""
        keys = {name: pa.null() for name in join_key_columns}
        columns = Columns(keys, timestamp_field, created_timestamp_column or None)

        def run() -> pa.Table:
            scan = _scan(config, data_source)
            rows = latest(
                scan,
                columns,
                instant(start_date),
                instant(end_date),
                config.offline_store.chunk_rows,
            )
            names = [*join_key_columns, *feature_name_columns, *columns.names[len(keys) :]]
            scan.need(names)
            return scan.gather(rows, dict.fromkeys(names))

        return ParquetRetrievalJob(run, base=_base(config))

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
        """All rows between the dates, both included, as they stand in the files."""
        names = [*join_key_columns, *feature_name_columns, timestamp_field]
        names += [created_timestamp_column] if created_timestamp_column else []

        def run() -> pa.Table:
            scan = _scan(config, data_source)
            parts = [
                part
                for part, _ in scan.batches(
                    names, timestamp_field, instant(start_date), instant(end_date)
                )
            ]
            none = pa.schema(
                [pa.field(name, scan.type_of(name) or pa.null()) for name in names]
            ).empty_table()
            return pa.concat_tables([*parts, none])

        return ParquetRetrievalJob(run, base=_base(config))

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,
        feature_view: FeatureView,
        table: pa.Table,
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Add rows: a new file for each day of event time in the source's folder, or to the source's one file."""
        source = source_of(feature_view.batch_source)
        target = place(source.path, source.s3_endpoint_override or "", _base(config))
        back = {new: old for old, new in source.field_mapping.items()}
        table = table.rename_columns([back.get(name, name) for name in table.column_names])
        if source.timestamp_field not in table.column_names:
            raise StoreError(
                f"rows for {feature_view.name!r} lack {source.timestamp_field!r}, the source's timestamp; add the column"
            )
        if target.is_file() or target.path.endswith(".parquet"):
            folder, _, name = target.path.rpartition("/")
            if target.is_file():
                old = pq.read_table(target.path, filesystem=target.system)
                table = pa.concat_tables([old, table], promote_options="permissive")
            Place(target.system, folder).write(name, table)
        else:
            days = pa.array(
                times(table[source.timestamp_field], source.timestamp_field) // 86_400_000_000
            )
            for day in pc.unique(days).to_pylist():
                date = datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
                target.write(
                    f"event_date={date}/written-{uuid.uuid4().hex}.parquet",
                    table.filter(pc.equal(days, day)),
                )
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
        """Add logged feature vectors as one more file at the destination of the service's logging."""
        destination = logging_config.destination
        if not isinstance(destination, FileLoggingDestination):
            raise StoreError(
                f"features are logged to files here, not to {type(destination).__name__}; use FileLoggingDestination"
            )
        table = data if isinstance(data, pa.Table) else pq.read_table(data)
        folder = place(destination.path, destination.s3_endpoint_override or "", _base(config))
        folder.write(f"logged-{uuid.uuid4().hex}.parquet", table)

    def get_table_column_names_and_types_from_data_source(
        self, config: RepoConfig, data_source: DataSource
    ) -> Iterable[tuple[str, str]]:
        """Columns of the source's files; of an empty source, those that the view on it declares."""
        schema = _scan(config, data_source).schema()
        return [(field.name, str(field.type)) for field in schema] or _declared(config, data_source)


def _base(config: RepoConfig) -> Path | None:
    return Path(config.repo_path) if config.repo_path else None


def _scan(config: RepoConfig, data_source: DataSource) -> Scan:
    source = source_of(data_source)
    return Scan(place(source.path, source.s3_endpoint_override or "", _base(config)))


def _declared(config: RepoConfig, source: DataSource) -> list[tuple[str, str]]:
    from feast import FeatureStore

    for view in FeatureStore(config=config).list_feature_views():
        if view.batch_source == source and isinstance(source, FileSource):
            stamps = [
                name for name in (source.timestamp_field, source.created_timestamp_column) if name
            ]
            fields = [
                (field.name, str(field.dtype)) for field in [*view.entity_columns, *view.features]
            ]
            return [*fields, *((name, str(MICROS)) for name in stamps)]
    return []


def _entity_rows(config: RepoConfig, given: Any) -> pa.Table:
    if isinstance(given, str):
        con = duckdb.connect()
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"SET memory_limit = '{config.offline_store.memory_limit}'")
        try:
            return con.sql(given).to_arrow_table()
        except duckdb.Error as error:
            raise StoreError(
                f"the entity rows' SQL cannot be run by DuckDB: {str(error).splitlines()[0]}"
            ) from error
    if isinstance(given, pd.DataFrame):
        return pa.Table.from_pandas(given, preserve_index=False)
    if isinstance(given, pa.Table):
        return given
    if isinstance(given, pl.DataFrame):
        return given.to_arrow()
    raise StoreError(
        f"entity rows are a {type(given).__name__}; give a pandas, Polars or Arrow table, or SQL"
    )


def _time_column(entity: pa.Table) -> str:
    instants = [field.name for field in entity.schema if pa.types.is_timestamp(field.type)]
    if "event_timestamp" in entity.column_names:
        return "event_timestamp"
    if len(instants) != 1:
        raise StoreError(
            f"the entity rows have {len(instants)} columns of instants ({instants}); call the one that counts event_timestamp"
        )
    return str(instants[0])


def _in_utc(entity: pa.Table, name: str) -> pa.Table:
    """Instants as µs in UTC, also where they are given as text."""
    column = entity[name]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:
            column = pa.array(pd.to_datetime(column.to_pandas(), utc=True, format="ISO8601"))
        except ValueError as error:
            raise StoreError(
                f"column {name!r} of the entity rows is no time: {str(error).splitlines()[0]}"
            ) from error
    micros = pa.array(times(column, name)).cast(MICROS)
    micros = pc.if_else(pc.is_valid(column), micros, pa.scalar(None, MICROS))
    return entity.set_column(entity.column_names.index(name), pa.field(name, MICROS), micros)


def _every_row(views: list[Any], start: datetime, end: datetime) -> pa.Table:
    """Keys and event times of all rows of the views between the dates, each once, by time."""
    given = {tuple(sorted(view.given.values())) for view in views}
    if len(given) != 1:
        raise StoreError(
            "without entity rows all views must have the same keys; give entity rows to join views of different ones"
        )
    parts = []
    for view in views:
        scan = Scan(view.place)
        for table, _ in scan.batches(
            [*view.columns.keys, view.columns.event],
            view.columns.event,
            instant(start),
            instant(end),
        ):
            when = pa.array(times(table[view.columns.event], view.columns.event)).cast(MICROS)
            columns = {
                name: cast(table[key], view.columns.keys[key], key)
                for key, name in view.given.items()
            }
            parts.append(
                pl.DataFrame(pl.from_arrow(pa.table({**columns, "event_timestamp": when}))).unique()
            )
    if not parts:
        kinds = {name: views[0].columns.keys[key] for key, name in views[0].given.items()}
        return pa.schema([*kinds.items(), ("event_timestamp", MICROS)]).empty_table()
    keys = [*views[0].given.values()]
    rows = (
        pl.concat([part.select(*keys, "event_timestamp") for part in parts])
        .unique()
        .sort("event_timestamp", *keys)
    )
    return rows.to_arrow()
