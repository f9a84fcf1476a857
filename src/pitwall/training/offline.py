"""A task's training set straight from Parquet files and the definitions, without any server.

The point-in-time join is the one that Feast's offline store runs. Only what Feast would take from
its registry comes from the feature repository itself: the feature services, as they are now.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from pitwall.errors import ModelError, UsageError
from pitwall.settings import Settings
from pitwall.stores.offline.columns import SESSION_COLUMNS
from pitwall.stores.offline.files import recorded
from pitwall.stores.offline.join import Feature, View, join
from pitwall.training.dataset import Dataset, columns, dataset, labelled
from pitwall.training.tasks import Task

TIME = "event_timestamp"


def services(settings: Settings) -> Mapping[str, Any]:
    """The feature services that `feature_repo/services.py` defines, by name.

    The file is imported as Feast imports it: by its own name, beside its siblings. Raises
    `UsageError` where it cannot be run.
    """
    from feast import FeatureService

    folder = str(settings.feature_repo)
    names = {path.stem for path in settings.feature_repo.glob("*.py")}
    # Another repository, or a library, may have modules of these names.
    others = {name: sys.modules.pop(name) for name in names & set(sys.modules)}
    sys.path.insert(0, folder)
    try:
        module = importlib.import_module("services")
    except Exception as error:
        raise UsageError(
            f"{folder}/services.py cannot be run: {type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path.remove(folder)
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(others)
    found = [value for value in vars(module).values() if isinstance(value, FeatureService)]
    return {service.name: service for service in found}


def build(settings: Settings, task: Task, rows: pd.DataFrame, checked: bool = True) -> Dataset:
    """As `pitwall.training.dataset.build`, to the bit, from the files at `settings.offline`.

    A set that is judged and not learned from goes without the checks: `checked` is False. Raises
    `ModelError` where the task's feature service is not defined, and as that does.
    """
    known = services(settings)
    if task.service not in known:
        raise ModelError(
            f"task {task.name}: {settings.feature_repo}/services.py defines no feature service "
            f"{task.service!r}; there are: {', '.join(known) or 'none'}"
        )
    refs, inputs = columns(task, known[task.service])
    of_views: dict[str, list[str]] = {}
    for ref in refs:
        view, name = ref.split(":", 1)
        of_views.setdefault(view, []).append(name)
    views = [_view(settings, view, names) for view, names in of_views.items()]
    joined = join(pa.Table.from_pandas(rows, preserve_index=False), TIME, views).to_pandas()
    if not checked:
        return labelled(task, joined, inputs, rows)
    return dataset(settings, task, joined, inputs, rows)


def _view(settings: Settings, name: str, names: list[str]) -> View:
    return View(
        name=name,
        place=recorded(settings, name),
        columns=SESSION_COLUMNS,
        given={key: key for key in SESSION_COLUMNS.keys},
        features=tuple(Feature(each, each, pa.float64()) for each in dict.fromkeys(names)),
        ttl_us=None,
        known="session",
    )
