"""Definitions that would fail later are refused when they are loaded: where they stand, what is
wrong, and what would be right.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from pitwall.channels.channel import Channel
from pitwall.errors import UsageError
from pitwall.features import Feature, FeatureSet, lag, last, load, reference_laps, rolling
from pitwall.features.checks import LONGEST_NAME, MOST_FEATURES
from pitwall.features.kinds import Kind
from pitwall.features.plan import plan_json
from pitwall.features.vocabulary import share_above

HEAD = "from pitwall.features import *\nfrom pitwall.features.kinds import Kind\n\n"
LINE = 5
"""Line of the definition in a file that `definitions` writes."""


def definitions(folder: Path, groups: str, options: str = "") -> Path:
    """A feature repository of one set, with its groups on line `LINE`."""
    (folder / "features.py").write_text(
        f'{HEAD}CAR = FeatureSet(\n    "car", {groups},{options}\n)\n'
    )
    return folder


LENGTHS = "give 0.001 to 600"
NAN, INF = 'float("nan")', 'float("inf")'


@pytest.mark.parametrize(
    ("groups", "key", "value", "remedy"),
    [
        *(
            (f'rolling("Speed", ("mean",), ({window},))', "rolling('Speed')", shown, LENGTHS)
            for window, shown in (
                ("0", "a window of 0 s"),
                ("-5", "-5 s"),
                ("1e-9", "1e-09 s"),
                (NAN, "nan s"),
                (INF, "inf s"),
                ("601", "601 s"),
                ("10**400", "1000"),
                ("True", "True s"),
                ('"5"', "'5' s"),
            )
        ),
        *(
            (call, call.split("(")[0], "nan s", LENGTHS)
            for call in (
                f'share_above("Speed", 5, {NAN})',
                f'share_below("Speed", 5, {NAN})',
                f'lag("Speed", {NAN})',
                f'diff("Speed", {NAN})',
                f'nan_share("Speed", {NAN})',
                f'out_of_range_share("Speed", {NAN})',
                f"ticks({NAN})",
                f"gaps(1, {NAN})",
            )
        ),
        ('lag("Speed", 1e9)', "lag('Speed')", "1000000000.0 s", LENGTHS),
        (f'share_above("Speed", {NAN}, 5)', "share_above('Speed')", "nan", "a finite number"),
        (f'share_below("Speed", {INF}, 5)', "share_below('Speed')", "inf", "a finite number"),
        (f"gaps({INF}, 5)", "gaps()", "inf", "a finite number"),
        ("sectors(0)", "sectors(0)", "0", "from 1 to 100"),
        ("sectors(101)", "sectors(101)", "101", "from 1 to 100"),
        ("sectors(2.5)", "sectors(2.5)", "2.5", "a whole number"),
        ("sectors(5)", "'sector'", "sectors(5)", "give the set sectors=5"),
        ("sectors(2)", "'sector'", "sectors(2)", "give the set sectors=2"),
        (
            'Feature("x", Kind.LAST_SECTOR_TIME, "s", argument=4)',
            "'x'",
            "4",
            "a whole number from 1 to 3",
        ),
        (
            'Feature("x", Kind.BEST_SECTOR_TIME, "s", argument=1.5)',
            "'x'",
            "1.5",
            "a whole number from 1 to 3",
        ),
        ('Feature("x", Kind.TICKS, "")', "'x': window_s", "0.0 s", LENGTHS),
        (
            f'Feature("x", Kind.GAPS, "", window_s=5, argument={NAN})',
            "'x': the threshold",
            "nan",
            "a finite number",
        ),
        (
            'Feature("x", Kind.LAST, "", channel="OILTEMP")',
            "'x': channel",
            "'OILTEMP'",
            "give its definition",
        ),
        ('Feature("x", Kind.LAP_TIME, "s", channel="SPEED")', "'x'", "no channel", "leave"),
        ('Feature("x", Kind.LAP_TIME, "s", window_s=5)', "'x': window_s", "5", "leave it out"),
        ('Feature("x", Kind.LAP_TIME, "s", argument=5)', "'x': argument", "5", "leave it out"),
        ('Feature("x", "lap_time", "s")', "'x': kind", "'lap_time'", "a member of Kind"),
        ('Feature("x", Kind.DELTA_TO_REFERENCE, "s")', "'x'", "None", "small letters"),
        ('Feature("lap.time", Kind.LAP_TIME, "s")', "'lap.time'", "the name", "small letters"),
        ('Feature("Lap", Kind.LAP_TIME, "s")', "'Lap'", "the name", "small letters"),
        ('Feature("1lap", Kind.LAP_TIME, "s")', "'1lap'", "the name", "a letter first"),
        ('Feature("", Kind.LAP_TIME, "s")', "''", "the name", "a letter first"),
        (
            f'Feature("{"x" * (LONGEST_NAME + 1)}", Kind.LAP_TIME, "s")',
            "xxx",
            str(LONGEST_NAME + 1),
            f"{LONGEST_NAME} are allowed",
        ),
        ('last("Speed", "Speed")', "'speed'", "defined twice", "rename one"),
        ('Feature("session", Kind.LAP_TIME, "s")', "'session'", "reserved", "rename one"),
        ('last("Sped")', "channel", "'Sped'", 'Channel("Sped", unit, low, high)'),
        ("last(5)", "channel", "5", "neither a name nor a Channel"),
        (
            'last(Channel("Oil", "", float("nan"), 1))',
            "'Oil'",
            "range nan to 1",
            "give two numbers",
        ),
        ('"Speed"', "'Speed'", "is no feature", "last('Speed')"),
        ("5", "5", "is no feature", "use the vocabulary"),
        ('rolling("Speed", "mean", (1,))', "rolling('Speed')", "tuples", "('mean',), (1, 5)"),
        ('rolling("Speed", ("mean",), 5)', "rolling('Speed')", "tuples", "('mean',), (1, 5)"),
        ("[]", "'car'", "0 features", f"1 to {MOST_FEATURES}"),
        (
            f'[Feature(f"x{{i}}", Kind.LAP_TIME, "s") for i in range({MOST_FEATURES + 1})]',
            "'car'",
            f"{MOST_FEATURES + 1} features",
            f"1 to {MOST_FEATURES}",
        ),
        ("undefined", "NameError", "'undefined'", ""),
        ('delta_to("pole")', "pole.csv", "no reference lap", "./pitwall reference-lap pole"),
    ],
)
def test_a_definition_is_refused_with_its_place_value_and_remedy(
    tmp_path: Path, groups: str, key: str, value: str, remedy: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        load(definitions(tmp_path, groups))
    place, _, said = str(refusal.value).partition(": ")
    file, _, line = place.rpartition(":")
    assert file == str(tmp_path / "features.py")
    assert int(line) in (LINE - 1, LINE), "the line of the set, or of its feature"
    for part in (key, value, remedy):
        assert part in said


@pytest.mark.parametrize(
    ("options", "key", "value"),
    [
        ("sectors=0", "sectors is", "0"),
        ("sectors=101", "sectors is", "101"),
        ("sectors=10**9", "sectors is", "1000000000"),
        ('sectors="3"', "sectors is", "'3'"),
        ("sectors=True", "sectors is", "True"),
        ('vehicles=""', "vehicles is", "''"),
        ("vehicles=5", "vehicles is", "5"),
        ('distance="Way"', "channel", "'Way'"),
    ],
)
def test_an_option_of_a_set_is_refused_with_its_place(
    tmp_path: Path, options: str, key: str, value: str
) -> None:
    with pytest.raises(UsageError, match=rf"features.py:4: .*{key}.*{value}"):
        load(definitions(tmp_path, 'last("Speed")', f" {options}"))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("CAR = FeatureSet(\n", 1, "never closed"),
        ("from pitwall.features import nothing\n", 1, "ImportError: .*'nothing'"),
        ("x = 1\ny = x / 0\n", 2, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_file_that_cannot_be_run_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    (tmp_path / "features.py").write_text(text)
    with pytest.raises(UsageError, match=f"features.py:{line}: .*{says}"):
        load(tmp_path)


def test_an_error_without_a_file_of_definitions_names_no_place() -> None:
    from pitwall.cli.recordings import reference_lap

    with pytest.raises(UsageError, match=r"^delta_to\('best'\)"):
        reference_lap("best", Path("lap.parquet"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("distance_m,time_s\n0,0\n", "it has 1 points"),
        ("distance_m,time_s\n0,0\n\n20,inf\n", "line 4 is '20,inf'"),
        ("distance_m,time_s\n0,0\n20,1\n20,2\n", "line 4 is '20,2'; distance must rise"),
        ("distance_m,time_s\n0,0\n20,1,5\n", "line 3 is '20,1,5', not two numbers"),
        ("distance_m,time_s\n0,0\n20,0\n", "a lap takes time"),
        ("distance_m,time_s\n-5,0\n20,1\n", "begin at 0"),
        ("distance_m,time_s\n0,0\n1e9,1\n", "10 to 100000 m"),
    ],
)
def test_a_reference_lap_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "reference_laps").mkdir()
    (tmp_path / "reference_laps" / "pole.csv").write_text(text)
    with pytest.raises(UsageError, match=rf"features.py:4: .*pole\.csv: .*{says}"):
        load(definitions(tmp_path, 'delta_to("pole")'))


def test_a_reference_lap_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pole.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"pole\.csv: cannot be read as text"):
        reference_laps.read(tmp_path / "pole.csv")


def test_names_hold_thresholds_that_every_store_takes() -> None:
    names = [share_above("Speed", threshold, 1).name for threshold in (95, 0.5, -3, -1e-5, 1e17)]
    assert names == [
        "speed_above_95_1s",
        "speed_above_0_5_1s",
        "speed_above_minus_3_1s",
        "speed_above_minus_1e_minus_05_1s",
        "speed_above_1e17_1s",
    ]
    FeatureSet("v", [share_above("Speed", threshold, 1) for threshold in (95, 0.5, -3)])


def test_what_is_allowed_at_the_bounds_is_in_the_plan() -> None:
    features = FeatureSet(
        "v",
        rolling("Speed", ("mean",), (0.001, 600)),
        lag("Speed", 600),
        last(Channel("OilTemp", "", -1e308, 1e308)),
        Feature("x" * LONGEST_NAME, Kind.LAST_SECTOR_TIME, "s", argument=100),
        sectors=100,
    )
    plan = json.loads(plan_json(features, 2.0))
    assert [feature["window_us"] for feature in plan["features"]] == [1000, 600e6, 600e6, 0, 0]
    assert all(math.isfinite(feature["argument"]) for feature in plan["features"])
