from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.channels.table import CHANNELS
from pitwall.errors import UsageError
from pitwall.features import (
    Channel,
    FeatureSet,
    last,
    load,
    out_of_range_share,
    reference_laps,
    rolling,
)
from pitwall.features.plan import render as render_plan
from pitwall.recordings.laps import split

ROOT = Path(__file__).parents[2]


def test_the_shipped_set_is_rich_and_known() -> None:
    (features,) = load(ROOT / "feature_repo")
    assert len(features.features) >= 60
    assert all(feature.description for feature in features.features)
    assert {feature.channel for feature in features.features} - {None} <= set(CHANNELS)


def test_the_plan_names_each_feature_once_in_order() -> None:
    (features,) = load(ROOT / "feature_repo")
    plan = json.loads(render_plan(features, 2.0))
    assert [feature["name"] for feature in plan["features"]] == features.names
    assert plan["idle_ms"] == 2000


def test_unknown_channel_statistic_window_and_double_names_are_refused() -> None:
    with pytest.raises(UsageError, match="'Sped'"):
        last("Sped")
    with pytest.raises(UsageError, match="'median'"):
        rolling("Speed", ("median",), (1,))
    with pytest.raises(UsageError, match="-1 s"):
        rolling("Speed", ("mean",), (-1,))
    with pytest.raises(UsageError, match="defined twice"):
        FeatureSet("v", last("Speed"), last("Speed"))


def write_features(folder: Path, *lines: str) -> Path:
    imports = "from pitwall.features import Channel, FeatureSet, delta_to, last, rolling"
    (folder / "features.py").write_text("\n".join([imports, *lines]))
    return folder


CAR = 'CAR = FeatureSet("car", last("Speed"))'


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "defines no feature set"),
        (
            [CAR, 'OTHER = FeatureSet("other", last("Speed"))'],
            "'car' takes every vehicle and leaves none to 'other'; put it last",
        ),
        (
            ['CAR = FeatureSet("car", last("Speed"), vehicles="P*")'],
            "'car', takes vehicles 'P\\*' only; let the last one take",
        ),
        (
            ['A = FeatureSet("car", last("Speed"), vehicles="A*")', CAR],
            "two feature sets are named 'car'",
        ),
        (['A = FeatureSet("A b", last("Speed"))'], "'A b': name it in small letters"),
        (
            ['A = FeatureSet("a", last("OilTemp"))'],
            "channel 'OilTemp' is not in the channel table.*Channel\\(\"OilTemp\"",
        ),
        (
            ['A = FeatureSet("a", last(Channel("Speed", "m/s", 0, 1)))'],
            "'Speed' is in the channel table with other values",
        ),
        (
            ['A = FeatureSet("a", last(Channel("9 Oil", "m/s", 0, 1)))'],
            "'9 Oil' makes no feature name",
        ),
        (['A = FeatureSet("a", last(Channel("Oil", "m/s", 3, 1)))'], "'Oil' has the range 3 to 1"),
        (
            ['A = FeatureSet("a", last(Channel("Oil", "", 0, 1, aliases=("DISTANCE",))))'],
            "'DISTANCE' is an alias of 'LapDistance' already",
        ),
        (
            [
                'A = FeatureSet("a", last(Channel("Oil", "", 0, 1)), vehicles="A*")',
                'B = FeatureSet("b", last(Channel("Oil", "", 0, 2)))',
            ],
            "'Oil' is defined in two ways",
        ),
        (
            ['A = FeatureSet("a", delta_to("pole"))'],
            "no reference lap .*reference_laps/pole.csv; write one: ./pitwall reference-lap pole",
        ),
        (['A = FeatureSet("a", delta_to("../pole"))'], "name the reference lap"),
        (['A = FeatureSet("a", delta_to("best"))'], "not 'best'"),
    ],
)
def test_definitions_that_cannot_be_are_refused_with_the_remedy(
    tmp_path: Path, lines: list[str], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        load(write_features(tmp_path, *lines))


def test_several_sets_share_one_list_of_channels_and_keep_what_is_their_own(tmp_path: Path) -> None:
    oil, gas = (
        'Channel("OilTemp", "°C", 0, 160)',
        'Channel("GasFlow", "kg/h", 0, 100, aliases=("FUEL",))',
    )
    van, bus, car = load(
        write_features(
            tmp_path,
            f'VAN = FeatureSet("van", last({oil}), rolling({gas}, ("mean",), (1,)), vehicles="V?n*")',
            f'BUS = FeatureSet("bus", last({gas}), distance={gas}, vehicles="Bus")',
            CAR,
            "SAME = CAR",
        )
    )
    plans = [json.loads(render_plan(each, 2.0)) for each in (van, bus, car)]
    ids = [[channel["id"] for channel in plan["channels"]] for plan in plans]
    assert ids[0] == ids[1] == ids[2] == [*CHANNELS, "OILTEMP", "GASFLOW"]
    assert [plan["vehicles"] for plan in plans] == ["V?n*", "Bus", "*"]
    assert [plan["distance"] for plan in plans] == ["LAPDISTANCE", "GASFLOW", "LAPDISTANCE"]
    assert van.names == ["oil_temp", "gas_flow_mean_1s"]
    assert [f.description for f in van.features] == [
        "value at this tick of OilTemp",
        "mean over the window of GasFlow (1 s)",
    ]
    assert car.digest == FeatureSet("car", last("Speed")).digest, (
        "another set's channels change nothing"
    )
    assert len({van.schema, bus.schema, car.schema}) == 3


def test_the_definition_of_an_own_channel_is_in_the_digest() -> None:
    a, b = (
        FeatureSet("v", out_of_range_share(Channel("OilTemp", "°C", 0, high), 5)).digest
        for high in (160, 170)
    )
    assert a != b


def test_a_reference_lap_is_resampled_and_its_content_is_in_the_digest(tmp_path: Path) -> None:
    def digest(text: str) -> str:
        (tmp_path / "reference_laps").mkdir(exist_ok=True)
        (tmp_path / "reference_laps" / "pole.csv").write_text(text)
        (features,) = load(write_features(tmp_path, 'A = FeatureSet("a", delta_to("pole"))'))
        assert json.loads(render_plan(features, 2.0))["references"] == features.references
        assert (
            features.features[0].description
            == "seconds behind the reference lap at the same distance (pole)"
        )
        return features.digest

    one = digest("distance_m,time_s\n5,1\n15,2\n42.5,4.75\n")
    assert reference_laps.read(tmp_path / "reference_laps" / "pole.csv") == [0, 1.5, 2.5, 3.5, 4.5]
    assert digest("distance_m,time_s\n5,1\n15,2\n42.5,4.75\n") == one
    assert digest("distance_m,time_s\n5,1\n15,2\n42.5,4.8\n") != one


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins with distance_m,time_s"),
        ("time_s,distance_m\n0,0\n1,20\n", "begins with distance_m,time_s"),
        ("distance_m,time_s\n0,0\n1,x\n", "not two numbers"),
        ("distance_m,time_s\n0,0\n1\n", "two"),
        ("distance_m,time_s\n0,0\n20,nan\n", "two finite numbers"),
        ("distance_m,time_s\n0,0\n20,1\n20,2\n", "distance must rise"),
        ("distance_m,time_s\n0,0\n20,1\n30,0.5\n", "time must not fall"),
        ("distance_m,time_s\n0,0\n3,1\n", "ends at 3 m"),
    ],
)
def test_a_file_that_is_no_reference_lap_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "pole.csv").write_text(text)
    with pytest.raises(UsageError, match=rf"pole.csv: .*{says}"):
        reference_laps.read(tmp_path / "pole.csv")


