"""For each feature: how fresh it is online, how often it is null offline, which models use it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pitwall.features import FeatureSet
from pitwall.machine.ports import http_ok, port_open
from pitwall.settings import Settings


@dataclass
class Use:
    """The use of one feature; a value is None where its store is not up or holds nothing."""

    fresh_s: float | None = None
    """Age of the newest Kafka record of any car that gave the feature a value, s."""
    null_share: float | None = None
    """Share of nulls among all rows of the offline store, 0 to 1."""
    models: list[str] = field(default_factory=list)
    """Registered models whose champion, or else newest version, has the feature as an input."""


def lineage(settings: Settings, sets: Iterable[FeatureSet]) -> dict[str, dict[str, Use]]:
    """The use of each feature, by view and name. Asks only the servers that are up."""
    uses_by_view = {features.name: {name: Use() for name in features.names} for features in sets}
    for view, uses in uses_by_view.items():
        _nulls(settings, view, uses)
    if port_open(settings.host, settings.cassandra_port):
        _freshness(settings, uses_by_view)
    if http_ok(f"{settings.mlflow_url}/health"):
        for model, inputs in inputs_of_models(settings).items():
            for uses in uses_by_view.values():
                for name in inputs & uses.keys():
                    uses[name].models.append(model)
    return uses_by_view


def _freshness(settings: Settings, uses_by_view: dict[str, dict[str, Use]]) -> None:
    """Set `fresh_s` from the online store's rows."""
    from cassandra import InvalidRequest

    from pitwall.stores.cassandra.connect import connect
    from pitwall.stores.cassandra.options import configured, keyspace_of
    from pitwall.stores.names import cql_name, cql_names, online_table

    options = configured(settings)
    session = connect(settings, options, role="reader")
    try:
        for view, uses in uses_by_view.items():
            columns = cql_names(uses)
            table = f"{keyspace_of(settings, options)}.{cql_name(online_table('pitwall', view))}"
            newest: dict[str, datetime] = {}
            try:
                for created, *values in session.execute(
                    f"SELECT created_timestamp, {columns} FROM {table}"
                ):
                    for name, value in zip(uses, values, strict=True):
                        if value is not None and created is not None:
                            newest[name] = max(created, newest.get(name, created))
            except InvalidRequest:
                # The view is not applied yet, or was applied with fewer features.
                continue
            now = datetime.now(UTC).replace(tzinfo=None)
            for name, created in newest.items():
                uses[name].fresh_s = round((now - created).total_seconds(), 3)
    finally:
        session.cluster.shutdown()


def _nulls(settings: Settings, view: str, uses: dict[str, Use]) -> None:
    """Set `null_share` from the Parquet statistics of the view's files. Reads no row."""
    from pitwall.stores.offline.database import database
    from pitwall.stores.offline.files import files, recorded

    folder = recorded(settings, view)
    paths = files(folder)
    if not paths:
        return
    for name, nulls, values in (
        database(folder)
        .execute(
            "SELECT path_in_schema, sum(stats_null_count), sum(num_values) "
            "FROM parquet_metadata(?) GROUP BY 1",
            [paths],
        )
        .fetchall()
    ):
        if name in uses and values and nulls is not None:
            uses[name].null_share = int(nulls) / int(values)


def inputs_of_models(settings: Settings) -> dict[str, set[str]]:
    """The inputs of each registered model: of its champion, or else of its newest version."""
    from pitwall.models import registry

    client = registry.client(settings)
    inputs = {}
    for model in client.search_registered_models():
        versions = client.search_model_versions(f"name='{model.name}'")
        newest = max((version.version for version in versions), key=int, default=None)
        version = model.aliases.get("champion") or newest
        if version is not None:
            inputs[model.name] = set(inputs_of_version(model.name, version))
    return inputs


def inputs_of_version(name: str, version: str) -> list[str]:
    """The inputs of a version by its signature, in their order; empty where it has none."""
    import mlflow

    signature = mlflow.models.get_model_info(f"models:/{name}/{version}").signature
    return list(signature.inputs.input_names()) if signature else []
