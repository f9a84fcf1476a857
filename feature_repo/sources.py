"""Where recorded features lie: the Parquet files the Flink job writes."""

from feast import FileSource

from pitwall.settings import Settings

car_state_source = FileSource(
    name="car_state_parquet",
    path=str(Settings().offline_dir / "car_state"),
    timestamp_field="event_timestamp",
    created_timestamp_column="created_timestamp",
    description="One row a tick, as `flink_jobs/features.sql` writes it",
)
