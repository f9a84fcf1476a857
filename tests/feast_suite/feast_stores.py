"""Feast's own local stores: what its suite says of them is what ours are held to."""

from tests.universal.feature_repos.universal.data_sources.file import FileDataSourceCreator

AVAILABLE_ONLINE_STORES = {"sqlite": ({"type": "sqlite"}, None)}
AVAILABLE_OFFLINE_STORES = [("local", FileDataSourceCreator)]
