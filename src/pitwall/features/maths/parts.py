"""The parts of a formula while it is compiled, and what compiler and functions ask of them."""

from __future__ import annotations

import ast
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from pitwall.channels.channel import Channel
from pitwall.errors import UsageError
from pitwall.features.maths import units
from pitwall.features.maths.channel import Step
from pitwall.features.maths.steps import PURE, finite
from pitwall.features.maths.syntax import Text
from pitwall.features.maths.units import Unit


@dataclass(frozen=True)
class Part:
    """A part of a formula."""

    node: ast.expr
    step: int
    """Place of the step that computes it."""
    unit: Unit
    condition: bool = False
    number: float | None = None
    """Its value where it is a number that no channel changes."""


class Parts(ABC):
    """The steps of one formula as they are found.

    Every method raises `UsageError`, with line and column, for what a formula cannot be.
    """

    def __init__(self, text: Text, channels: Mapping[str, Channel]) -> None:
        self.text = text
        self.channels = channels
        """The channels that it may name, by id."""
        self.places: dict[Step, int] = {}
        """The steps in their order. Equal parts of a formula are one step."""
        self.reads: dict[str, Channel] = {}

    def wrong(self, node: ast.AST, message: str) -> UsageError:
        """The error for a node of the formula."""
        return self.text.wrong(node, message)

    def add(self, *step: str | int | float) -> int:
        """The place of a step, which is added where there is none."""
        return self.places.setdefault(step, len(self.places))

    @abstractmethod
    def part(self, node: ast.expr) -> Part:
        """A part of any kind."""

    def value(self, node: ast.expr) -> Part:
        """A part that is a number."""
        part = self.part(node)
        if part.condition:
            raise self.wrong(
                node,
                f"{self.text.source(node)!r} is a condition, and a number is needed; "
                "write where(condition, 1, 0)",
            )
        return part

    def condition(self, node: ast.expr) -> Part:
        """A part that is a condition."""
        part = self.part(node)
        if not part.condition:
            raise self.wrong(
                node,
                f"{self.text.source(node)!r} is a number, and a condition is needed; "
                "compare it, such as with != 0",
            )
        return part

    def pure(self, node: ast.expr, name: str, unit: Unit, *parts: Part) -> Part:
        """A step of this tick's numbers. Numbers alone are computed now."""
        numbers = [part.number for part in parts]
        if None not in numbers:
            number = finite(PURE[name](*numbers))
            if math.isnan(number):
                raise self.wrong(
                    node,
                    f"{self.text.source(node)!r} is no finite number at any tick; change a number",
                )
            return Part(node, self.add("number", number), unit, number=number)
        return Part(node, self.add(name, *(part.step for part in parts)), unit)

    def same_unit(self, node: ast.expr, what: str, *parts: Part) -> Unit:
        """The unit that all parts have."""
        unit = parts[0].unit
        for part in parts[1:]:
            both = unit.same(part.unit)
            if both is None:
                first, second = self.text.source(parts[0].node), self.text.source(part.node)
                remedy = (
                    f"write to({second}, {unit.text!r})"
                    if units.one_dimension(unit, part.unit)
                    else "multiply by what lies between them, or leave one out"
                )
                raise self.wrong(
                    node,
                    f"{what} takes one unit, and {first!r} is in {unit}, {second!r} is in "
                    f"{part.unit}; {remedy}",
                )
            unit = both
        return unit
