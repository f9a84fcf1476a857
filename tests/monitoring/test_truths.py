from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pitwall.monitoring import bands
from pitwall.monitoring.drift import Drift
from pitwall.monitoring.metrics import exposition
from pitwall.monitoring.truths import Truths

LABELS = {
    "lap_time": ("lap", None),
    "next_km": ("ahead", 1000.0),
    "speed_sensor": ("feature", "speed"),
}


def sample(text: str, name: str, **labels: str) -> float:
    """The value of the one sample with this name and these labels, as Prometheus reads it."""
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    (value,) = (s.value for s in samples if s.name == name and labels.items() <= s.labels.items())
    return value


def drive(
    truths: Truths,
    lap_s: float,
    value: dict[str, float],
    start_s: float = 0.0,
    number: int = 1,
    last: float | None = None,
) -> None:
    """One lap of 4 km at constant speed, a row every second, a prediction of each model at every
    tenth, which comes a second late.
    """
    late: list[dict[str, Any]] = []
    for second in range(int(lap_s)):
        at = start_s + second
        row = {
            "lap_number": number,
            "lap_time": second,
            "lap_distance": 4000 / lap_s * second,
            "lap_last_time": last,
            "speed": 200.0,
        }
        truths.row("car", "20260101-000000", round(at * 1e6), row)
        for message in late:
            truths.prediction(message)
        when = (
            datetime.fromtimestamp(at, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z")
        )
        late = (
            [
                {
                    "model": name,
                    "version": 3,
                    "vehicle": "car",
                    "session": "20260101-000000",
                    "event_time": when,
                    "value": v,
                    "unit": "s",
                    "low": v - 2.5,
                    "high": v + 2.5,
                }
                for name, v in value.items()
            ]
            if second % 10 == 0
            else []
        )


def test_predictions_meet_their_truth_when_the_lap_ends() -> None:
    truths = Truths(LABELS)
    said = {"lap_time": 101.0, "next_km": 25.5, "speed_sensor": 197.0, "unknown": 1.0}
    drive(truths, 100, said)
    assert not truths.scores
    drive(truths, 100, {}, start_s=100, number=2, last=100.4)
    assert truths.scores["lap_time", 3].mae == pytest.approx(0.6)
    assert truths.scores["speed_sensor", 3].mae == pytest.approx(3.0)
    ahead = truths.scores["next_km", 3]
    assert ahead.mae == pytest.approx(0.5) and ahead.by_part()[9] is None
    assert truths.scores["lap_time", 3].by_part() == pytest.approx([0.6] * 10)
    labels = {"model": "lap_time", "version": "3", "unit": "s"}
    text = exposition(truths.scores, {})
    assert sample(text, "pitwall_prediction_error", **labels, part="0") == pytest.approx(0.6)
    assert sample(text, "pitwall_predictions_scored", **labels) == 10


def test_the_lap_a_session_ends_with_meets_its_truth_once_it_is_silent() -> None:
    now = [0.0]
    truths = Truths(LABELS, clock=lambda: now[0])
    drive(truths, 100, {"lap_time": 101.0})
    cut_short = Truths(LABELS, clock=lambda: now[0])
    drive(cut_short, 100, {"lap_time": 101.0})
    truths.length_m, cut_short.length_m = 3965.0, 6000.0
    for waited, scored in ((29.0, 0), (31.0, 1), (62.0, 1)):
        now[0] = waited
        truths.close_silent()
        cut_short.close_silent()
        assert len(truths.scores) == scored and not cut_short.scores
    now[0] = 1300.0
    cut_short.close_silent()
    cut_short.length_m = 3965.0
    cut_short.close_silent()
    assert not cut_short.scores, "what is released is not kept waiting"
    score = truths.scores["lap_time", 3]
    assert (
        score.mae == pytest.approx(2.0)
        and score.count.sum() == 10
        and (score.promised, score.held) == (10, 10)
    )
    labels = {"model": "lap_time", "version": "3", "unit": "s"}
    assert sample(exposition(truths.scores, {}), "pitwall_prediction_coverage", **labels) == 1


def test_labels_are_escaped_and_read_back_as_they_are() -> None:
    raised = {('a"b\n', "20260101-000000"): ("speed\\",)}
    text = exposition({}, raised)
    assert r'vehicle="a\"b\n"' in text
    assert sample(text, "pitwall_drift_alarm", vehicle='a"b\n', channel="speed\\") == 1


def test_a_lap_first_seen_inside_is_not_scored() -> None:
    truths = Truths(LABELS)
    truths.row("car", "20260101-000000", 0, {"lap_number": 1, "lap_time": 50, "lap_distance": 2000})
    truths.prediction(
        {
            "model": "lap_time",
            "version": 1,
            "vehicle": "car",
            "session": "20260101-000000",
            "event_time": "1970-01-01T00:00:00Z",
            "value": 1.0,
            "unit": "s",
        }
    )
    truths.row(
        "car",
        "20260101-000000",
        10,
        {"lap_number": 2, "lap_time": 0, "lap_distance": 0, "lap_last_time": None},
    )
    assert not truths.scores


def lap(rng: np.random.Generator, pace: float) -> tuple[np.ndarray, np.ndarray]:
    distance = np.linspace(0, 6000, 3000, endpoint=False)
    corner = np.sin(distance / 300)
    return distance, np.column_stack(
        [
            200 + 80 * corner * pace + rng.normal(0, 2, 3000),
            corner * 2 * pace + rng.normal(0, 0.1, 3000),
        ]
    )


@pytest.mark.parametrize("fault", ["stuck", "dead", "shifted", "silent"])
def test_a_broken_sensor_raises_an_alarm_and_another_driver_does_not(fault: str) -> None:
    rng = np.random.default_rng(0)
    laps = [bands.stretches(*lap(rng, pace), 30) for pace in rng.normal(1, 0.05, 12)]
    watch = bands.calibrate(("speed", "lateral"), laps)
    assert not any(
        bands.alarms(watch, bands.stretches(*lap(rng, pace), 30))
        for pace in (0.93, 0.97, 1.03, 1.07)
    )
    distance, values = lap(rng, 1.0)
    values[1000:, 0] = {
        "stuck": values[1000, 0],
        "dead": 0.0,
        "silent": np.nan,
        "shifted": values[1000:, 0] + 40,
    }[fault]
    found = bands.alarms(watch, bands.stretches(distance, values, 30))
    assert set(found) == {"speed"} and 10 <= found["speed"] <= 25
    now = [0.0]
    live = Drift(watch, clock=lambda: now[0])
    for at, row in zip(distance.tolist(), values.tolist(), strict=True):
        live.row("car", "20260101-000000", 1.0, at, row)
        if at < found["speed"] * bands.STRETCH_M:
            assert not live.raised.get(("car", "20260101-000000"))
    assert live.raised == {("car", "20260101-000000"): ("speed",)}
    assert 'channel="speed"' in exposition({}, live.raised)
    for silent, raised in ((599.0, 1), (601.0, 0)):
        now[0] = silent
        live.close_silent()
        assert len(live.raised) == raised
    live.raised["car", "20260101-000000"] = ("speed",)
    live.row("car", "20260101-000000", 1.0, 5000.0, [200.0, 0.0])
    live.row("car", "20260101-000000", 2.0, 1.0, [200.0, 0.0])
    assert not live.raised


def test_a_car_before_the_line_raises_no_alarm_and_stops_nothing() -> None:
    """A lap distance of -450 m belongs to no stretch; a prediction there is of the first tenth."""
    rng = np.random.default_rng(0)
    laps = [rng.normal(size=(2, 2, 30)) for _ in range(6)]
    live = Drift(bands.calibrate(("speed", "lateral"), laps))
    for at in (*[-450.0] * 6, *[-250.0] * 6, 10.0, 1e300, 20.0):
        live.row("car", "20260101-000000", 1.0, at, [1.0, 2.0])
    assert not live.raised
    truths = Truths(LABELS)
    for second, distance in enumerate((-450.0, -250.0, 10.0, 3900.0)):
        lap = {"lap_number": 1, "lap_time": second, "lap_distance": distance}
        truths.row("car", "20260101-000000", second * 1_000_000, lap)
    made = {"model": "lap_time", "version": 1, "value": 5.0, "unit": "s", "low": 4.0, "high": 6.0}
    at = {"vehicle": "car", "session": "20260101-000000", "event_time": "1970-01-01T00:00:00Z"}
    truths.prediction({**made, **at})
    end = {"lap_number": 2, "lap_time": 0, "lap_distance": 0, "lap_last_time": 4.0}
    truths.row("car", "20260101-000000", 4_000_000, end)
    assert truths.scores["lap_time", 1].by_part() == [1.0] + [None] * 9


FAULTS = {
    "stuck": lambda v: 0 * v + v[0],
    "dead": lambda v: 0 * v,
    "silent": lambda v: np.nan * v,
    "shifted": lambda v: v + v.std(),
}


def test_the_watch_knows_faults_on_real_laps_and_no_other_driver(laps_dir: Any) -> None:
    """Four of the real laps have dead pedals: the alarm names them.

    A sound lap of another day raises none, until a sensor fails.
    """
    from pitwall.recordings.files import read

    names = ("Speed", "AccelerationLat", "Throttle", "Brake")
    sessions = {path.stem: read(path) for path in sorted(laps_dir.glob("*.parquet"))[8:19]}
    driven = {
        name: (each.channel("LapDistance"), np.column_stack([each.channel(n) for n in names]))
        for name, each in sessions.items()
    }
    (broken_m, broken), (fresh_m, fresh) = (
        driven.pop("20220613-164842"),
        driven.pop("20220531-141002"),
    )
    watch = bands.calibrate(names, [bands.stretches(*each, 103) for each in driven.values()])
    assert set(bands.alarms(watch, bands.stretches(broken_m, broken, 103))) == {"Throttle", "Brake"}
    assert not bands.alarms(watch, bands.stretches(fresh_m, fresh, 103))
    fails = 40  # stretches: 8 km into the lap
    for fault, spoil in FAULTS.items():
        for at, name in enumerate(names):
            values = fresh.copy()
            begin = int(np.searchsorted(fresh_m, fails * bands.STRETCH_M))
            values[begin:, at] = spoil(values[begin:, at])
            found = bands.alarms(watch, bands.stretches(fresh_m, values, 103))
            assert set(found) == {name} and fails < found[name] < fails + 20, (fault, name, found)
