"""The stores: features online in Cassandra and offline in Parquet files, and telemetry history.

Takes the settings and `feature_store.yaml`; gives rows, and the classes that Feast calls. May
import `machine`, `features` and the rooms below them, never Flink, Spark or the servers. Feast
takes seconds to import, so only its plugins do: `online.store` and `offline.store` with the modules
that they alone use.

- `names`: names of tables, and names and texts as CQL writes them.
- `s3`: keys, buckets and client of the S3 server.
- `cassandra`: options, sessions and requests; prepares the cluster.
- `online`, `offline`: Feast's two stores.
- `history`: reads all values of one channel; `history_sessions`: which sessions there are.
- `repository`: Feast's `FeatureStore` of `feature_repo/`, and `feast apply`.
- `environment`: environment variables of child processes.
"""
