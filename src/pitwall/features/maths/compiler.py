"""Checks a formula and turns it into a list of steps, each computed of those before it."""

from __future__ import annotations

import ast
import difflib
import math
from collections.abc import Mapping
from dataclasses import replace

from pitwall.channels.channel import Channel, channel_id
from pitwall.features.maths import calls, units
from pitwall.features.maths.channel import Maths, Step
from pitwall.features.maths.language import FUNCTIONS
from pitwall.features.maths.parts import Part, Parts
from pitwall.features.maths.syntax import Text, parse
from pitwall.features.maths.units import ANY, Unit

OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Mod: "modulo",
    ast.Pow: "power",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.And: "and",
    ast.Or: "or",
}
WORDS = {"add": "+", "subtract": "−", "modulo": "%"}


class Compiler(Parts):
    """Compiles one formula; `calls` compiles its functions."""

    def part(self, node: ast.expr) -> Part:
        """A part of any kind."""
        match node:
            case ast.Constant():
                return self._number(node)
            case ast.Name():
                return self._channel(node)
            case ast.UnaryOp(op=ast.Not()):
                inner = self.condition(node.operand)
                return Part(node, self.add("not", inner.step), units.none(), condition=True)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.value(node.operand)
            case ast.UnaryOp():
                inner = self.value(node.operand)
                return self.pure(node, "negative", inner.unit, inner)
            case ast.BinOp():
                return self._operation(node)
            case ast.BoolOp():
                return self._all_of(node, OPERATORS[type(node.op)], node.values)
            case ast.Compare():
                return self._comparison(node)
            case ast.Call():
                return calls.call(self, node)
            case _:
                raise self.wrong(node, f"{self.text.source(node)!r} is not part of the language")

    def _number(self, node: ast.Constant) -> Part:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.wrong(
                node, f"{self.text.source(node)!r} is no number; write one, such as 3.6"
            )
        try:
            number = float(node.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.wrong(
                node,
                f"{self.text.source(node)!r} is larger than the largest double, 1.8e308; "
                "write a smaller one",
            )
        return Part(node, self.add("number", number), ANY, number=number)

    def _channel(self, node: ast.Name) -> Part:
        name = node.id
        channel = self.channels.get(channel_id(name))
        if channel is None or not channel_id(name):
            raise self.wrong(node, self._unknown(name))
        self.reads[channel.id] = channel
        is_condition = isinstance(channel, Maths) and channel.condition
        unit = units.of_channel(channel.unit)
        return Part(node, self.add("channel", channel.id), unit, condition=is_condition)

    def _unknown(self, name: str) -> str:
        if channel_id(name) == channel_id(self.text.name):
            return (
                f"{name!r} is the channel itself, and a formula cannot be computed of its own "
                "value; use previous(), integral() or smooth() of another channel"
            )
        if name in FUNCTIONS:
            return f"{name!r} is a function; write {name}({FUNCTIONS[name].arguments})"
        if name in ("lap", "session"):
            return f"{name!r} is no channel; it stands behind over= or reset= only"
        names = [channel.name for channel in self.channels.values()]
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]!r}?" if near else "write the name of a channel of the table"
        return f"{name!r} is no channel; {hint} Give channels of your own by uses=(…,)"

    def _operation(self, node: ast.BinOp) -> Part:
        name = OPERATORS[type(node.op)]
        a, b = self.value(node.left), self.value(node.right)
        if name == "multiply":
            unit = a.unit.times(b.unit)
        elif name == "divide":
            unit = a.unit.over(b.unit)
        elif name == "power":
            unit = self._power(node, a, b)
        else:
            unit = self.same_unit(node, WORDS[name], a, b)
        return self.pure(node, name, unit, a, b)

    def _power(self, node: ast.BinOp, a: Part, b: Part) -> Unit:
        if b.unit.strict and not units.equal(b.unit, units.none()):
            raise self.wrong(
                b.node,
                f"an exponent has no unit, and {self.text.source(b.node)!r} is in {b.unit}; "
                "divide by a number of that unit",
            )
        if b.number is not None and abs(b.number) <= calls.HIGHEST_POWER:
            return a.unit.power(b.number)
        if a.unit.strict and not units.equal(a.unit, units.none()):
            raise self.wrong(
                node,
                f"{self.text.source(a.node)!r} is in {a.unit}, so its exponent must be a number "
                f"of at most {calls.HIGHEST_POWER}; write one, or divide by a number of that unit",
            )
        return replace(units.none(), loose=a.unit.loose or b.unit.loose)

    def _all_of(self, node: ast.expr, name: str, values: list[ast.expr]) -> Part:
        parts = [self.condition(value) for value in values]
        step = parts[0].step
        for part in parts[1:]:
            step = self.add(name, step, part.step)
        return Part(node, step, units.none(), condition=True)

    def _comparison(self, node: ast.Compare) -> Part:
        sides = [self.value(side) for side in (node.left, *node.comparators)]
        step = -1
        for operator, a, b in zip(node.ops, sides, sides[1:], strict=False):
            self.same_unit(node, "a comparison", a, b)
            holds = self.add(OPERATORS[type(operator)], a.step, b.step)
            step = holds if step < 0 else self.add("and", step, holds)
        return Part(node, step, units.none(), condition=True)


def compiled(
    name: str, formula: str, unit: str | None, channels: Mapping[str, Channel]
) -> tuple[str, tuple[Step, ...], tuple[Channel, ...], bool]:
    """Unit, steps and named channels of a formula, and whether it is a condition.

    `unit` is the unit as declared, None where it shall follow. Raises `UsageError`, with line and
    column, for whatever the formula has wrong, and for a declared unit that it does not have.
    """
    text = Text(name, formula)
    compiler = Compiler(text, channels)
    node = parse(text)
    try:
        part = compiler.part(node)
    except RecursionError:
        raise text.wrong(node, "the formula nests too deep; shorten it") from None
    if part.step != len(compiler.places) - 1:
        compiler.add("value", part.step)
    declared = _declared(text, part, unit)
    return declared, tuple(compiler.places), tuple(compiler.reads.values()), part.condition


def _declared(text: Text, part: Part, unit: str | None) -> str:
    """The channel's unit: as declared, where that can be, or as it follows."""
    if unit is None:
        if part.unit.unit is None and part.unit.loose:
            raise text.wrong(
                part.node,
                "numbers without unit stand between channels of several units, so the unit does "
                "not follow; declare it: unit=",
            )
        return part.unit.text
    wanted = units.named(unit)
    if wanted is None:
        raise text.wrong(part.node, f"unit={unit!r} is not understood; write one such as 'km/h'")
    if not part.unit.strict or units.equal(part.unit, wanted):
        return unit
    remedy = (
        f"write to(…, {unit!r})"
        if units.one_dimension(part.unit, wanted)
        else "declare that, or leave unit= out"
    )
    raise text.wrong(part.node, f"the formula is in {part.unit}, and unit= says {wanted}; {remedy}")
