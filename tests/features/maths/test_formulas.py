"""A formula that is wrong is refused where it stands, by column; one that is right has its unit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_formulas import formulas

from pitwall.errors import UsageError
from pitwall.features import (
    Channel,
    FeatureSet,
    last,
    load,
    maths,
    out_of_range_share,
    rolling,
    share_above,
)
from pitwall.features.maths.language import FUNCTIONS
from pitwall.features.maths.syntax import DEEPEST, LONGEST, MOST_NODES
from pitwall.features.plan import plan_json


@pytest.mark.parametrize(
    ("formula", "column", "says"),
    [
        ("Speed + Sped", 9, "'Sped' is no channel; did you mean 'Speed'?"),
        ("  Speed + Sped", 11, "'Sped' is no channel"),
        ("Speed +", 8, "invalid syntax; write a formula"),
        ("", 1, "the formula is empty"),
        ("Speed + AccelerationLat", 1, "'Speed' is in km/h, 'AccelerationLat' is in G"),
        ("2 + (Speed - AccelerationLat)", 6, "'Speed' is in km/h, 'AccelerationLat' is in G"),
        ("Speed < AccelerationLat", 1, "a comparison takes one unit"),
        ("max(Speed, Throttle)", 1, "'Speed' is in km/h, 'Throttle' is in %"),
        ("WheelSpinFL - to(Speed, 'm/s')", 1, "write to(to(Speed, 'm/s'), 'km/h')"),
        ("to(Speed, 'kg')", 1, "'Speed' is in km/h, which is no kg"),
        ("to(Speed, 'quux')", 11, "\"'quux'\" is no unit"),
        ("to(Speed * 2, 'm/s')", 1, "has no unit that is sure"),
        ("sin(SteeringAngle)", 1, "write sin(to(SteeringAngle, 'rad'))"),
        ("exp(Speed)", 1, "'Speed' is in km/h; divide"),
        ("Speed ** Gear", 1, "'Speed' is in km/h, so its exponent must be a number"),
        ("Gear ** Speed", 9, "an exponent has no unit"),
        ("abs(Speed, 2)", 1, "abs() has 2 values; write abs(x)"),
        ("where(Speed, 1, 2)", 7, "'Speed' is a number, and a condition is needed"),
        ("(Speed > 5) + 1", 2, "'Speed > 5' is a condition, and a number is needed"),
        ("Speed and Brake", 1, "'Speed' is a number, and a condition is needed"),
        ("sqr(Speed)", 1, "'sqr' is no function; did you mean 'sqrt'?"),
        ("abs + 1", 1, "'abs' is a function; write abs(x)"),
        ("integral(Speed)", 1, "integral() needs reset=; write reset=lap or =session"),
        ("stat_min(Speed, over=stint)", 22, "over=stint is neither lap nor session"),
        ("abs(Speed, over=lap)", 12, "abs() takes no over="),
        ("abs(**Speed)", 1, "abs() has 0 values"),
        ("smooth(Speed, Brake)", 15, "smooth() takes a number of seconds above 0"),
        ("Speed if Brake else 1", 1, "write where(condition, a, b)"),
        ("Speed // 2", 1, "write floor(a / b)"),
        ("Speed & 2", 1, "write and"),
        ("Speed.real", 1, "name a channel without dots"),
        ("[Speed]", 1, "is not part of the language"),
        ("1 + (lambda: 1)()", 6, "is not part of the language"),
        ("__import__('os')", 1, "'__import__' is no function"),
        ("'Speed'", 1, "is no number"),
        ("True", 1, "'True' is no number"),
        ("1 / 0", 1, "'1 / 0' is no finite number at any tick"),
        ("1e999", 1, "larger than the largest double"),
        ("9" * 400, 1, "larger than the largest double"),
        ("Speed + lap", 9, "it stands behind over= or reset= only"),
        ("Mine + 1", 1, "'Mine' is the channel itself"),
        ("°C + Sped", 1, "invalid"),
        ("(" * 300 + "1", 201, "too many nested parentheses"),
        ("-" * 60 + "Speed", DEEPEST + 2, f"nests deeper than {DEEPEST}"),
        ("+".join(["(Speed*1)"] * 200), None, f"more than {MOST_NODES} parts|nests deeper"),
        ("1" * (LONGEST + 1), 1, f"{LONGEST} are allowed"),
        ("Speed*0.5 + AccelerationLat*2 ", 1, "declare it: unit="),
    ],
)
def test_a_wrong_formula_is_refused_by_column(formula: str, column: int | None, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        maths(formula, name="Mine")
    message = str(refused.value)
    if column is None:
        assert re.search(says, message)
    else:
        assert f"maths('Mine'), column {column}: " in message, message
        assert says in message
    assert "\n" not in message
    assert message.startswith(f"{__file__}:")


def test_a_formula_of_several_lines_names_the_line() -> None:
    with pytest.raises(UsageError, match="line 3, column 9: 'Sped' is no channel"):
        maths("\n  where(Speed > 5, 1,\n        Sped)", name="Mine")


@pytest.mark.parametrize(
    ("formula", "declared", "unit"),
    [
        ("Speed", None, "km/h"),
        ("Speed * 2", None, "km/h"),
        ("Speed + 5", None, "km/h"),
        ("to(Speed, 'm/s') - 3", None, "m/s"),
        ("rate(Speed)", None, "kph/s"),
        ("integral(BatteryPower, reset=lap)", None, "kW·s"),
        ("Speed / WheelSpinFL - 1", None, ""),
        ("nWheelFL * 2.05 * 0.06 / Speed - 1", "", ""),
        ("Speed > 100", None, ""),
        ("time_since(Brake > 5)", None, "s"),
        ("atan2(AccelerationLat, AccelerationLong)", None, "rad"),
        ("to(OilTemperature, 'K')", None, "K"),
        ("rate(OilTemperature)", None, "K/s"),
        ("(Speed ** 0) ** 0", None, ""),
        ("max(Speed, 3)", "kph", "kph"),
        ("sqrt(Speed ** 2 + WheelSpinFL ** 2)", "km/h", "km/h"),
        ("1 + 1", None, ""),
    ],
)
def test_the_unit_follows_or_is_verified(formula: str, declared: str | None, unit: str) -> None:
    assert maths(formula, declared, name="Mine").unit == unit


@pytest.mark.parametrize(
    ("formula", "unit", "says"),
    [
        ("Speed", "G", "the formula is in km/h, and unit= says G"),
        ("Speed", "m/s", r"write to\(…, 'm/s'\)"),
        ("Speed", "quux", "unit='quux' is not understood"),
        ("Speed / WheelSpinFL", "km/h", "the formula is in no unit, and unit= says km/h"),
    ],
)
def test_a_declared_unit_that_is_not_the_formulas_is_refused(
    formula: str, unit: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        maths(formula, unit, name="Mine")


OIL = Channel("OilTemp", "°C", 0, 160)


def test_own_channels_and_other_maths_channels_are_named_in_uses() -> None:
    warm = maths("OilTemp > 60", name="Warm", uses=[OIL])
    both = maths("where(Warm, Speed, 0)", name="WarmSpeed", uses=[warm])
    features = FeatureSet("car", rolling(both, ("mean",), (5,)), share_above(both, 3, 5))
    assert [channel.name for channel in features.maths] == ["Warm", "WarmSpeed"]
    assert [channel.name for channel in features.own] == ["OilTemp"]
    plan = json.loads(plan_json(features, 2.0))
    assert [formula["id"] for formula in plan["maths"]] == ["WARM", "WARMSPEED"]
    assert "OILTEMP" in {channel["id"] for channel in plan["channels"]}
    assert "WARM" not in {channel["id"] for channel in plan["channels"]}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: maths("1", name="Speed"), "a channel of the table has that name"),
        (lambda: maths("1", name="Distance_"), "a channel of the table has that name"),
        (lambda: maths("1", name="9x"), "'9x' makes no feature name"),
        (lambda: maths("1", name="X", low=3, high=1), "has the range 3.0 to 1.0"),
        (lambda: maths("1", name="X", low=float("nan")), "low is nan; give a finite number"),
        (lambda: maths("1", name="X", uses=["Speed"]), "uses has 'Speed'; give channels"),
        (lambda: maths(5, name="X"), "give the formula and the name as texts"),  # type: ignore[arg-type]
        (
            lambda: FeatureSet(
                "a", last(maths("1", name="X")), rolling(maths("2", name="X"), ("mean",), (1,))
            ),
            "'X' is defined in two ways; rename one",
        ),
        (
            lambda: FeatureSet("a", last(maths("1", name="OilTemp")), last(OIL)),
            "defined twice|has the name of a channel that a car sends",
        ),
        (
            lambda: FeatureSet("a", last("Speed"), distance=maths("1", name="X")),
            "give a channel that the car sends",
        ),
        (
            lambda: FeatureSet("a", out_of_range_share(maths("Speed", name="X"), 5)),
            "has no range; give it low= and high=",
        ),
    ],
)
def test_definitions_around_a_formula_are_refused(wrong: object, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        wrong()  # type: ignore[operator]


def test_a_set_without_maths_channels_has_the_plan_that_it_had() -> None:
    assert "maths" not in json.loads(plan_json(FeatureSet("car", last("Speed")), 2.0))


def test_the_digest_is_of_what_is_computed_and_not_of_how_it_is_written() -> None:
    def digest(formula: str, unit: str | None = None) -> str:
        return FeatureSet("car", last(maths(formula, unit, name="X"))).digest

    assert digest("Speed + 5") == digest("( Speed+5.0 )")
    assert digest("Speed + 5") != digest("Speed + 6")
    assert digest("Speed * 5") != digest("Speed * 5", "m/s")
    inner = [maths(f"Speed + {n}", name="I") for n in (1, 2)]
    outer = [FeatureSet("car", last(maths("I", name="X", uses=[i]))) for i in inner]
    assert outer[0].digest != outer[1].digest
    assert outer[0].meanings != outer[1].meanings


def test_an_error_in_feature_repo_names_file_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "features.py").write_text(
        "from pitwall.features import *\n\n"
        'SLIP = maths("nWheelFL / Sped", unit="", name="Slip")\n'
        'CAR = FeatureSet("car", last(SLIP))\n'
    )
    with pytest.raises(UsageError, match=r"features\.py:3: maths\('Slip'\), column 12: 'Sped'"):
        load(tmp_path)


@given(st.one_of(st.text(), st.text("Sped()+-*/<>=., '1lambdaif\n\t#\\{}[]:@", max_size=60)))
@settings(max_examples=300, deadline=None)
def test_any_text_is_an_error_by_column_or_a_formula(text: str) -> None:
    try:
        maths(text, name="Mine")
    except UsageError as error:
        assert re.search(r"maths\('Mine'\), (line \d+, )?column \d+: \S", str(error)), error


@given(formulas)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_formula_of_the_grammar_is_refused_for_units_and_numbers_only(text: str) -> None:
    try:
        channel = maths(text, unit="", name="Mine")
    except UsageError as error:
        assert re.search("no finite number|takes one unit|nests deeper|unit= says", str(error)), (
            error
        )
    else:
        assert len(channel.steps) <= 2 * MOST_NODES


def test_the_documentation_has_a_row_for_each_function() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "maths.md").read_text()
    for name, function in FUNCTIONS.items():
        keeps = function.keeps or "nothing"
        row = f"| `{name}({function.arguments})` | {function.meaning} | {function.unit} | {keeps} |"
        assert row in page, row