def test_laps_are_found_by_distance() -> None:
    session = simulate(laps=2, seed=5)
    first, second, rest = split(session)
    assert [(each.number, each.whole) for each in (first, second, rest)] == [
        (1, True),
        (2, True),
        (3, False),
    ]
    assert first.duration_s + second.duration_s + rest.duration_s == pytest.approx(
        session.times_s[-1] - session.times_s[0]
    )
    part = Session(
        session.vehicle,
        session.session,
        session.names,
        session.units,
        session.times_s[900:],
        session.values[900:],
    )
    assert [each.number for each in split(part)] == [2, 3]


def test_the_command_writes_a_reference_lap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = simulate(laps=2, seed=5)
    rows = np.column_stack(
        [session.times_s, session.channel("LapDistance"), session.channel("Speed")]
    )
    np.savetxt(
        tmp_path / "drive.csv",
        rows,
        delimiter=",",
        header="Timestamp,LapDistance,Speed",
        comments="",
        fmt="%.6f",
    )
    monkeypatch.setenv("PITWALL_REPOSITORY", str(tmp_path))

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = "from pitwall.cli.main import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, "reference-lap", *arguments],
            capture_output=True,
            text=True,
        )

    found = command("pole", str(tmp_path / "drive.csv"), "--json")
    assert found.returncode == 0, found.stderr
    whole = [each for each in split(session) if each.whole]
    fastest = min(whole, key=lambda each: each.duration_s)
    answer = json.loads(found.stdout)
    assert (answer["lap"], answer["time_s"]) == (
        fastest.number,
        pytest.approx(fastest.duration_s, abs=1e-4),
    )
    grid = reference_laps.read(tmp_path / "feature_repo" / "reference_laps" / "pole.csv")
    assert grid == pytest.approx(reference_laps.grid(fastest.distance_m, fastest.times_s), abs=1e-4)
    assert command("pole", str(tmp_path / "drive.csv"), "--lap", "2").returncode == 0
    for arguments, says in (
        (("Pole!", str(tmp_path / "drive.csv")), "name the reference lap"),
        (("pole", str(tmp_path / "drive.csv"), "--lap", "7"), "there are 1, 2, 3"),
    ):
        refused = command(*arguments)
        assert (
            refused.returncode != 0 and says in refused.stderr and "Traceback" not in refused.stderr
        )


def test_the_job_has_the_parts_of_each_view_once_and_the_rest_once(tmp_path: Path) -> None:
    from pitwall.flink.sql import render
    from pitwall.settings import Settings

    sets = load(
        write_features(tmp_path, 'VAN = FeatureSet("van", last("Throttle"), vehicles="V*")', CAR)
    )
    before, after = render(Settings(home=tmp_path), sets)
    inserts = [statement.split()[2] for statement in after if statement.startswith("INSERT")]
    per_view = [
        f"{table}_{view}"
        for view in ("van", "car")
        for table in ("online", "features_topic", "offline")
    ]
    assert sorted(inserts) == sorted([*per_view, "telemetry_history", "dead_letters"])
    created = {
        statement.split()[3]: statement
        for statement in (*before, *after)
        if statement.startswith("CREATE")
    }
    assert created.keys() == {*inserts, "telemetry"}
    assert (
        "`throttle` DOUBLE" in created["online_van"] and "`speed` DOUBLE" in created["online_car"]
    )
    assert (
        "'table' = 'pitwall_van'" in created["online_van"]
        and sets[0].schema in created["features_topic_van"]
    )
