"""Each writer's file is read back by a reader that is not ours, and gives the same values."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from ld_reader import read_beacons_s, read_ld

from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.errors import UsageError
from pitwall.recordings.files import read
from pitwall.recordings.laps import split
from pitwall.recordings.writers.export import Export, Span
from pitwall.recordings.writers.files import FORMATS, write

START = datetime(2024, 3, 4, 14, 5, 6, tzinfo=UTC)
NAN = np.nan


def session(**changes: object) -> Session:
    """Twelve ticks at 20 Hz: `Speed` in each of them, `Oil Temp` in every fourth one."""
    times = 0.35 + np.arange(12) / 20
    speed = np.array([100.1, 1e-7, -3.0, 1 / 3, *range(8)])
    oil = np.where(np.arange(12) % 4 == 0, 90.25 + np.arange(12), NAN)
    latitude, longitude = 0.5 + times * 1e-5, np.full(12, -30.5)
    return replace(
        Session(
            "Kart 7",
            "20240304-140506-heat",
            ("Speed", "Oil Temp", "Latitude", "Longitude"),
            ("km/h", "°C", "deg", "deg"),
            times,
            np.column_stack([speed, oil, latitude, longitude]),
        ),
        **changes,
    )


def export() -> Export:
    """The session with two laps, the first of them whole, and a feature at every second tick."""
    whole = session()
    features = Session(
        whole.vehicle,
        whole.session,
        ("speed", "speed_mean_5s"),
        ("km/h", "km/h"),
        whole.times_s[::2],
        np.column_stack([whole.values[::2, 0], np.arange(6.0)]),
    )
    return Export(whole, (Span(1, 0.35, 0.5125, True), Span(2, 0.5125, 0.9, False)), features)


def test_csv_is_read_back_by_pandas_and_polars(tmp_path: Path) -> None:
    path = write(export(), "csv", tmp_path).paths[0]
    assert path.name == "20240304-140506-heat.csv"
    lines = path.read_text().splitlines()
    assert lines[0] == (
        "Timestamp,Speed,Oil Temp,Latitude,Longitude,feature_speed,feature_speed_mean_5s"
    )
    assert lines[1] == "s,km/h,°C,deg,deg,km/h,km/h"
    joined = export().joined()
    expected = np.column_stack([joined.times_s, joined.values])
    by_pandas = pd.read_csv(path, skiprows=[1], float_precision="round_trip")
    by_polars = pl.read_csv(path, skip_rows_after_header=1)
    np.testing.assert_array_equal(by_pandas.to_numpy(), expected)
    np.testing.assert_array_equal(by_polars.fill_null(NAN).to_numpy(), expected)


def test_csv_is_taken_back_by_our_own_reader(tmp_path: Path) -> None:
    drive = simulate(laps=2, seed=3, hz=20.0)
    again = read(write(Export(drive), "csv", tmp_path).paths[0])
    assert (again.session, again.names, again.units) == (drive.session, drive.names, drive.units)
    np.testing.assert_array_equal(again.times_s, drive.times_s)
    np.testing.assert_allclose(again.values, drive.values, rtol=1e-11)


def test_parquet_has_units_and_a_datetime(tmp_path: Path) -> None:
    path = write(export(), "parquet", tmp_path / "heat").paths[0]
    assert path == tmp_path / "heat.parquet"
    schema = pq.read_schema(path)
    assert schema.field("Oil Temp").metadata == {b"unit": "°C".encode()}
    facts = json.loads(schema.metadata[b"pitwall"])
    assert facts["vehicle"] == "Kart 7" and facts["start"] == "2024-03-04T14:05:06+00:00"
    assert facts["laps"][0] == {"number": 1, "start_s": 0.35, "end_s": 0.5125, "whole": True}
    frame = pl.read_parquet(path)
    assert frame["datetime"][0] == datetime(2024, 3, 4, 14, 5, 6, 350_000, tzinfo=UTC)
    joined = export().joined()
    np.testing.assert_array_equal(frame["Timestamp"].to_numpy(), joined.times_s)
    np.testing.assert_array_equal(
        frame.select(joined.names).fill_null(NAN).to_numpy(), joined.values
    )
    assert frame["Oil Temp"].null_count() == 9


def test_mdf4_is_read_back_by_asammdf(tmp_path: Path) -> None:
    from asammdf import MDF

    path = write(export(), "mdf4", tmp_path).paths[0]
    given = export()
    with MDF(path) as mdf:
        assert mdf.header.start_time == START
        for owner, prefix in ((given.session, ""), (given.features, "feature_")):
            assert owner is not None
            for column, (name, unit) in enumerate(zip(owner.names, owner.units, strict=True)):
                signal = mdf.get(prefix + name)
                sampled = ~np.isnan(owner.values[:, column])
                assert signal.unit == unit
                np.testing.assert_array_equal(signal.timestamps, owner.times_s[sampled])
                np.testing.assert_array_equal(signal.samples, owner.values[sampled, column])
        assert mdf.get("LapNumber").samples.tolist() == [1, 2]
        assert mdf.get("LapTime").timestamps.tolist() == [0.35, 0.5125]
        np.testing.assert_allclose(mdf.get("LapTime").samples, [0.1625, NAN])


def test_mcap_is_read_back_by_its_own_reader(tmp_path: Path) -> None:
    from mcap.reader import make_reader

    path = write(export(), "mcap", tmp_path).paths[0]
    given = export()
    with path.open("rb") as file:
        reader = make_reader(file)
        messages = [
            (channel.topic, schema, message, json.loads(message.data))
            for schema, channel, message in reader.iter_messages()
        ]
        (facts,) = reader.iter_metadata()
    assert facts.metadata["vehicle"] == "Kart 7"
    start_ns = int(START.timestamp()) * 10**9
    telemetry = [(message, data) for topic, _, message, data in messages if topic == "/telemetry"]
    assert len(telemetry) == 12
    for (message, data), time_s, row in zip(
        telemetry, given.session.times_s, given.session.values, strict=True
    ):
        assert message.log_time == start_ns + round(time_s * 1e6) * 1000
        stamp = data.pop("timestamp")
        assert stamp["sec"] * 10**9 + stamp["nsec"] == message.log_time
        expected = dict(zip(given.session.names, row.tolist(), strict=True))
        assert data == {name: value for name, value in expected.items() if value == value}
    schemas = {topic: schema for topic, schema, _, _ in messages}
    assert schemas["/telemetry"].encoding == "jsonschema"
    properties = json.loads(schemas["/telemetry"].data)["properties"]
    assert properties["Speed"] == {"type": "number", "description": "km/h", "unit": "km/h"}
    assert schemas["/gps"].name == "foxglove.LocationFix"
    fixes = [data for topic, _, _, data in messages if topic == "/gps"]
    assert fixes[0]["latitude"] == 0.5 + 0.35e-5 and fixes[0]["longitude"] == -30.5
    laps = [data for topic, _, _, data in messages if topic == "/laps"]
    assert [(lap["number"], lap["whole"]) for lap in laps] == [(1, True), (2, False)]
    assert laps[0]["duration_s"] == pytest.approx(0.1625) and "duration_s" not in laps[1]
    features = [data for topic, _, _, data in messages if topic == "/features"]
    assert [data["speed_mean_5s"] for data in features] == [0, 1, 2, 3, 4, 5]


def test_motec_is_read_back_by_the_public_layout(tmp_path: Path) -> None:
    written = write(export(), "motec", tmp_path)
    ld, ldx = written.paths
    assert (ld.suffix, ldx.suffix) == (".ld", ".ldx")
    file = read_ld(ld)
    assert (file.day, file.time) == ("04/03/2024", "14:05:06")
    assert (file.vehicle, file.event_vehicle, file.count) == ("Kart 7", "Kart 7", 6)
    speed, oil = file.channels["Speed"], file.channels["Oil Temp"]
    assert (speed.rate_hz, speed.unit, oil.rate_hz, oil.unit) == (20, "km/h", 5, "C")
    np.testing.assert_array_equal(speed.values, session().values[:, 0].astype(np.float32))
    np.testing.assert_array_equal(oil.values, np.float32([90.25, 94.25, 98.25]))
    mean = file.channels["feature_speed_mean_5s"]
    assert mean.rate_hz == 10 and mean.values.tolist() == [0, 1, 2, 3, 4, 5]
    assert read_beacons_s(ldx) == pytest.approx([0.0, 0.1625])
    assert written.notes == ("MoTeC's format holds numbers as 32-bit floats",)


def test_motec_laps_are_those_of_the_session(tmp_path: Path) -> None:
    drive = simulate(laps=3, seed=5, hz=50.0)
    spans = [
        Span(lap.number, lap.start_s, lap.start_s + lap.duration_s, lap.whole)
        for lap in split(drive)
    ]
    ld, ldx = write(Export(drive, spans), "motec", tmp_path).paths
    speed = read_ld(ld).channels["Speed"]
    np.testing.assert_array_equal(speed.values, drive.channel("Speed").astype(np.float32))
    beacons = read_beacons_s(ldx)
    assert len(beacons) == 4, "an end that is the next lap's start is one beacon"
    assert np.diff(beacons) == pytest.approx([lap.duration_s for lap in split(drive) if lap.whole])


def test_irregular_channels_hold_their_newest_sample_in_motec_and_say_so(tmp_path: Path) -> None:
    times = np.array([0.0, 0.03, 0.04, 0.06, 0.09, 0.1, 0.5, 0.52])
    values = np.arange(8.0)[:, None]
    given = session(names=("Speed",), units=("km/h",), times_s=times, values=values)
    written = write(Export(given), "motec", tmp_path)
    speed = read_ld(written.paths[0]).channels["Speed"]
    assert speed.rate_hz == 50
    assert speed.values[:6].tolist() == [0, 0, 2, 3, 3, 5]
    assert np.isnan(speed.values[9:25]).all(), "nothing is made up where nothing came"
    assert speed.values[25:].tolist() == [6, 7]
    assert "newest sample at each place: Speed" in written.notes[1]


def test_names_that_motec_cannot_hold_stay_apart(tmp_path: Path) -> None:
    long = "A very long name of a channel with number "
    given = session(names=(long + "1", long + "2", "Öltemperatur", "速度"))
    written = write(Export(given), "motec", tmp_path)
    names = list(read_ld(written.paths[0]).channels)
    assert names == [long[:31], long[:29] + "~2", "Oltemperatur", "??"]
    assert "names that do not fit are changed" in written.notes[1]


def test_a_gap_of_a_year_is_refused_for_motec(tmp_path: Path) -> None:
    times = np.r_[np.arange(11) / 20, 3e7]
    with pytest.raises(UsageError, match=r"channel 'Speed' has 12 samples in .* gap"):
        write(Export(session(times_s=times)), "motec", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_lap_is_cut_with_ticks_beyond_the_line(tmp_path: Path) -> None:
    lap = export().lap(1)
    np.testing.assert_allclose(lap.session.times_s, [0.35, 0.4, 0.45, 0.5, 0.55])
    np.testing.assert_allclose(export().lap(2).session.times_s[:3], [0.45, 0.5, 0.55])
    assert write(lap, "csv", tmp_path).paths[0].name == "20240304-140506-heat-lap-1.csv"
    with pytest.raises(UsageError, match="has no lap 7; its laps are 1, 2"):
        export().lap(7)


@pytest.mark.parametrize("lap_number", [1, 2])
def test_the_time_of_an_exported_lap_is_found_again(tmp_path: Path, lap_number: int) -> None:
    drive = simulate(laps=3, seed=5, hz=50.0)
    laps = {lap.number: lap for lap in split(drive)}
    spans = [
        Span(lap.number, lap.start_s, lap.start_s + lap.duration_s, lap.whole)
        for lap in laps.values()
    ]
    path = write(Export(drive, spans).lap(lap_number), "csv", tmp_path).paths[0]
    again = [lap for lap in split(read(path)) if lap.whole]
    assert [lap.duration_s for lap in again] == pytest.approx([laps[lap_number].duration_s])


@pytest.mark.parametrize("name", FORMATS)
def test_a_session_without_ticks_or_with_two_columns_of_one_id_is_refused(
    tmp_path: Path, name: str
) -> None:
    empty = session(times_s=np.empty(0), values=np.empty((0, 4)))
    with pytest.raises(UsageError, match="has no tick"):
        write(Export(empty), name, tmp_path)
    if name != "mcap":
        twice = session(names=("Speed", "SPEED", "Latitude", "Longitude"))
        with pytest.raises(UsageError, match="'Speed' and 'SPEED' have one id"):
            write(Export(twice), name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--format is 'xls'; give one of csv, parquet, motec"):
        write(export(), "xls", tmp_path)
    with pytest.raises(UsageError, match=r"--out is .*heat.csv, but format motec has the suffix"):
        write(export(), "motec", tmp_path / "heat.csv")
    with pytest.raises(UsageError, match="No such file or directory"):
        write(export(), "csv", tmp_path / "nowhere" / "heat.csv")
