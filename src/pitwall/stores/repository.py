"""Feast's `FeatureStore` of this project's feature repository, and `feast apply` on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pitwall.errors import StoreError
from pitwall.settings import Settings

if TYPE_CHECKING:
    from feast import FeatureStore


def feature_store(settings: Settings) -> FeatureStore:
    """The store that `feature_repo/` defines. The first call imports Feast, which takes seconds."""
    from feast import FeatureStore

    return FeatureStore(repo_path=str(settings.feature_repo))


def applied_store(settings: Settings) -> FeatureStore:
    """As `feature_store`. Raises `StoreError` where the repository was not applied yet."""
    store = feature_store(settings)
    try:
        store.list_feature_views()
    except OSError as error:
        raise StoreError(
            f"the registry of {settings.feature_repo} cannot be read ({error}); "
            "apply the repository first: ./pitwall up"
        ) from error
    return store


def apply(settings: Settings) -> str:
    """Run `feast apply` in the feature repository and return its output.

    Raises `StoreError` with the last line of the output when the command fails.
    """
    (settings.feature_repo.parent / ".pitwall" / "data").mkdir(parents=True, exist_ok=True)
    feast = Path(sys.executable).parent / "feast"
    environment = {
        **os.environ,
        "PITWALL_REPOSITORY": str(settings.repository),
        "PITWALL_HOME": str(settings.home_dir),
    }
    result = subprocess.run(
        [str(feast), "apply"],
        cwd=settings.feature_repo,
        env=environment,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        lines = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
        raise StoreError(
            f"feast apply failed: {lines[-1] if lines else 'no output'}; "
            f"run it in {settings.feature_repo}"
        )
    return result.stdout
