"""What the page shows, without any drawing. It reads Kafka, the stores, MLflow and Flink's metrics.

- `feed`: the consumer of the features and predictions topics. `intake`: what it makes of each
  message. `session`: one live session, with its `rows` at full rate and its `trail` at 10 Hz.
- `laps`: the laps of a trail. `reference`: a lap to compare with, delta and pace ratio.
  `forecast`: predicted lap times and the truth. `moment`: a session as the live view draws it.
- `recorded`: both stores as the page reads them, by `offline` (rows) and `stored_laps`.
- `compare`: stored laps on one axis. `corners`: the time lost in each corner.
  `export`: the compared laps as CSV or Parquet, and by `export_files` for other tools.
- `alarms`: limits and drift. `watch`: live errors and drift. `health`: the health of the data.
- `registry`: the versions that MLflow holds. `scores`: their live errors.
- `services`: the state of every service. `text`: numbers and table cells as text.
"""
