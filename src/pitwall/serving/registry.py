"""The models in memory, following the registry's aliases `champion` and `challenger`."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import ModelError
from pitwall.models import registry as models
from pitwall.models.registry import Loaded
from pitwall.settings import Settings

LOG = logging.getLogger("pitwall.serving")
REFUSED_S = 60.0
ROLES = {"champion": "champion", "challenger": "shadow"}
"""What a version of this alias is to the readers of predictions."""

Value = tuple[float, float, float]
"""Value, and the interval's ends."""


@dataclass(frozen=True)
class Model(Loaded):
    """A loaded version in its role. `background` holds a usual value an input, to explain against."""

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
        """How far each feature moves the value from what its usual value would give, in the model's unit; greatest first."""
        rows = np.repeat(row[None, :], len(self.inputs) + 1, axis=0)
        np.fill_diagonal(rows[1:], self.background)
        values = np.array([self._value(each) for each in rows])
        moved = dict(zip(self.inputs, (values[0] - values[1:]).tolist(), strict=True))
        return dict(sorted(moved.items(), key=lambda item: -abs(item[1])))


class Registry:
    """Loads the versions the aliases name and follows them: beside the old one, tried, then swapped in one assignment."""

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
        """Take up what is new in the registry; a version that cannot be used is refused, and the old one stays.

        It is looked at again after `REFUSED_S`: the store of the models may have been away.
        Raises `MlflowException` when the registry does not answer; all stays as it is then.
        """
        found = self._aliases()
        for name in self._names:
            aliases = found.get(name, {})
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
        found = list(page)
        while page.token:
            page = self._client.search_registered_models(max_results=1000, page_token=page.token)
            found += page
        return {
            model.name: {alias: int(version) for alias, version in model.aliases.items()}
            for model in found
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
        """A version, tried on the input example it was logged with."""
        loaded = models.load(self._client, self._client.get_model_version(name, str(number)))
        usual = [
            np.median(c[~np.isnan(c)]) if (~np.isnan(c)).any() else np.nan for c in loaded.example.T
        ]
        model = Model(**vars(loaded), role=role, background=np.array(usual))
        found = model.values(loaded.example)
        if len(found) != len(loaded.example) or not np.isfinite(found).all():
            raise ModelError(
                f"version {number} of {name} gives no finite value for its own input example"
            )
        return model

    def follow(self, every_s: float = 2.0) -> threading.Event:
        """Refresh in a thread until the returned event is set."""
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
