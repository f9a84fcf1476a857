"""Feast's retrieval job: a query that runs when its result is asked for."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import pandas as pd
import polars as pl
import pyarrow as pa
from feast import OnDemandFeatureView, RepoConfig
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.saved_dataset import SavedDatasetStorage

from pitwall.stores.offline.files import Place
from pitwall.stores.offline.views import place_of, source_of


class ParquetRetrievalJob(RetrievalJob):
    """Runs `run` at each request for the result.

    The repository of `config` is the base of relative paths in `persist`.
    """

    def __init__(
        self,
        config: RepoConfig,
        run: Callable[[], pa.Table],
        full_feature_names: bool = False,
        on_demand_feature_views: list[OnDemandFeatureView] | None = None,
        metadata: RetrievalMetadata | None = None,
    ) -> None:
        self._config = config
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
        """The views that Feast computes from the result."""
        return self._views

    @property
    def metadata(self) -> RetrievalMetadata | None:
        """The features, keys and time range of the query."""
        return self._metadata

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        for attempt in range(5):
            try:
                return self._run()
            except FileNotFoundError:
                # A file was compacted after the scan began; its rows are now in another file.
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
        """Write the result as one Parquet file at the path of `storage`, or in the folder there.

        Raises Feast's `SavedDatasetLocationAlreadyExists` when there are files at that path and
        `allow_overwrite` is false.
        """
        source = source_of(storage.to_data_source())
        target = place_of(self._config, source)
        before = target.files()
        if before and not allow_overwrite:
            raise SavedDatasetLocationAlreadyExists(location=source.path)
        if target.is_folder():
            written = target.write(f"saved-{uuid.uuid4().hex}.parquet", self.to_arrow())
            for file in before:
                if file.path != written.path:
                    target.system.delete_file(file.path)
            return
        folder, _, name = target.path.rpartition("/")
        Place(target.system, folder).write(name, self.to_arrow())
