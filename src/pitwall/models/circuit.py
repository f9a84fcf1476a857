"""The circuit that a model learned from, and whether a row of features is of another one.

A car tells its circuit by distances alone: how far it is in its lap, and the share of the lap that
this is by the length of its last lap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitwall.errors import UsageError

SAME = 0.02
"""Laps whose lengths differ by no larger share than this are of one circuit."""
DISTANCE, FRACTION = "lap_distance", "lap_fraction"
"""The features that tell a session's circuit: metres in the lap, and their share of the lap."""
LEAST_M = 100.0
"""Nearer to the line the length of the lap is not taken from the share."""


@dataclass(frozen=True)
class Circuit:
    """A circuit by the length of its lap, in metres; `name` is empty where nobody named it."""

    length_m: float
    name: str = ""
    columns: tuple[str, ...] = ()
    """Those of `DISTANCE` and `FRACTION` that the feature view has."""

    def __str__(self) -> str:
        length = f"{self.length_m:,.0f} m"
        return f"{self.name} ({length})" if self.name else length

    def has(self, length_m: float) -> bool:
        """Whether a lap of this length is one of this circuit."""
        return abs(length_m / self.length_m - 1) <= SAME

    def same(self, other: Circuit) -> bool:
        """Whether the two are one circuit, as far as names and lengths tell."""
        names = {self.name, other.name} - {""}
        return len(names) < 2 and self.has(other.length_m)

    def others(
        self, distance_m: NDArray[np.float64], fraction: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Length of the other circuit that each row is of, m; NaN where a row may be of this one.

        Both arrays have shape (rows,), NaN for null. A row is of another circuit where the car is
        farther than a lap of this one, or where distance and share tell another length. A share of
        1 tells nothing: the car is past the end of its last lap.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            told = (fraction > 0) & (fraction < 1) & (distance_m >= LEAST_M)
            length = np.where(told, distance_m / fraction, np.nan)
            other = np.abs(length / self.length_m - 1) > SAME
            farther = distance_m > self.length_m * (1 + SAME)
        return np.where(other, length, np.where(farther, distance_m, np.nan))

    def other(self, values: Mapping[str, float | None]) -> float | None:
        """As `others`, for the features of one row by name; None where it may be of this one."""
        columns = [np.array([values.get(name)], dtype=np.float64) for name in (DISTANCE, FRACTION)]
        length = float(self.others(*columns)[0])
        return None if np.isnan(length) else length

    def metadata(self) -> dict[str, Any]:
        """The circuit as the metadata of a model holds it."""
        return {"length_m": self.length_m, "name": self.name, "columns": list(self.columns)}


def of_metadata(value: Mapping[str, Any] | None) -> Circuit | None:
    """The circuit in the metadata of a model; None for a version that names none."""
    if not value:
        return None
    columns = tuple(map(str, value.get("columns", ())))
    return Circuit(float(value["length_m"]), str(value.get("name", "")), columns)


def of_tags(tags: Mapping[str, str]) -> Circuit | None:
    """The circuit in the tags of a version; None for a version that names none."""
    if not tags.get("circuit_length_m"):
        return None
    return Circuit(float(tags["circuit_length_m"]), tags.get("circuit", ""))


def asked(text: str) -> str | float:
    """The value of `--circuit`: a length in metres (`4000`, `4000 m`, `4.0 km`), else a name.

    Raises `UsageError` for an empty text and for a length that no lap has.
    """
    number = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(m|km)?\s*", text)
    if number is None:
        if not text.strip():
            raise UsageError("--circuit is empty; give a name or a length in metres")
        return text.strip()
    length_m = float(number[1]) * (1000 if number[2] == "km" else 1)
    if not 1 <= length_m <= 1e6:
        raise UsageError(f"--circuit is {text!r}; a lap has between 1 m and 1,000 km")
    return length_m
