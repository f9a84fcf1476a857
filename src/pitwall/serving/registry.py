"""The models in memory. They follow the registry's aliases `champion` and `challenger`."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import ModelError
from pitwall.models import registry as models
from pitwall.models.loading import Loaded, load
from pitwall.settings import Settings

LOG = logging.getLogger("pitwall.serving")
REFUSED_S = 60.0
"""A version that could not be used is tried again after this time, s."""
ROLES = {"champion": "champion", "challenger": "shadow"}
"""The role that predictions of a version with this alias carry."""

Value = tuple[float, float, float]
"""Value, and the interval's ends."""


@dataclass(frozen=True)
class Model(Loaded):
    """A loaded version in its role. `background` (inputs,) holds a usual value of each input."""

    role: str
    background: NDArray[np.float64]

    def values(self, rows: NDArray[np.float64]) -> list[Value]:
        """Value and interval for `rows` of shape (n, inputs); NaN stands for null."""
        found, widths = self.predict(rows), self.interval.of(rows)
        return list(
            zip(found.tolist(), (found - widths).tolist(), (found + widths).tolist(), strict=True)
        )

    def _value(self, row: NDArray[np.float64]) -> float:
        try:
            return float(self.predict(row[None, :])[0])
        except ValueError:  # an estimator that takes no null, where the usual value is one
            return float("nan")

    def explain(self, row: NDArray[np.float64]) -> dict[str, float]:
        """Contribution of each input in the model's unit, the greatest first.

        It is the value for `row` minus the value with this input's usual value in its place.
        """
        rows = np.repeat(row[None, :], len(self.inputs) + 1, axis=0)
        np.fill_diagonal(rows[1:], self.background)
        values = np.array([self._value(changed) for changed in rows])
        contributions = dict(zip(self.inputs, (values[0] - values[1:]).tolist(), strict=True))
        return dict(sorted(contributions.items(), key=lambda item: -abs(item[1])))


class Registry:
    """Loads the versions that the aliases name, and follows the aliases.

    A new version is loaded beside the old one, tried, and swapped in by one assignment.
    """

    def __init__(self, settings: Settings, names: tuple[str, ...]) -> None:
        self._client = models.client(settings)
        self._names = names
        self._loaded: dict[tuple[str, str], Model] = {}
        self._again: dict[tuple[str, str], float] = {}
        self.refused: dict[tuple[str, str], int] = {}
        """Versions that could not be used, by model and alias."""

    def get(self, name: str) -> Model:
        """The champion `name`. Raises `ModelError` when there is none."""
        model = self._loaded.get((name, "champion"))
        if model is None:
            raise ModelError(f"model {name!r} has no champion; train it: ./pitwall train {name}")
        return model

    def serving(self) -> list[Model]:
        """All loaded versions, champions first."""
        return sorted(self._loaded.values(), key=lambda model: model.role)

    def champions(self) -> dict[str, int]:
        """Version of each champion."""
        return {model.name: model.version for model in self.serving() if model.role == "champion"}

    def refresh(self) -> None:
        """Load what is new in the registry.

        A version that cannot be used is refused and the old one stays; it is tried again after
        `REFUSED_S`, for the store of the models may have been away. Raises `MlflowException` when
        the registry does not answer; the models then stay as they are.
        """
        by_model = self._aliases()
        for name in self._names:
            aliases = by_model.get(name, {})
            champion, challenger = aliases.get("champion"), aliases.get("challenger")
            if champion is None:
                continue
            if challenger is None or challenger == champion:
                challenger = None
                self._loaded = {
                    key: model for key, model in self._loaded.items() if key != (name, "challenger")
                }
            for alias, number in (("challenger", challenger), ("champion", champion)):
                if number is not None:
                    self._take((name, alias), number)

    def _aliases(self) -> dict[str, dict[str, int]]:
        """Version of each alias, by model."""
        page = self._client.search_registered_models(max_results=1000)
        models = list(page)
        while page.token:
            page = self._client.search_registered_models(max_results=1000, page_token=page.token)
            models += page
        return {
            model.name: {alias: int(version) for alias, version in model.aliases.items()}
            for model in models
        }

    def _take(self, key: tuple[str, str], number: int) -> None:
        if key in self._loaded and self._loaded[key].version == number:
            self.refused = {k: v for k, v in self.refused.items() if k != key}
            return
        if number == self.refused.get(key) and time.monotonic() < self._again[key]:
            return
        try:
            model = self._load(key[0], number, ROLES[key[1]])
        except Exception:
            LOG.exception(
                "version %s of %s is refused as %s; trying again in %.0f s", number, *key, REFUSED_S
            )
            self._again[key] = time.monotonic() + REFUSED_S
            self.refused = {**self.refused, key: number}
            return
        self._loaded = {**self._loaded, key: model}
        self.refused = {k: v for k, v in self.refused.items() if k != key}

    def _load(self, name: str, number: int, role: str) -> Model:
        """Load a version and try it on the input example that it was logged with."""
        loaded = load(self._client, self._client.get_model_version(name, str(number)))
        usual = [
            np.median(column[~np.isnan(column)]) if (~np.isnan(column)).any() else np.nan
            for column in loaded.example.T
        ]
        model = Model(**vars(loaded), role=role, background=np.array(usual))
        values = model.values(loaded.example)
        if len(values) != len(loaded.example) or not np.isfinite(values).all():
            raise ModelError(
                f"version {number} of {name} gives no finite value for its own input example"
            )
        return model

    def follow(self, every_s: float = 2.0) -> threading.Event:
        """Refresh every `every_s` seconds in a thread, until the returned event is set."""
        stop = threading.Event()

        def run() -> None:
            while not stop.is_set():
                try:
                    self.refresh()
                except Exception:
                    LOG.exception("the model registry does not answer")
                stop.wait(every_s)

        threading.Thread(target=run, daemon=True, name="registry").start()
        return stop
