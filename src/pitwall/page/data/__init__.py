"""What the page shows, without any drawing. It reads Kafka, the stores, MLflow and Flink's metrics.

- `feed`: the consumer of the features and predictions topics. `session`: one session's rows.
- `laps`: laps, delta and forecast of a session. `moment`: a session as the live view draws it.
- `recorded`: laps and channels from the stores. `compare`: stored laps on one axis.
- `export`: the compared laps as CSV or Parquet. `registry`: the versions that MLflow holds.
- `alarms`: limits and drift. `watch`: live errors and drift. `status`: health and services.
- `text`: numbers and table cells as text.
"""
