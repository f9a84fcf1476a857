"""Our stores, as Feast's suite of universal tests takes them.

They stand under the names of Feast's local stores, because some tests ask for these by name. The
environment gives Cassandra's port and login: PITWALL_SUITE_PORT, PITWALL_SUITE_PASSWORD.
"""

import os
import sys

from tests.universal.feature_repos.universal.data_sources.file import FileDataSourceCreator

from pitwall.stores.offline.store import ParquetOfflineStoreConfig


class ParquetDataSourceCreator(FileDataSourceCreator):
    """Parquet files behind our offline store."""

    def create_offline_store_config(self) -> ParquetOfflineStoreConfig:
        """The section `offline_store` of the suite's repositories."""
        return ParquetOfflineStoreConfig(as_known_at=False)


ONLINE_STORE = {
    "type": "pitwall.stores.online.store.CassandraOnlineStore",
    "hosts": ["127.0.0.1"],
    "port": int(os.environ["PITWALL_SUITE_PORT"]),
    "username": "cassandra",
    "password": os.environ["PITWALL_SUITE_PASSWORD"],
    "keyspace": "feast_suite",
}
AVAILABLE_ONLINE_STORES = {"sqlite": (ONLINE_STORE, None)}
AVAILABLE_OFFLINE_STORES = [("local", ParquetDataSourceCreator)]

# The module that imports this one; its table of stores for tests that name one.
_importer = sys.modules["tests.universal.feature_repos.repo_configuration"]
_importer.OFFLINE_STORE_TO_PROVIDER_CONFIG["file"] = ("local", ParquetDataSourceCreator)
