"""The functions of a formula: arguments checked, and the steps that they are."""

from __future__ import annotations

import ast
import difflib

from pitwall.features.maths import units
from pitwall.features.maths.language import FUNCTIONS, SPANS, Function
from pitwall.features.maths.parts import Part, Parts

HIGHEST_POWER = 8
"""Highest exponent of something that has a unit."""


def call(compiler: Parts, node: ast.Call) -> Part:
    """A call of a function of the language. Raises `UsageError`, with line and column."""
    name, function = _function(compiler, node)
    _check_arguments(compiler, node, name, function)
    arguments = node.args
    match name:
        case "where":
            condition = compiler.condition(arguments[0])
            a, b = map(compiler.value, arguments[1:])
            unit = compiler.same_unit(node, "where()", a, b)
            return compiler.pure(node, "where", unit, condition, a, b)
        case "min" | "max":
            parts = [compiler.value(argument) for argument in arguments]
            unit = compiler.same_unit(node, f"{name}()", *parts)
            result = parts[0]
            for part in parts[1:]:
                result = compiler.pure(node, name, unit, result, part)
            return result
        case "clip":
            x, low, high = map(compiler.value, arguments)
            unit = compiler.same_unit(node, "clip()", x, low, high)
            raised = compiler.pure(node, "max", unit, x, low)
            return compiler.pure(node, "min", unit, raised, high)
        case "atan2":
            y, x = map(compiler.value, arguments)
            compiler.same_unit(node, "atan2()", y, x)
            return compiler.pure(node, "atan2", units.radians(), y, x)
        case "to":
            return _converted(compiler, node)
        case "count_of" | "time_since":
            return _of_condition(compiler, node, name)
        case "smooth":
            x, s = map(compiler.value, arguments)
            if s.number is None or not s.number > 0:
                raise compiler.wrong(
                    s.node,
                    f"smooth() takes a number of seconds above 0, and not "
                    f"{compiler.text.source(s.node)!r}; write one, such as 0.5",
                )
            return _part(compiler, node, x.unit, "smooth", x.step, s.step)
        case "integral" | "stat_min" | "stat_max" | "stat_mean":
            x = compiler.value(arguments[0])
            reset = _reset(compiler, node, name, function)
            unit = x.unit.times(units.seconds()) if name == "integral" else x.unit
            return _part(compiler, node, unit, name, x.step, reset)
        case "previous" | "hold" | "rate":
            x = compiler.value(arguments[0])
            unit = x.unit.over(units.seconds()) if name == "rate" else x.unit
            return _part(compiler, node, unit, name, x.step)
        case _:
            return _of_one(compiler, node, name)


def _part(compiler: Parts, node: ast.Call, unit: units.Unit, name: str, *steps: int) -> Part:
    return Part(node, compiler.add(name, *steps), unit)


def _function(compiler: Parts, node: ast.Call) -> tuple[str, Function]:
    if not isinstance(node.func, ast.Name):
        raise compiler.wrong(
            node, f"{compiler.text.source(node.func)!r} is no function; name one of the language"
        )
    name = node.func.id
    if name not in FUNCTIONS:
        near = difflib.get_close_matches(name, FUNCTIONS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(FUNCTIONS)}"
        raise compiler.wrong(node, f"{name!r} is no function; {hint}")
    return name, FUNCTIONS[name]


def _check_arguments(compiler: Parts, node: ast.Call, name: str, function: Function) -> None:
    if not function.least <= len(node.args) <= function.most:
        raise compiler.wrong(
            node,
            f"{name}() has {len(node.args)} values; write {name}({function.arguments})",
        )
    for keyword in node.keywords:
        if keyword.arg != function.keyword or not function.keyword:
            raise compiler.wrong(
                keyword,
                f"{name}() takes no {keyword.arg or '**'}=; write {name}({function.arguments})",
            )


def _of_one(compiler: Parts, node: ast.Call, name: str) -> Part:
    """A function of one number."""
    x = compiler.value(node.args[0])
    shown = compiler.text.source(x.node)
    unit = x.unit
    if name in ("exp", "log", "sin", "cos"):
        of_angle = name in ("sin", "cos")
        allowed = [units.none(), *([units.radians()] if of_angle else [])]
        if unit.strict and not any(units.equal(unit, other) for other in allowed):
            remedy = "divide by a number of that unit"
            if of_angle and units.one_dimension(unit, units.radians()):
                remedy = f"write {name}(to({shown}, 'rad'))"
            needed = "an angle in rad" if of_angle else "a number without unit"
            raise compiler.wrong(
                node, f"{name}() takes {needed}, and {shown!r} is in {unit}; {remedy}"
            )
        unit = units.none()
    elif name == "sign":
        unit = units.none()
    elif name == "sqrt":
        unit = unit.power(0.5)
    return compiler.pure(node, name, unit, x)


def _converted(compiler: Parts, node: ast.Call) -> Part:
    x, wanted = compiler.value(node.args[0]), node.args[1]
    shown = compiler.text.source(x.node)
    text = wanted.value if isinstance(wanted, ast.Constant) else None
    unit = units.named(text) if isinstance(text, str) else None
    if unit is None:
        raise compiler.wrong(
            wanted,
            f"{compiler.text.source(wanted)!r} is no unit; write one between quotes, such as 'm/s'",
        )
    if not x.unit.strict:
        raise compiler.wrong(
            node,
            f"{shown!r} has no unit that is sure, so it cannot be converted; convert the channel "
            "before numbers are multiplied in",
        )
    if not units.one_dimension(x.unit, unit):
        raise compiler.wrong(
            node, f"{shown!r} is in {x.unit}, which is no {unit}; name a unit of its dimension"
        )
    known = units.factor(x.unit, unit)
    if known is None:
        raise compiler.wrong(
            node, f"{shown!r} is in {x.unit}, which no factor brings to {unit}; name another unit"
        )
    factor, offset = known
    step = compiler.add("multiply", x.step, compiler.add("number", factor))
    if offset:
        step = compiler.add("add", step, compiler.add("number", offset))
    return Part(node, step, unit)


def _of_condition(compiler: Parts, node: ast.Call, name: str) -> Part:
    condition = compiler.condition(node.args[0])
    if name == "time_since":
        return _part(compiler, node, units.seconds(), name, condition.step)
    reset = _reset(compiler, node, name, FUNCTIONS[name])
    return _part(compiler, node, units.none(), name, condition.step, reset)


def _reset(compiler: Parts, node: ast.Call, name: str, function: Function) -> int:
    """The step that says where what was kept begins anew."""
    if not node.keywords:
        raise compiler.wrong(
            node, f"{name}() needs {function.keyword}=; write {function.keyword}=lap or =session"
        )
    value = node.keywords[0].value
    if isinstance(value, ast.Name) and value.id in SPANS:
        return compiler.add("new_lap") if value.id == "lap" else compiler.add("number", 0.0)
    if function.keyword == "over":
        raise compiler.wrong(
            value,
            f"over={compiler.text.source(value)} is neither lap nor session; write one of them",
        )
    return compiler.condition(value).step
