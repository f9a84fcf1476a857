"""Parquet files as a store: finding them (`files`), reading them (`scan`), which row counts when (`timeline`), compacting."""
