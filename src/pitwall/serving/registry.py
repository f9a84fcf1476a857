"""The champions in memory, following the registry's alias."""

from __future__ import annotations

import logging
import threading

import numpy as np

from pitwall import models
from pitwall.errors import ModelError
from pitwall.models import Loaded
from pitwall.settings import Settings

LOG = logging.getLogger("pitwall.serving")


class Champions:
    """Loads `champion` of each model and follows it: beside the old one, then swapped in one assignment."""

    def __init__(self, settings: Settings, names: tuple[str, ...]) -> None:
        self._client = models.client(settings)
        self._names = names
        self._refused: dict[str, int] = {}
        self.loaded: dict[str, Loaded] = {}

    def get(self, name: str) -> Loaded:
        """The champion `name`. Raises `ModelError` when there is none."""
        champion = self.loaded.get(name)
        if champion is None:
            raise ModelError(f"model {name!r} has no champion; train it: ./pitwall train {name}")
        return champion

    def refresh(self) -> None:
        """Load champions that are new in the registry; one that cannot be loaded is refused and logged once."""
        for name in self._names:
            version = models.by_alias(self._client, name, "champion")
            if version is None:
                continue
            number = int(version.version)
            if number == self._refused.get(name) or (name in self.loaded and self.loaded[name].version == number):
                continue
            try:
                champion = models.load(self._client, version)
                champion.predict(np.full((1, len(champion.inputs)), 1.0))
            except Exception:
                LOG.exception("version %s of %s is refused", number, name)
                self._refused[name] = number
                continue
            self.loaded = {**self.loaded, name: champion}

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

        threading.Thread(target=run, daemon=True, name="champions").start()
        return stop
