"""The tasks: one file each in `training/tasks/`; a new model is a new file there, nothing else.

description: Time for the next kilometre
service: next_km                 # feature service of feature_repo/services.py
label: {ahead_m: 1000}           # or {lap: final}, or {feature: speed}
unit: s
every_s: 1.0                     # spacing of training rows on the session's clock
groups: lap                      # what is held out together: lap, session or vehicle
metric: mae                      # mae or rmse, in the unit
interval_by: lap_distance        # an input the interval's width depends on; left out: one width
inputs: [lap_*]                  # which of the service's features; left out: all but the label
baselines: [{type: …, …}]        # the candidate must beat each of them
estimator: {type: …, …}          # class and its parameters
tune: {shrink_laps: [5, 20]}     # parameters that each training chooses by its own laps
search: {max_iter: {low: 50, high: 400, log: true}}   # ranges that `train --tune N` draws from
"""

from __future__ import annotations

import importlib
import logging
from fnmatch import fnmatchcase
from math import prod
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pitwall.errors import UsageError
from pitwall.settings import Settings

LOG = logging.getLogger("pitwall.training")
FOLDER = "training/tasks"
MOST_CHOICES = 64
"""Combinations of values that a training chooses from."""
ALLOWED = ("pitwall.training.estimators.", "sklearn.")
"""Packages that an estimator's class may come from."""


class Model(BaseModel):
    """An estimator's class by its full name, and its parameters."""

    model_config = ConfigDict(extra="allow", frozen=True)
    type: str

    @property
    def name(self) -> str:
        """The class's own name."""
        return self.type.rsplit(".", 1)[-1]

    def make(self, **chosen: Any) -> Any:
        """A new estimator; parameters that are `chosen` count before those of the file.

        Raises `UsageError` for an unknown class or for parameters that it does not take.
        """
        module, _, name = self.type.rpartition(".")
        if not self.type.startswith(ALLOWED):
            raise UsageError(
                f"estimator type {self.type!r} is not one of "
                f"{', '.join(package + '*' for package in ALLOWED)}"
            )
        try:
            return getattr(importlib.import_module(module), name)(
                **{**(self.model_extra or {}), **chosen}
            )
        except (ImportError, AttributeError, TypeError) as error:
            raise UsageError(f"estimator {self.type!r} with {self.model_extra}: {error}") from None


class Label(BaseModel):
    """How the truth is obtained for the instant of a row. Exactly one field is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    feature: str | None = None
    """The value of this feature at the instant; no feature of its channel may be an input."""
    lap: Literal["final"] | None = None
    """The time of the whole lap that the instant lies in, s."""
    ahead_m: float | None = Field(default=None, gt=0)
    """The time until the car is this many metres further in the lap, s."""

    @model_validator(mode="after")
    def _one(self) -> Label:
        if sum(value is not None for value in (self.feature, self.lap, self.ahead_m)) != 1:
            raise ValueError("give one of feature, lap, ahead_m")
        return self

    @property
    def truth(self) -> tuple[str, float | str | None]:
        """Kind (`feature`, `lap`, `ahead`) and its value, for `pitwall.monitoring.truths`."""
        if self.feature:
            return "feature", self.feature
        return ("lap", None) if self.lap else ("ahead", self.ahead_m)


class Range(BaseModel):
    """Numbers from `low` to `high`, both included: whole ones where both are whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    low: int | float
    high: int | float
    log: bool = False
    """Whether the logarithm is drawn evenly, so that 1 to 10 counts as much as 10 to 100."""

    @model_validator(mode="after")
    def _rises(self) -> Range:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError("low must be below high, and above 0 where log is true")
        return self


class Task(BaseModel):
    """One task; the fields are explained at the head of this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    description: str
    service: str
    label: Label
    unit: str
    every_s: float = Field(gt=0, le=60)
    groups: Literal["lap", "session", "vehicle"] = "lap"
    metric: Literal["mae", "rmse"] = "mae"
    interval_by: str | None = None
    inputs: tuple[str, ...] = ("*",)
    baselines: tuple[Model, ...] = Field(min_length=1)
    estimator: Model
    tune: dict[str, tuple[bool | int | float | str | None, ...]] = {}
    """Parameters of the estimator that each training chooses by its own laps, and their values."""
    search: dict[str, Range] = {}
    """Ranges of the estimator's parameters that a search draws its candidates from."""
    candidates: tuple[dict[str, bool | int | float | str | None], ...] = ()
    """Parameters that a search has drawn, which a training then chooses from."""

    @model_validator(mode="after")
    def _few(self) -> Task:
        if both := self.tune.keys() & self.search.keys():
            raise ValueError(f"{min(both)} is in tune and in search; a search would not vary it")
        if not 1 <= prod(len(values) for values in self.tune.values()) <= MOST_CHOICES:
            raise ValueError(f"tune gives no choice, or more than {MOST_CHOICES}")
        return self

    def chosen(self, names: list[str]) -> list[str]:
        """Those of the service's features that are inputs, in their order."""
        kept = [
            n
            for n in names
            if n != self.label.feature and any(fnmatchcase(n, p) for p in self.inputs)
        ]
        if not kept:
            raise UsageError(
                f"task {self.name}: inputs {list(self.inputs)} choose none of the features "
                f"of service {self.service!r}"
            )
        if self.interval_by and self.interval_by not in kept:
            raise UsageError(
                f"task {self.name}: interval_by is {self.interval_by!r}, which is no input"
            )
        return kept


def parse(name: str, text: str, where: str) -> Task:
    """The task that a file's text defines. Raises `UsageError` naming file, key and value."""
    try:
        return Task(name=name, **yaml.safe_load(text))
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"])) or "the task"
        raise UsageError(
            f"{where}: {at} is {first.get('input')!r}: {first['msg']}; "
            "see src/pitwall/training/tasks.py"
        ) from None
    except (yaml.YAMLError, TypeError) as error:
        raise UsageError(
            f"{where} is no YAML mapping of a task: {str(error).splitlines()[0]}"
        ) from None


def tasks(settings: Settings) -> dict[str, Path]:
    """The file of each task, by the task's name."""
    return {path.stem: path for path in sorted((settings.repository / FOLDER).glob("*.yaml"))}


def readable(settings: Settings) -> dict[str, Task]:
    """All tasks whose file can be read, by name; a broken file is logged and left out."""
    found = {}
    for name in tasks(settings):
        try:
            found[name] = task(settings, name)
        except UsageError as error:
            LOG.error("%s", error)
    return found


def task(settings: Settings, name: str) -> Task:
    """The task of this name. Raises `UsageError` naming the tasks there are."""
    files = tasks(settings)
    if name not in files:
        raise UsageError(
            f"model {name!r} is unknown; there are: {', '.join(files)}; "
            f"a new one is a file in {FOLDER}"
        )
    return parse(name, files[name].read_text(errors="replace"), str(files[name]))
