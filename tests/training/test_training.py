from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pitwall.errors import ModelError, UsageError
from pitwall.settings import Settings
from pitwall.training import dataset as datasets
from pitwall.training.dataset import Dataset
from pitwall.training.estimators.delta_trace import DeltaTrace
from pitwall.training.estimators.laps import MeanProfile, PaceRatio, RecentPace
from pitwall.training.evaluation import evaluate, plot, walk_forward
from pitwall.training.intervals import half_widths
from pitwall.training.lineage import fingerprint
from pitwall.training.selection import fitted
from pitwall.training.tasks import Model, Task, parse, task, tasks

SETTINGS = Settings()
LAG = "lap_distance_lag_10s"


def laps(rng: np.random.Generator, count: int) -> tuple[pd.DataFrame, np.ndarray, pd.Series]:
    """Laps of 4 km, 60 s, with one pace in the first half, which goes on by half in the second, and
    mistakes in the first 500 m.
    """
    rows, finals, groups = [], [], []
    for lap in range(count):
        first, second, mistake = rng.normal(0, 0.02), rng.normal(0, 0.01), rng.exponential(0.5)
        distance = np.linspace(1, 4000, 120)
        pace = np.where(distance < 2000, 1 + first, 1 + 0.5 * first + second)
        elapsed = np.cumsum(60 / 120 * pace) + mistake * np.minimum(distance / 500, 1)
        lagged = np.interp(elapsed - 10, elapsed, distance, left=np.nan)
        rows.append(pd.DataFrame({"lap_distance": distance, "lap_time": elapsed, LAG: lagged}))
        finals += [elapsed[-1]] * 120
        groups += [f"lap {lap}"] * 120
    return pd.concat(rows, ignore_index=True), np.array(finals), pd.Series(groups)


def made(count: int = 12, seed: int = 0) -> Dataset:
    x, y, groups = laps(np.random.default_rng(seed), count)
    return Dataset(x, pd.Series(y), groups, x["lap_distance"] / 4000, pd.DataFrame({"lap": groups}))


def test_pace_ratio_is_exact_on_evenly_scaled_laps() -> None:
    distance = np.linspace(1, 4000, 400)
    frame = pd.concat(
        [
            pd.DataFrame({"lap_distance": distance, "lap_time": distance / 4000 * t})
            for t in (58, 60, 62)
        ]
    )
    model = PaceRatio().fit(frame, np.repeat([58.0, 60, 62], 400))
    answer = model.predict(
        pd.DataFrame({"lap_distance": [1000.0, 3000.0], "lap_time": [59 / 4, 59 * 3 / 4]})
    )
    assert np.allclose(answer, 59, atol=0.1)


def test_time_ahead_is_the_profiles_and_recent_pace_scales_it() -> None:
    distance = np.linspace(1, 4000, 400)
    frame = pd.concat(
        [
            pd.DataFrame({"lap_distance": distance, "lap_time": distance / 4000 * t})
            for t in (58, 62)
        ]
    )
    frame[LAG] = np.where(
        frame["lap_time"] > 10, frame["lap_distance"] * (1 - 10 / frame["lap_time"]), np.nan
    )
    there = frame["lap_distance"] <= 3000
    y = np.where(there, frame["lap_time"] / frame["lap_distance"] * 1000, np.nan)
    row = pd.DataFrame({"lap_distance": [2000.0], "lap_time": [33.0], LAG: [2000 * (1 - 10 / 33)]})
    assert MeanProfile(1000).fit(frame[there], y[there]).predict(row) == pytest.approx(
        [15.0], abs=0.01
    )
    assert RecentPace(1000, LAG).fit(frame[there], y[there]).predict(row) == pytest.approx(
        [16.5], abs=0.1
    )


def test_the_delta_trace_beats_the_pace_ratio_on_laps_it_never_saw() -> None:
    x, y, _ = laps(np.random.default_rng(0), 40)
    new_x, new_y, _ = laps(np.random.default_rng(1), 40)
    plain = np.abs(PaceRatio().fit(x, y).predict(new_x) - new_y).mean()
    trace = np.abs(DeltaTrace().fit(x, y).predict(new_x) - new_y).mean()
    assert trace < 0.9 * plain


def test_missing_distance_gives_no_answer_and_does_not_spoil_the_next_row() -> None:
    x, y, _ = laps(np.random.default_rng(1), 5)
    model = DeltaTrace().fit(x, y)
    rows = x.iloc[[50, 60, 70]].copy()
    alone = model.predict(rows.iloc[[2]])
    rows.iloc[0, 0], rows.iloc[1, 1] = np.nan, np.nan
    answer = model.predict(rows)
    assert np.isnan(answer[:2]).all() and answer[2] == pytest.approx(alone[0], rel=1e-12)


