"""The models in memory. They follow the registry's aliases `champion` and `challenger`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import ModelError
from pitwall.machine.lasting import Lasting
from pitwall.models import registry as models
from pitwall.models.loading import Loaded, load
from pitwall.settings import Settings

LOG = logging.getLogger("pitwall.serving")
REFUSED_S = 60.0
"""A version that could not be used is tried again after this time, s."""
SLOW_S = 0.003
"""A model that takes longer for one row is asked in a thread, s."""
ROLES = {"champion": "champion", "challenger": "shadow"}
"""The role that predictions of a version with this alias carry."""

Value = tuple[float, float, float]
"""Value, and the interval's ends."""


@dataclass(frozen=True)
class Model(Loaded):
    """A loaded version in its role. `background` (inputs,) holds a usual value of each input."""

    role: str
    background: NDArray[np.float64]
    slow: bool
    """Whether one row takes longer than `SLOW_S`, too long for an event loop."""

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
        try:
            values = self.predict(rows)
        except ValueError:
            values = np.array([self._value(changed) for changed in rows])
        contributions = dict(zip(self.inputs, (values[0] - values[1:]).tolist(), strict=True))
        return dict(sorted(contributions.items(), key=lambda item: -abs(item[1])))


def _is_slow(loaded: Loaded) -> bool:
    """Whether the quickest of three tries with one row takes longer than `SLOW_S`."""
    seconds = []
    for _ in range(3):
        began_s = time.perf_counter()
        loaded.predict(loaded.example[:1])
        seconds.append(time.perf_counter() - began_s)
    return min(seconds) > SLOW_S


class Registry:
    """Loads the versions that the aliases name, and follows the aliases.

    `names` gives the models to serve, and is asked at each look: a new task is served once it has a
    champion. A new version is loaded beside the old one, tried, and swapped in by one assignment.
    """

    def __init__(self, settings: Settings, names: Callable[[], Iterable[str]]) -> None:
        self._client = models.client(settings)
        self._names = names
        self._loaded: dict[tuple[str, str], Model] = {}
        self._again: dict[tuple[str, str], float] = {}
        self.refused: dict[tuple[str, str], int] = {}
        """Versions that could not be used, by model and alias."""
        self.withdrawn: dict[str, int] = {}
        """Champions that are no longer served because their alias is gone, by model."""

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
        """Load what is new in the registry, and withdraw what has no alias there any more.

        A version that cannot be used is refused and the old one stays; it is tried again after
        `REFUSED_S`, for the store of the models may have been away. Raises `MlflowException` when
        the registry does not answer; the models then stay as they are.
        """
        by_model = self._aliases()
        names = list(self._names())
        for name in names:
            aliases = by_model.get(name, {})
            champion, challenger = aliases.get("champion"), aliases.get("challenger")
            if champion is None:
                self._withdraw(name, "its alias `champion` is gone")
                continue
            self.withdrawn = {k: v for k, v in self.withdrawn.items() if k != name}
            if challenger is None or challenger == champion:
                challenger = None
                self._forget((name, "challenger"))
            for alias, number in (("challenger", challenger), ("champion", champion)):
                if number is not None:
                    self._take((name, alias), number)
        for name in {name for name, _ in self._loaded} - set(names):
            self._withdraw(name, "its task file is gone")

    def _withdraw(self, name: str, why: str) -> None:
        """Serve no version of this model any more."""
        champion = self._loaded.get((name, "champion"))
        for alias in ROLES:
            self._forget((name, alias))
        if champion is not None:
            self.withdrawn = {**self.withdrawn, name: champion.version}
            LOG.warning(
                "version %d of %s is withdrawn: %s; ./pitwall promote %s VERSION serves one again",
                champion.version,
                name,
                why,
                name,
            )

    def _forget(self, key: tuple[str, str]) -> None:
        self._loaded = {k: model for k, model in self._loaded.items() if k != key}
        self.refused = {k: number for k, number in self.refused.items() if k != key}

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
        model = Model(**vars(loaded), role=role, background=np.array(usual), slow=_is_slow(loaded))
        values = model.values(loaded.example)
        if len(values) != len(loaded.example) or not np.isfinite(values).all():
            raise ModelError(
                f"version {number} of {name} gives no finite value for its own input example"
            )
        return model

    def follow(self, every_s: float = 2.0) -> Lasting:
        """Refresh every `every_s` seconds in a thread, until the returned thread is closed."""
        thread = Lasting("the model registry", self.refresh, every_s)
        thread.start()
        return thread
