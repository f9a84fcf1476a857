"""A recording becomes a session: names, units, ticks, start and vehicle, and what is doubtful."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pitwall.car.acceptance import check
from pitwall.channels import names
from pitwall.channels.channel import Channel
from pitwall.channels.table import CHANNELS
from pitwall.errors import LapFileError
from pitwall.kafka.wire import TickEncoder
from pitwall.recordings.recording import Column, Line, Options, Recording
from pitwall.recordings.sessions import Reading, interpret

TIMES = np.arange(6) / 10.0
START = datetime(2026, 3, 4, 14, 5, 6, tzinfo=UTC)


def column(name: str, unit: str = "", values: Any = None, **more: Any) -> Column:
    numbers = np.arange(6.0) if values is None else np.asarray(values, float)
    return Column(name, unit, more.pop("times", TIMES), numbers, **more)


def recording(*columns: Column, **facts: Any) -> Recording:
    facts = {"path": Path("stint.csv"), "format": "csv", "start": START} | facts
    return Recording(columns=columns, rows=6, **facts)


def read(
    *columns: Column,
    options: Options | None = None,
    channels: Mapping[str, Channel] = CHANNELS,
    **facts: Any,
) -> Reading:
    made = interpret(recording(*columns, **facts), options or Options(), names.load(), channels)
    check([made.session])
    return made


SPEED = column("Speed", "km/h")


def test_a_known_channel_comes_in_its_unit_with_its_sign() -> None:
    made = read(column("Ground Speed", "m/s"), column("lat accel", "g"), format="vbo")
    assert made.session.names == ("Speed", "AccelerationLat")
    assert made.session.units == ("km/h", "G")
    assert made.session.channel("Speed").tolist() == (np.arange(6.0) * 3.6).tolist()
    assert made.session.channel("AccelerationLat")[1:].tolist() == [-1, -2, -3, -4, -5]


@pytest.mark.parametrize(
    ("unit", "problem"),
    [("widgets", "'widgets' is not understood"), ("bar", "'bar' is no unit of Throttle")],
)
def test_a_unit_that_does_not_fit_keeps_the_channel_out(unit: str, problem: str) -> None:
    made = read(SPEED, column("Throttle", unit))
    assert made.session.names == ("Speed", f"Throttle ({unit})")
    assert made.session.units == ("km/h", unit)
    assert made.session.channel(f"Throttle ({unit})").tolist() == list(range(6))
    assert any(problem in doubt for doubt in made.doubts)
    assert "THROTTLE" not in {name.upper() for name in made.session.names}


def test_of_two_columns_with_one_meaning_one_is_taken() -> None:
    made = read(
        column("Speed", "m/s", source="calc"),
        column("Speed", "m/s", [5, 6, 7, 8, 9, 9], source="100: gps"),
        column("Speed *obd", "m/s", [9, 9, 9, 9, 9, 9]),
    )
    assert made.session.names == ("Speed (calc)", "Speed", "Speed *obd")
    assert made.session.channel("Speed")[0] == 5 * 3.6
    assert "'Speed' and 'Speed' have one name" in " ".join(made.doubts)


def test_names_of_one_id_are_kept_apart() -> None:
    made = read(column("Speed"), column("SPEED"), column("Slip+"), column("Slip-"), column("λ"))
    assert made.session.names == ("Speed", "SPEED (file)", "Slip+", "Slip- (file)", "λ")


def test_ten_thousand_columns_of_one_name_are_told_apart_at_once() -> None:
    made = interpret(
        recording(SPEED, *[column("Same")] * 10_000), Options(), names.load(), CHANNELS
    )
    assert len({channel.channel for channel in made.channels}) == 10_001


def test_channels_that_never_share_a_time_are_refused_before_memory_ends() -> None:
    columns = [Column(f"c{i}", "", np.arange(2000.0) + i / 4000, np.ones(2000)) for i in range(200)]
    with pytest.raises(LapFileError, match=r"400,005 ticks of 201 channels .* --resample HZ"):
        read(SPEED, *columns)
    made = read(SPEED, *columns, options=Options(resample_hz=1))
    assert len(made.session.times_s) == 2000


def test_a_name_without_letters_is_sent_by_its_place() -> None:
    assert read(SPEED, column("+++")).session.names[1] == "column 2 +++"


@pytest.mark.parametrize(
    ("values", "name", "factor"),
    [
        ([0, 0.5, 0.25, 1, 0.75, 0], "Throttle", 100.0),
        ([0, 0.5, 0.25, 0.6, 0.75, 0], "Throttle (file)", None),
        ([0, 1, 0, 1, 1, 0], "Throttle (file)", None),
        ([0, 50, 100, 0, 1, 0.5], "Throttle", 1.0),
    ],
    ids=["ratio", "unclear", "flag", "percent"],
)
def test_pedals_of_0_to_1(values: list[float], name: str, factor: float | None) -> None:
    made = read(SPEED, column("Throttle", "", values))
    assert made.session.names[1] == name
    assert made.channels[1].factor == factor
    if factor != 1:
        assert made.channels[1].note


def test_a_pedal_in_percent_is_left_as_it_is() -> None:
    made = read(SPEED, column("Brake", "%", [0, 0.5, 0.25, 1, 0.75, 0]))
    assert made.session.channel("Brake").tolist() == [0, 0.5, 0.25, 1, 0.75, 0]


def test_a_temperature_without_a_unit_is_not_taken() -> None:
    made = read(SPEED, column("Oil Temp"), column("Water Temp", "F", [32, 212, 32, 32, 32, 32]))
    assert made.session.names == ("Speed", "Oil Temp", "WaterTemperature")
    assert made.session.channel("WaterTemperature")[:2] == pytest.approx([0, 100], abs=1e-9)


def test_samples_of_one_time_are_one_tick_and_rates_stay() -> None:
    slow = np.array([0.0, 0.2, 0.4])
    odd = np.array([0.25])
    made = read(
        SPEED,
        Column("Brake", "%", slow, np.array([1.0, 2.0, 3.0])),
        Column("Gear", "", odd, np.array([4.0])),
    )
    session = made.session
    assert session.times_s.tolist() == [0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5]
    nan = np.nan
    np.testing.assert_equal(session.channel("Brake"), [1, nan, 2, nan, nan, 3, nan])
    np.testing.assert_equal(session.channel("Gear"), [nan, nan, nan, 4, nan, nan, nan])
    assert [channel.rate_hz for channel in made.channels] == [10, 5, 0]
    encoder = TickEncoder("car", session.session, session.names, session.units, 10)
    message = encoder.encode_known(0.1, session.values[1].tolist()).decode()
    assert '"SPEED"' in message and '"BRAKE"' not in message and "NaN" not in message


def test_rows_that_give_nothing_are_left_out_and_counted() -> None:
    times = np.array([0, 0.1, 0.1, 0.1, 0.1, 0.05, np.nan, 0.2, 0.3])
    nan = np.nan
    speed = np.array([1, 2, 2, 7, nan, 4, 5, 6, nan])
    brake = np.array([1, nan, nan, nan, 8, 4, 5, 6, nan])
    made = read(Column("Speed", "km/h", times, speed), Column("Brake", "%", times, brake))
    assert made.session.times_s.tolist() == [0, 0.1, 0.2]
    assert made.session.channel("Speed").tolist() == [1, 2, 6]
    assert made.session.channel("Brake").tolist() == [1, 8, 6]
    assert made.left_out == {
        "no time": 1,
        "time fell back": 1,
        "no value in any channel": 1,
        "another value at the same time": 1,
        "repeated row": 1,
    }
    assert made.session.skipped == 5


def test_ticks_within_a_microsecond_are_one() -> None:
    made = read(SPEED, Column("Brake", "%", TIMES + 3e-7, np.arange(6.0)))
    assert len(made.session.times_s) == 6


def test_nothing_is_resampled_unless_asked() -> None:
    slow = np.array([0.0, 0.2, 0.4])
    columns = (SPEED, Column("Gear", "", slow, np.array([1.0, 2.0, 3.0])))
    made = read(*columns, options=Options(resample_hz=20))
    assert made.session.times_s == pytest.approx(np.arange(11) / 20)
    assert made.session.channel("Speed") == pytest.approx(np.arange(11) / 2)
    assert made.session.channel("Gear")[:9].tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 3]
    assert np.isnan(made.session.channel("Gear")[9:]).all()


def test_a_start_with_a_fraction_keeps_each_instant() -> None:
    made = read(SPEED, start=datetime(2026, 3, 4, 14, 5, 6, 440_000, tzinfo=UTC))
    assert made.session.session == "20260304-140506-stint"
    assert made.session.times_s[0] == pytest.approx(0.44)
    assert made.start == datetime(2026, 3, 4, 14, 5, 6, 440_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "facts", "options", "session", "source"),
    [
        ("stint", {}, Options(), "20260304-140506-stint", "file"),
        ("stint", {"start": None}, Options(), "20000101-000000-stint", None),
        ("20220217-214226", {"start": None}, Options(), "20220217-214226-replay", "name"),
        (
            "session_20251231_111318_tianma",
            {"start": None},
            Options(),
            "20251231-111318-session-tianma",
            "name",
        ),
        ("2024-03-04T14-05-06", {"start": None}, Options(), "20240304-140506-replay", "name"),
        (
            "stint",
            {},
            Options(start=datetime(2020, 1, 1, tzinfo=UTC)),
            "20200101-000000-stint",
            "option",
        ),
        ("a 20260304 1830", {"day_only": True}, Options(), "20260304-183000-a", "name"),
        ("stint", {"day_only": True}, Options(), "20260304-140506-stint", "file"),
        ("stint", {}, Options(session="test"), "20260304-140506-test", "file"),
        ("stint", {}, Options(session="20200101-000000-x"), "20200101-000000-x", "file"),
    ],
)
def test_the_session_is_named_by_its_start(
    name: str, facts: dict[str, Any], options: Options, session: str, source: str | None
) -> None:
    made = read(SPEED, options=options, path=Path(f"{name}.csv"), **facts)
    assert (made.session.session, made.start_source) == (session, source)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"start": None}, "give --start"),
        ({"zone_told": False}, "without a zone"),
        ({"day_only": True}, "not the time of day"),
        ({"start": None, "path": Path("20251231_111318.csv")}, "without a zone"),
    ],
)
def test_what_is_not_told_of_the_start_is_said(facts: dict[str, Any], says: str) -> None:
    assert any(says in doubt for doubt in read(SPEED, **facts).doubts)


def test_the_vehicle_is_the_files_the_users_or_unnamed() -> None:
    assert read(SPEED, vehicle="Car A").session.vehicle == "Car A"
    given = read(SPEED, vehicle="Car A", options=Options(vehicle="Kart"))
    assert given.session.vehicle == "Kart"
    unnamed = read(SPEED)
    assert unnamed.session.vehicle == "unnamed car"
    assert any("--vehicle" in doubt for doubt in unnamed.doubts)
    ours = read(*map(column, ("LapDistance", "PositionX", "PositionZ", "AccelerationVert")))
    assert ours.session.vehicle == "PERRINN 424" and not ours.session.sparse


def test_a_recording_of_unknown_channels_is_refused_until_one_is_defined() -> None:
    oil = column("OilTemp")
    with pytest.raises(LapFileError, match=r'OilTemp.*Channel\("OilTemp", unit, low, high\)'):
        read(oil)
    own = Channel("OilTemp", "°C", 0, 160)
    made = read(oil, channels=CHANNELS | {own.id: own})
    assert (made.session.names, made.session.units) == (("OilTemp",), ("°C",))


def test_laps_told_by_beacons_give_a_lap_distance() -> None:
    times = np.arange(0, 100, 0.1)
    made = read(
        Column("Speed", "km/h", times, np.full(1000, 180.0)),
        beacons_s=(10.0, 50.0, 90.0),
    )
    assert [(lap.start_s, lap.whole, lap.told_by) for lap in made.laps] == [
        (0, False, "marker"),
        (10, True, "marker"),
        (50, True, "marker"),
        (90, False, "marker"),
    ]
    distance = made.session.channel("LapDistance")
    assert distance[300] == pytest.approx(1000, abs=0.1)
    assert distance[700] == pytest.approx(1000, abs=0.1)
    assert made.channels[-1].channel == "LapDistance" and made.channels[-1].note


@pytest.mark.parametrize(
    ("metres_a_second", "unit", "factor"),
    [(1 / 3.6, "km/h", 1.0), (1.0, "m/s", 3.6), (1.609344 / 3.6, "mph", 1.609344), (0.6, "", 1.0)],
)
def test_the_way_tells_the_unit_of_a_speed_without_one(
    metres_a_second: float, unit: str, factor: float
) -> None:
    times = np.arange(600) / 10.0
    speeds = 40 + 10 * np.sin(times / 5)
    way = np.r_[0, np.cumsum((speeds[1:] + speeds[:-1]) / 2 * 0.1)] * metres_a_second
    latitude = 50 + way / 111_194.93
    east = np.full(600, 8.0)
    for columns in (
        [Column("Lat", "deg", times, latitude), Column("Lon", "deg", times, east)],
        [Column("Distance", "m", times, way)],
    ):
        made = read(Column("Speed", "", times, speeds), *columns)
        assert made.channels[0].factor == factor
        said = [doubt for doubt in made.doubts if doubt.startswith("Speed:")]
        assert bool(said) == (unit != "km/h")
        named = read(Column("Speed", "km/h", times, speeds), *columns)
        assert named.channels[0].factor == 1.0


def test_an_acceleration_beyond_its_range_has_another_unit() -> None:
    made = read(SPEED, column("LatAcc", "", [0, 12, -14, 9, 15, 3]))
    assert made.session.names == ("Speed", "LatAcc")
    assert "names.yaml" in made.channels[1].note
    assert read(SPEED, column("LatAcc", "", [0, 1, -2, 0.9, 1.5, 0.3])).session.names[1] == (
        "AccelerationLat"
    )


def test_a_distance_that_falls_all_the_time_is_none() -> None:
    times = np.arange(40) / 10.0
    steps = np.tile([5.0, 4.0], 20)
    made = read(Column("Speed", "km/h", times, steps), Column("Dist", "m", times, steps))
    assert made.session.names == ("Speed", "Dist")
    assert made.channels[1].canonical_unit is None


def test_a_running_distance_never_stands_in_for_the_lap_distance() -> None:
    slow = np.array([0.0, 0.2, 0.4])
    made = read(column("Distance", "m"), Column("Lap Dist", "m", slow, np.array([1.0, 2.0, 3.0])))
    assert made.session.names == ("TotalDistance", "LapDistance")
    assert made.channels[0].channel == "TotalDistance" and made.channels[0].note
    same = read(column("Distance", "m"), column("Lap Dist", "m"))
    assert same.session.names == ("Distance", "LapDistance")


def test_the_share_of_a_lap_needs_its_length() -> None:
    share = column("LapDistPct", "%", np.arange(6) / 10)
    columns = (column("Speed", "m/s"), share)
    without = read(*columns, format="iracing-ibt")
    assert "--lap-length" in without.channels[1].note
    given = read(*columns, format="iracing-ibt", options=Options(lap_length_m=4000))
    assert given.session.channel("LapDistance").tolist() == [0, 400, 800, 1200, 1600, 2000]


@pytest.mark.parametrize("values", [np.full(6, np.inf), np.full(6, np.nan), np.zeros(0)])
def test_a_recording_without_a_number_is_refused(values: Any) -> None:
    with pytest.raises(LapFileError, match="no column has a number"):
        read(Column("Speed", "km/h", TIMES[: len(values)], values))


def test_numbers_beyond_all_bounds_are_no_values() -> None:
    made = read(SPEED, column("Distance", "km", [0, 1, 1e308, np.inf, 2, 3]))
    np.testing.assert_equal(made.session.channel("Distance"), [0, 1000, np.nan, np.nan, 2000, 3000])


def test_a_recording_without_a_time_is_refused() -> None:
    nothing = replace(SPEED, times_s=np.full(6, np.nan))
    with pytest.raises(LapFileError, match="0 rows have a time and a value"):
        read(nothing)


def test_a_line_is_found_where_the_path_closes_and_said() -> None:
    closed = ellipse(laps=3.4)
    made = read(*closed, options=Options(find_line=True))
    timed = [lap for lap in made.laps if lap.kind == "timed"]
    assert len(timed) >= 2
    assert [lap.duration_s for lap in timed] == pytest.approx([40.0] * len(timed), abs=0.05)
    assert {lap.told_by for lap in made.laps} == {"line"}
    given = next(doubt for doubt in made.doubts if "--line" in doubt).split("--line ")[1]
    latitude, longitude, heading = map(float, given.split(","))
    again = read(*closed, options=Options(line=Line(latitude, longitude, heading)))
    assert [lap.start_s for lap in again.laps] == pytest.approx(
        [lap.start_s for lap in made.laps], abs=0.01
    )
    assert read(*closed).laps == ()


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ((SPEED,), "no latitude and longitude"),
        ((column("Latitude", "deg"), column("Longitude", "deg")), "no place twice"),
    ],
)
def test_a_line_that_cannot_be_found_is_said(columns: tuple[Column, ...], says: str) -> None:
    with pytest.raises(LapFileError, match=f"closed-path.*{says}"):
        read(*columns, options=Options(find_line=True))


def ellipse(laps: float) -> tuple[Column, Column]:
    """Latitude and longitude of laps of 40 s round an ellipse, at 20 Hz."""
    times = np.arange(0, laps * 40, 0.05)
    angle = 2 * np.pi * times / 40
    return (
        column("Latitude", "deg", 0.002 * np.sin(angle), times=times),
        column("Longitude", "deg", -30.5 + 0.004 * np.cos(angle), times=times),
    )


@pytest.mark.parametrize(
    ("unit", "values"),
    [
        ("", [504_994_866] * 6),
        ("deg", [5029.9691] * 6),
        ("", [91.0, 92.0, 93.0, 94.0, 95.0, 96.0]),
    ],
)
def test_a_place_that_is_none_is_not_taken_for_degrees(unit: str, values: list[float]) -> None:
    made = read(SPEED, column("Latitude", unit, values), column("Longitude", "deg", [7.0] * 6))
    assert "PositionX" not in made.session.names
    assert "Latitude" not in made.session.names
    assert any("Latitude: its values are beyond those" in doubt for doubt in made.doubts)


def test_places_in_minutes_of_arc_are_taken() -> None:
    made = read(SPEED, column("Latitude", "min", [3000.0] * 6))
    assert made.session.channel("Latitude").tolist() == pytest.approx([50.0] * 6)


def test_a_clock_that_falls_back_for_most_rows_is_refused() -> None:
    times = np.array([5.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    speed = column("Speed", "km/h", times=times)
    with pytest.raises(LapFileError, match="5 of 6 rows are earlier than rows above them, by ms"):
        read(speed, clock="ms")


def test_a_file_without_a_known_channel_says_why() -> None:
    with pytest.raises(LapFileError, match=r"known channel such as .*'furlongs' is not understood"):
        read(column("Speed", "furlongs"))


def test_a_number_that_stands_for_no_value_is_none() -> None:
    columns = [column("nGear"), column("DRS"), column("Throttle", values=[0, 50, 104, 100, 104, 7])]
    throttle = read(*columns).session.channel("Throttle")
    assert np.isnan(throttle[[2, 4]]).all()
    assert throttle[[0, 1, 3, 5]].tolist() == [0, 50, 100, 7]


def test_a_table_of_laps_is_told() -> None:
    """FastF1's laps: the advice was to define a channel."""
    seconds = np.arange(6) * 92.0
    laps = [column("LapNumber", times=seconds), column("LapTime", "s", times=seconds)]
    with pytest.raises(LapFileError, match=r"a table of laps .*give the telemetry of the laps"):
        read(*laps)
    with pytest.raises(LapFileError, match="known channel such as"):
        read(column("LapNumber"), column("LapTime", "s"))
