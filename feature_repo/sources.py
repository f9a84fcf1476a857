"""Where recorded features are stored: the Parquet files that the Flink job writes."""

from feast import FileSource

from pitwall.features import FeatureSet
from pitwall.settings import Settings
from pitwall.stores.offline.files import s3_endpoint


def source(features: FeatureSet) -> FileSource:
    """The Parquet files of one view."""
    settings = Settings()
    return FileSource(
        name=f"{features.name}_parquet",
        path=settings.offline(features.name),
        s3_endpoint_override=s3_endpoint(settings) or None,
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
        tags={"known_at": "session"},
        description="One row a tick, as `flink_jobs/features.sql` writes it",
    )
