"""Where a feature stands and who uses it: freshness in the online store, null share in the offline store, models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pitwall.features import FeatureSet
from pitwall.machine.processes import http_ok, port_open
from pitwall.settings import Settings


@dataclass
class Use:
    """None where the store that would tell is not up or holds nothing."""

    fresh_s: float | None = None
    """Seconds since the newest Kafka record that gave it a value, of any car."""
    null_share: float | None = None
    """0 to 1, of all rows recorded."""
    models: list[str] = field(default_factory=list)
    """Registered models whose champion, or else newest version, takes it as input."""


def lineage(settings: Settings, sets: Iterable[FeatureSet]) -> dict[str, dict[str, Use]]:
    """By view and feature. Asks only servers that are up."""
    found = {features.name: {name: Use() for name in features.names} for features in sets}
    for view, uses in found.items():
        _nulls(settings, view, uses)
    if port_open(settings.host, settings.cassandra_port):
        _freshness(settings, found)
    if http_ok(f"{settings.mlflow_url}/health"):
        for model, inputs in _inputs(settings).items():
            for uses in found.values():
                for name in inputs & uses.keys():
                    uses[name].models.append(model)
    return found


def _freshness(settings: Settings, found: dict[str, dict[str, Use]]) -> None:
    from cassandra import InvalidRequest

    from pitwall.stores.cassandra.connect import connect
    from pitwall.stores.cassandra.options import configured, keyspace_of
    from pitwall.stores.names import online_table

    options = configured(settings)
    session = connect(settings, options, role="reader")
    try:
        for view, uses in found.items():
            columns = ", ".join(f'"{name}"' for name in uses)
            table = f'{keyspace_of(settings, options)}."{online_table("pitwall", view)}"'
            newest: dict[str, datetime] = {}
            try:
                for created, *values in session.execute(
                    f"SELECT created_timestamp, {columns} FROM {table}"
                ):
                    for name, value in zip(uses, values, strict=True):
                        if value is not None and created is not None:
                            newest[name] = max(created, newest.get(name, created))
            except InvalidRequest:  # Not applied yet, or with fewer features.
                continue
            now = datetime.now(UTC).replace(tzinfo=None)
            for name, created in newest.items():
                uses[name].fresh_s = round((now - created).total_seconds(), 3)
    finally:
        session.cluster.shutdown()


def _nulls(settings: Settings, view: str, uses: dict[str, Use]) -> None:
    """From the files' statistics: no row is read."""
    from pitwall.stores.offline.database import database
    from pitwall.stores.offline.files import files, recorded

    where = recorded(settings, view)
    paths = files(where)
    if not paths:
        return
    for name, nulls, values in (
        database(where)
        .execute(
            "SELECT path_in_schema, sum(stats_null_count), sum(num_values) FROM parquet_metadata(?) GROUP BY 1",
            [paths],
        )
        .fetchall()
    ):
        if name in uses and values and nulls is not None:
            uses[name].null_share = int(nulls) / int(values)


def _inputs(settings: Settings) -> dict[str, set[str]]:
    import mlflow

    from pitwall.models import registry as models

    client = models.client(settings)
    inputs = {}
    for model in client.search_registered_models():
        newest = [
            version.version for version in client.search_model_versions(f"name='{model.name}'")
        ]
        version = model.aliases.get("champion") or max(newest, key=int, default=None)
        if version is not None:
            signature = mlflow.models.get_model_info(f"models:/{model.name}/{version}").signature
            inputs[model.name] = set(signature.inputs.input_names()) if signature else set()
    return inputs
