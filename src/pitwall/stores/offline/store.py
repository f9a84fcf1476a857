"""Feast's offline store on Parquet files, local, on S3 or on HDFS.

Every entity row is kept, in order. A feature row counts from its event time on, but not before it
was known, and no longer than the view's TTL. Of rows with equal entity and event time, the one with
the newest created time counts. Times are µs; times without a zone are UTC. Null stays null and NaN
stays NaN; features of an unknown entity, or of an entity with a null key, are null.

A row is known from its created time, or, for a source with the tag `known_at: session`, by the
session's own clock (`docs/adr/0004`). With `as_known_at: false` in `feature_store.yaml`, or with
the tag `known_at: event`, only event time counts. `filter_by_created_timestamp=True` makes one
query use created time, whatever the tag says.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from feast import FeatureView, FileSource, OnDemandFeatureView, RepoConfig
from feast.data_source import DataSource
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import FeastConfigBaseModel
from feast.utils import compute_non_entity_date_range

from pitwall.errors import StoreError
from pitwall.stores.offline.columns import MICROS, Columns, instant, times
from pitwall.stores.offline.entity_rows import all_rows_between, entity_table, in_utc, time_column
from pitwall.stores.offline.join import join
from pitwall.stores.offline.latest import latest
from pitwall.stores.offline.retrieval import ParquetRetrievalJob
from pitwall.stores.offline.scan import CHUNK_ROWS, Scan
from pitwall.stores.offline.views import arrow_type, as_view, place_of, source_of
from pitwall.stores.offline.writing import add_rows, in_types


class ParquetOfflineStoreConfig(FeastConfigBaseModel):
    """The section `offline_store` of `feature_store.yaml`. Each source names its own path."""

    type: Literal["pitwall.stores.offline.store.ParquetOfflineStore"] = (
        "pitwall.stores.offline.store.ParquetOfflineStore"
    )
    as_known_at: bool = True
    """Whether a feature row counts only from when it was known; else from its event time."""
    chunk_rows: int = CHUNK_ROWS
    """Keys and times of at most so many feature rows are held at once, about 100 bytes a row."""
    memory_limit: str = "2GB"
    """Memory of DuckDB, when entity rows are given as SQL, before it writes to disk; and the most
    bytes that such rows may take."""


class ParquetOfflineStore(OfflineStore):
    """The module's docstring says which feature rows count."""

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
        """Point-in-time join of the entity rows with the views.

        `entity_df` is a frame (pandas, Polars or Arrow), one SELECT that DuckDB runs (it reaches
        no file and no table), or None for all rows that the views have between the two dates. Its
        instants are in the column `event_timestamp` or in its only column of timestamps.
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
            entity = all_rows_between(views, start, end)
        else:
            entity = entity_table(entity_df, config.offline_store.memory_limit)
        time = time_column(entity)
        entity = in_utc(entity, time)

        def run() -> pa.Table:
            return join(entity, time, views, config.offline_store.chunk_rows)

        bounds = pc.min_max(entity[time]).as_py()
        keys = [column for column in entity.column_names if column != time]
        metadata = RetrievalMetadata(feature_refs, keys, bounds["min"], bounds["max"])
        return ParquetRetrievalJob(config, run, full_feature_names, on_demand, metadata)

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
        names = [*join_key_columns, *feature_name_columns, *columns.names[len(keys) :]]

        def run() -> pa.Table:
            scan = Scan(place_of(config, data_source))
            rows = latest(
                scan,
                columns,
                instant(start_date),
                instant(end_date),
                config.offline_store.chunk_rows,
            )
            scan.need(names)
            return scan.gather(rows, dict.fromkeys(names))

        return ParquetRetrievalJob(config, run)

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
        """All rows between the dates, both included, in the order of the files."""
        names = [*join_key_columns, *feature_name_columns, timestamp_field]
        names += [created_timestamp_column] if created_timestamp_column else []

        def run() -> pa.Table:
            scan = Scan(place_of(config, data_source))
            batches = scan.batches(names, timestamp_field, instant(start_date), instant(end_date))
            tables = [table for table, _ in batches]
            empty = pa.schema(
                [pa.field(name, scan.type_of(name) or pa.null()) for name in names]
            ).empty_table()
            return pa.concat_tables([*tables, empty])

        return ParquetRetrievalJob(config, run)

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,
        feature_view: FeatureView,
        table: pa.Table,
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Add rows to the view's source, as `add_rows` does, in the types that the view declares.

        Raises `StoreError`, and writes nothing, when the rows lack the source's column of event
        times, and when a value does not fit the type of its column.
        """
        source = source_of(feature_view.batch_source)
        in_files = {new: old for old, new in source.field_mapping.items()}
        table = table.rename_columns([in_files.get(name, name) for name in table.column_names])
        event, created = (
            in_files.get(name, name)
            for name in (source.timestamp_field, source.created_timestamp_column)
        )
        if event not in table.column_names:
            raise StoreError(
                f"rows for {feature_view.name!r} lack {source.timestamp_field!r}, "
                "the source's timestamp; add the column"
            )
        types = {
            in_files.get(field.name, field.name): arrow_type(field.dtype)
            for field in [*feature_view.entity_columns, *feature_view.features]
        }
        declared = {name: kind for name, kind in types.items() if kind is not None}
        table = in_types(table, declared, feature_view.name)
        for name in (event, created):
            if name and name in table.column_names:
                times(table[name], name)
        add_rows(place_of(config, source), table, event)
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
        """Add logged feature vectors as a new file at the destination of the service's logging."""
        destination = logging_config.destination
        if not isinstance(destination, FileLoggingDestination):
            raise StoreError(
                f"features cannot be logged to a {type(destination).__name__}; "
                "use a FileLoggingDestination"
            )
        table = data if isinstance(data, pa.Table) else pq.read_table(data)
        folder = place_of(config, destination.to_data_source())
        folder.write(f"logged-{uuid.uuid4().hex}.parquet", table)

    def get_table_column_names_and_types_from_data_source(
        self, config: RepoConfig, data_source: DataSource
    ) -> Iterable[tuple[str, str]]:
        """Names and types of the columns in the source's files.

        For a source without files they are those that the view on the source declares.
        """
        schema = Scan(place_of(config, data_source)).schema()
        return [(field.name, str(field.type)) for field in schema] or _declared(config, data_source)


def _declared(config: RepoConfig, source: DataSource) -> list[tuple[str, str]]:
    """Names and types that the first view on this source declares; empty where there is no view."""
    from feast import FeatureStore

    for view in FeatureStore(config=config).list_feature_views():
        if view.batch_source == source and isinstance(source, FileSource):
            times = [
                name for name in (source.timestamp_field, source.created_timestamp_column) if name
            ]
            fields = [
                (field.name, str(field.dtype)) for field in [*view.entity_columns, *view.features]
            ]
            return [*fields, *((name, str(MICROS)) for name in times)]
    return []