def test_every_task_file_is_read_and_its_estimators_can_be_made() -> None:
    assert {"lap_time", "next_km", "speed_sensor"} <= set(tasks(SETTINGS))
    for name in tasks(SETTINGS):
        chosen = task(SETTINGS, name)
        assert all(hasattr(each.make(), "fit") for each in (chosen.estimator, *chosen.baselines))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("label: {lap: final}", "label: {lap: final, ahead_m: 3}", "give one of"),
        ("every_s: 1.0", "every_s: -1", "every_s is -1"),
        ("unit: s", "units: s", "units"),
        ("metric: mae", "metric: mape", "metric is 'mape'"),
    ],
)
def test_a_wrong_task_file_is_named_with_key_and_value(old: str, new: str, said: str) -> None:
    text = tasks(SETTINGS)["lap_time"].read_text()
    with pytest.raises(UsageError, match=said):
        parse("mine", text.replace(old, new), "mine.yaml")


def test_estimators_come_from_known_places_only() -> None:
    text = (
        tasks(SETTINGS)["lap_time"]
        .read_text()
        .replace("pitwall.training.estimators.delta_trace.DeltaTrace", "os.system")
    )
    with pytest.raises(UsageError, match=r"os\.system"):
        parse("mine", text, "mine.yaml").estimator.make()


def lap_task() -> Task:
    """The task with nothing left open, which saves most of the time; a test below leaves it."""
    return task(SETTINGS, "lap_time").model_copy(update={"tune": {}})


def test_evaluation_holds_out_whole_laps_and_goes_forward_in_time() -> None:
    data = made()
    for seen, held in walk_forward(data):
        assert not set(data.groups[seen]) & set(data.groups[held])
        assert data.groups[seen].index.max() < data.groups[held].index.min()
    found = evaluate(lap_task(), data)
    assert len(found.out.errors) == 12 and found.walk is not None and len(found.walk.errors) == 7
    gains = found.out.errors["PaceRatio"] - found.out.errors["candidate"]
    assert found.out.gain("PaceRatio") == pytest.approx(
        (gains.mean(), gains.std(ddof=1) / np.sqrt(12))
    )
    # On its own laps it would be far better than that: what is reported is out of lap.
    model = fitted(lap_task(), "candidate", data)
    assert np.abs(model.predict(data.X) - data.y).mean() < found.out.mean("candidate")
    assert plot(lap_task(), found).axes[0].get_ylabel() == "mean absolute error [s]"


def test_intervals_hold_what_they_promise_and_narrow_towards_the_end() -> None:
    found = evaluate(lap_task(), made(40))
    assert 0.84 < found.coverage < 0.94
    width = half_widths(found.interval, pd.DataFrame({"lap_distance": [200.0, 3900.0]}))
    assert width[0] > 2 * width[1]


def test_a_registered_baseline_has_its_own_error_interval_and_coverage() -> None:
    """A candidate that is hours off ships nothing of its own."""
    far_off = Model(type="pitwall.training.estimators.plain.Linear", columns=[LAG])
    worse = lap_task().model_copy(update={"estimator": far_off})
    data = made(20)
    data.X[LAG] = np.random.default_rng(0).normal(size=len(data.y))
    data.X.loc[data.X.index % 7 == 0, LAG] = 1e5
    found = evaluate(worse, data)
    assert not found.wins() and found.registered == found.out.best_baseline != "candidate"
    own = np.abs(found.left_out[found.registered] - data.y.to_numpy())
    widths = half_widths(found.interval, data.X)
    assert (own <= widths).mean() == pytest.approx(0.9, abs=0.02)
    assert found.coverage == pytest.approx(0.9, abs=0.05)
    from pitwall.training.log import _metrics

    metrics = _metrics(found)
    assert metrics["mae"] == pytest.approx(found.out.mean(found.registered))
    assert metrics["mae"] < metrics["candidate_mae"]


def check(data: Dataset, chosen: Task, name: str, values: np.ndarray) -> None:
    joined = data.X.assign(lap=data.groups, length_m=4000.0, truth=data.y, **{name: values})
    datasets.dataset(SETTINGS, chosen, joined, [*data.X.columns, name], data.entity_rows)


def test_a_planted_leak_is_caught_and_an_honest_input_is_not() -> None:
    data, rng = made(20), np.random.default_rng(2)
    check(data, lap_task(), "honest", rng.normal(size=len(data.y)))
    with pytest.raises(ModelError, match="input 'planted' of lap_time leaks"):
        check(
            data, lap_task(), "planted", data.y.to_numpy() * 3 + rng.normal(0, 0.001, len(data.y))
        )


def test_an_input_of_the_labels_own_channel_is_a_leak() -> None:
    data = made(4)
    chosen = task(SETTINGS, "speed_sensor")
    joined = data.X.assign(
        lap=data.groups, length_m=4000.0, speed=np.arange(len(data.y)) % 97.0, speed_mean_30s=1.0
    )
    with pytest.raises(ModelError, match=r"'speed_mean_30s' of speed_sensor leaks: .* SPEED"):
        datasets.dataset(SETTINGS, chosen, joined, ["speed_mean_30s"], data.entity_rows)


def test_fingerprints_tell_models_apart_by_their_last_bit() -> None:
    x, y, _ = laps(np.random.default_rng(3), 6)
    first, again, other = DeltaTrace().fit(x, y), DeltaTrace().fit(x, y), DeltaTrace().fit(x, y)
    other.mean_s_[3] = np.nextafter(other.mean_s_[3], 1e9)
    assert fingerprint(first) == fingerprint(again) != fingerprint(other)
