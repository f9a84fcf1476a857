"""Whether the feature repository is applied as it stands, so that `feast apply` can be left out.

`feast apply` takes nine seconds of CPU, most of them for importing Feast.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from pitwall.features import load
from pitwall.settings import Settings
from pitwall.stores.cassandra.connect import connect
from pitwall.stores.cassandra.options import configured, keyspace_of
from pitwall.stores.names import online_table
from pitwall.stores.repository import apply


def apply_where_new(settings: Settings) -> bool:
    """Run `feast apply` unless repository, registry and tables are as it last left them.

    Gives whether it ran. Raises `StoreError` where it fails.
    """
    mark = settings.data_dir / "applied"
    if mark.exists() and mark.read_text() == _state(settings) and _has_tables(settings):
        return False
    apply(settings)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(_state(settings) or "")
    return True


def _state(settings: Settings) -> str | None:
    """A digest of the repository's files, the registry's content and the settings they read.

    None where the registry is no file on this machine: then nothing is known of it.
    """
    configuration = yaml.safe_load((settings.feature_repo / "feature_store.yaml").read_text())
    location = configuration["registry"]
    path = location["path"] if isinstance(location, dict) else location
    registry = settings.feature_repo / str(path)
    if "://" in str(path) or not registry.is_file():
        return None
    digest = hashlib.sha256(registry.read_bytes())
    for file in _definitions(settings.feature_repo):
        digest.update(str(file.relative_to(settings.feature_repo)).encode() + file.read_bytes())
    options = configured(settings)
    digest.update(
        repr(
            (
                version("feast"),
                settings.offline_url or str(settings.offline_dir),
                keyspace_of(settings, options),
                options.hosts or [settings.host],
            )
        ).encode()
    )
    return digest.hexdigest()


def _definitions(repository: Path) -> list[Path]:
    return sorted(
        file
        for file in repository.rglob("*")
        if file.suffix in (".py", ".yaml", ".csv") and "__pycache__" not in file.parts
    )


def _has_tables(settings: Settings) -> bool:
    """Whether each feature view has its table in Cassandra, with a column for each feature."""
    session: Any = connect(settings, role="reader")
    try:
        keyspace = session.cluster.metadata.keyspaces.get(keyspace_of(settings))
        tables = {} if keyspace is None else keyspace.tables
        return all(
            (table := tables.get(online_table("pitwall", view.name))) is not None
            and set(view.names) <= set(table.columns)
            for view in load(settings.feature_repo)
        )
    finally:
        session.cluster.shutdown()
