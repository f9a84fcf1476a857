"""The operator against the reference, and against itself under everything that may happen to a
session on its way.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from dryrun import MAX, Advance, Message, Outcome, Restart, Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paths import ROOT

from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.channels.channel import channel_id
from pitwall.features import (
    Channel,
    FeatureSet,
    delta_to,
    diff,
    gaps,
    lag,
    lap,
    lap_integral,
    lap_mean,
    last,
    load,
    nan_share,
    out_of_range_share,
    reference_laps,
    rolling,
    sectors,
    session_time,
    share_above,
    share_below,
    ticks,
)
from pitwall.features.oracle import reference
from pitwall.kafka.wire import TickEncoder
from pitwall.recordings.files import read, read_all
from pitwall.recordings.laps import split

pytestmark = pytest.mark.xdist_group("operator")
SPEED = ("mean", "min", "max", "std", "range", "rms", "count", "slope")
ALL = FeatureSet(
    "all",
    session_time(),
    lap("number", "time", "from_start", "last_time", "best_time", "fraction", "delta_to_best"),
    sectors(),
    last("Speed", "LapDistance"),
    rolling("Speed", SPEED, (0.2, 1, 5)),
    share_above("Speed", 100, 1),
    share_below("Speed", 100, 5),
    lag("Speed", 0.5),
    diff("Speed", 0.2, 2),
    lap_mean("Speed"),
    lap_integral("Speed"),
    nan_share("Speed", 1),
    out_of_range_share("Speed", 1),
    ticks(1),
    gaps(0.03, 2),
)


def encoded(session: Session) -> list[bytes]:
    encoder = TickEncoder(
        session.vehicle, session.session, session.names, session.units, session.rate_hz
    )
    rows = session.values.tolist()
    return [encoder.encode(t, row) for t, row in zip(session.times_s.tolist(), rows, strict=True)]


def expected(
    features: FeatureSet, session: Session, at: Collection[int]
) -> list[dict[str, float | None]]:
    """The reference's rows at these indices, in rising order."""
    ids = [channel_id(name) for name in session.names]
    rows = session.values[: max(at) + 1].tolist()
    micros = np.round(session.times_s[: max(at) + 1] * 1e6).astype(int).tolist()
    return reference(
        features,
        [(t, dict(zip(ids, row, strict=True))) for t, row in zip(micros, rows, strict=True)],
        at,
    )


def in_turn(
    payloads: list[bytes], step_ms: int = 20, start_ms: int = 1_000_000
) -> list[Message | Advance | Restart]:
    """One partition, live."""
    messages: list[Message | Advance | Restart] = [
        Message(
            value,
            start_ms + i * step_ms,
            start_ms + i * step_ms + 3,
            watermark=start_ms + i * step_ms,
        )
        for i, value in enumerate(payloads)
    ]
    return [*messages, Advance(start_ms + len(payloads) * step_ms + 5000, MAX)]


def same(a: Outcome, b: Outcome, key: str) -> None:
    assert [t for t, _ in a.rows[key]] == [t for t, _ in b.rows[key]]
    assert b"".join(v.tobytes() for _, v in a.rows[key]) == b"".join(
        v.tobytes() for _, v in b.rows[key]
    )


def agree(row: dict[str, float | None], names: list[str], values: np.ndarray, scale: float) -> None:
    for name, wanted in row.items():
        got = float(values[names.index(name)])
        if wanted is None:
            assert math.isnan(got), (name, got)
        else:
            assert got == pytest.approx(
                wanted,
                rel=1e-9,
                abs=1e-6 * scale if any(kind in name for kind in ("std", "rms", "slope")) else 1e-9,
            ), name


@pytest.fixture(scope="module")
def car() -> Session:
    """Two laps, of a car that only knows a few channels, with holes."""
    whole = simulate(laps=2, seed=5)
    names = ("Speed", "LapDistance", "Throttle")
    columns = [whole.names.index(name) for name in names]
    values = whole.values[:, columns].copy()
    values[200:240, 0] = np.nan
    return Session(
        whole.vehicle,
        whole.session,
        names,
        tuple(whole.units[c] for c in columns),
        whole.times_s,
        values,
    )


@pytest.fixture(scope="module")
def truth(run: Run, car: Session) -> Outcome:
    return run(ALL, in_turn(encoded(car)))


KEY = "{0.vehicle}/{0.session}"


def test_the_operator_agrees_with_the_reference(car: Session, truth: Outcome) -> None:
    found = truth.rows[KEY.format(car)]
    assert len(found) == len(car.times_s)
    assert not truth.late and not truth.duplicates
    distance = car.channel("LapDistance")
    lines = [i for i in range(1, len(distance)) if distance[i] < distance[i - 1] - 1000]
    chosen = {
        *range(1200),
        *range(1200, len(found), 23),
        *(i + k for i in lines for k in range(-2, 3)),
        len(found) - 1,
    }
    chosen |= {i for line in lines for i in _sector_changes(found, line)}
    for i, row in zip(sorted(chosen), expected(ALL, car, chosen), strict=True):
        agree(row, ALL.names, found[i][1], 100)
    assert found[-1][1][ALL.names.index("lap_number")] == 3
    assert np.isfinite(found[-1][1]).all(), "at the end of two whole laps every feature has a value"


def _sector_changes(found: list[tuple[int, np.ndarray]], start: int) -> list[int]:
    """The tick before each change of sector, the first one after and the next, in the lap that
    begins there.
    """
    sector = np.array([values[ALL.names.index("sector")] for _, values in found])
    changes = [i for i in range(start + 1, len(sector)) if sector[i] > sector[i - 1]]
    return [i + k for i in changes for k in (-1, 0, 1)]


def test_the_shipped_features_agree_with_the_reference_on_a_real_lap(
    run: Run, laps_dir: Path
) -> None:
    (features,) = load(ROOT / "feature_repo")
    session = read_all([sorted(laps_dir.glob("*.parquet"))[0]])[0]
    part = Session(
        session.vehicle,
        session.session,
        session.names,
        session.units,
        session.times_s[:1700],
        session.values[:1700],
    )
    found = run(features, in_turn(encoded(part))).rows[KEY.format(part)]
    assert len(found) == 1700
    chosen = (0, 1, 9, 10, 50, 250, 251, 1500, 1699)
    for i, row in zip(chosen, expected(features, part, chosen), strict=True):
        agree(row, features.names, found[i][1], 1000)


def test_the_delta_to_a_reference_lap_agrees_with_the_reference(
    run: Run, car: Session, laps_dir: Path, tmp_path: Path
) -> None:
    """A simulated session against one of its own laps, and a real lap against another real one."""
    real = [read(path) for path in sorted(laps_dir.glob("*.parquet"))[:2]]
    for session, lap_of, step in ((car, split(car)[0], 50), (real[0], split(real[1])[0], 500)):
        reference_laps.write(
            tmp_path / "reference_laps" / "pole.csv",
            reference_laps.grid(lap_of.distance_m, lap_of.times_s),
        )
        features = FeatureSet("delta", lap("number", "delta_to_best"), delta_to("pole"))
        features.repo = tmp_path
        found = run(features, in_turn(encoded(session))).rows[KEY.format(session)]
        chosen = sorted(
            {*range(5), *range(5, len(found), step), *range(len(found) - 40, len(found))}
        )
        for i, row in zip(chosen, expected(features, session, chosen), strict=True):
            agree(row, features.names, found[i][1], 1)
        assert np.isfinite([found[i][1][-1] for i in chosen]).mean() > 0.9
        if session is car:
            second = [
                i for i in range(len(found)) if found[i][1][0] == 2 and np.isfinite(found[i][1][1])
            ]
            assert len(second) > 2000
            assert [found[i][1][1] for i in second] == pytest.approx(
                [found[i][1][2] for i in second], abs=2e-6
            )


def test_ticks_that_wait_keep_their_channels_when_other_channels_become_known(run: Run) -> None:
    """Tick 101 was read when OilTemp was none of the channels.

    tick 0 1 … 99 . 101 | restored, knows OilTemp | 100 102 103
    """
    oil = Channel("OilTemp", "", 0, 1000)
    before, after = FeatureSet("v", last("Speed", "Throttle")), FeatureSet("v", last("Speed", oil))
    encoder = TickEncoder(
        "car", "20260101-000000-x", ("Speed", "Unknown", "OilTemp"), ("", "", ""), 50
    )
    steps = in_turn(
        [
            encoder.encode(i / 50, [float(i), -1.0, 100.0 + i])
            for i in (*range(100), 101, 100, 102, 103)
        ]
    )
    steps.insert(101, Restart())
    found = run(before, steps, after)
    assert not found.late
    rows = [values.tolist() for _, values in found.rows["car/20260101-000000-x"]]
    assert [row[0] for row in rows] == list(range(104))
    assert all(math.isnan(row[1]) for row in rows[:100])
    assert [row[1] for row in rows[100:]] == [200, 201, 202, 203]


@pytest.mark.parametrize("partitions", [1, 2, 8])
@pytest.mark.parametrize("how", ["live", "catch-up"])
def test_a_session_over_partitions_gives_the_same_bits(
    run: Run, car: Session, truth: Outcome, partitions: int, how: str
) -> None:
    """Live: ticks come as sent. Catch-up: whole fetches of one partition after the other."""
    dice = random.Random(partitions)
    records = [
        (1_000_000 + 20 * i, dice.randrange(partitions), value)
        for i, value in enumerate(encoded(car))
    ]
    if how == "catch-up":
        fetches: list[list[tuple[int, int, bytes]]] = []
        for partition in range(partitions):
            own = [record for record in records if record[1] == partition]
            at = 0
            while at < len(own):
                size = dice.randrange(1, 120)
                fetches.append(own[at : at + size])
                at += size
        order = sorted(fetches, key=lambda fetch: (fetch[0][0] + dice.randrange(4000), fetch[0][1]))
        queues = {p: [f for f in order if f[0][1] == p] for p in range(partitions)}
        shuffled = []
        while any(queues.values()):
            p = dice.choice([p for p in queues if queues[p]])
            fetch = min(queues[p], key=lambda f: f[0][0])
            queues[p].remove(fetch)
            shuffled += fetch
        records = shuffled
    read = {p: 0 for p in range(partitions)}
    left = {p: sum(r[1] == p for r in records) for p in range(partitions)}
    steps: list[Message | Advance | Restart] = []
    for i, (record_ms, partition, value) in enumerate(records):
        now = record_ms + 3 if how == "live" else 9_000_000 + i // 50
        read[partition] = max(read[partition], record_ms)
        left[partition] -= 1
        watermark = min([read[p] for p in read if left[p] or p == partition], default=record_ms)
        steps.append(Message(value, record_ms, now, partition, watermark=watermark))
    steps.append(Advance(99_000_000, MAX))
    found = run(ALL, steps)
    assert not found.late
    same(found, truth, KEY.format(car))


def test_shuffled_within_the_bound_and_sent_twice_gives_the_same_bits(
    run: Run, car: Session, truth: Outcome
) -> None:
    dice = random.Random(3)
    order = sorted(range(len(car.times_s)), key=lambda i: i + dice.uniform(0, 4.9))
    payloads = encoded(car)
    twice = [i for k in order for i in ([k, k] if dice.random() < 0.2 else [k])]
    found = run(ALL, in_turn([payloads[i] for i in twice]))
    assert not found.late
    assert len(found.duplicates) == len(twice) - len(order)
    same(found, truth, KEY.format(car))


def test_a_restart_from_the_checkpoint_gives_the_same_bits(
    run: Run, car: Session, truth: Outcome
) -> None:
    steps = in_turn(encoded(car))
    for at in (2000, 1500, 37, 1):
        steps.insert(at, Restart())
    same(run(ALL, steps), truth, KEY.format(car))


def test_a_replay_begins_anew_and_gives_the_same_bits(
    run: Run, car: Session, truth: Outcome
) -> None:
    payloads = encoded(car)
    found = run(ALL, in_turn(payloads + payloads))
    key = KEY.format(car)
    assert found.restarts == [key]
    rows = found.rows[key]
    assert not found.late
    once = b"".join(v.tobytes() for _, v in truth.rows[key])
    assert b"".join(v.tobytes() for _, v in rows) == once * 2


def test_a_session_beside_others_of_other_years_gives_the_same_bits(
    run: Run, car: Session, truth: Outcome
) -> None:
    others = [
        encoded(
            Session(
                car.vehicle,
                f"{year}0101-120000-x",
                car.names,
                car.units,
                car.times_s[:900] * 3,
                car.values[:900],
            )
        )
        for year in (1999, 2022, 2026)
    ]
    mixed = [
        value
        for i, value in enumerate(encoded(car))
        for value in [value, *(o[i] for o in others if i < len(o))]
    ]
    same(run(ALL, in_turn(mixed, 5)), truth, KEY.format(car))


def test_a_tick_later_than_the_bound_is_reported_and_the_last_tick_needs_no_next_one(
    run: Run, car: Session
) -> None:
    payloads = encoded(car)[:500]
    late = payloads.pop(100)
    found = run(ALL, in_turn([*payloads[:300], late, *payloads[300:]])[:-1])
    assert [t for _, t in found.late] == [round(car.times_s[100] * 1e6)]
    times = [t for t, _ in found.rows[KEY.format(car)]]
    assert times == [round(t * 1e6) for i, t in enumerate(car.times_s[:500]) if i != 100]


def test_a_channel_group_a_topic_makes_whole_ticks(run: Run, car: Session, truth: Outcome) -> None:
    steps: list[Message | Advance | Restart] = []
    groups = [((0, 2), "p424-inputs"), ((1,), "p424-distance")]
    encoders = [
        (
            TickEncoder(
                car.vehicle,
                car.session,
                [car.names[c] for c in columns],
                [car.units[c] for c in columns],
                50,
            ),
            columns,
            topic,
        )
        for columns, topic in groups
    ]
    for i, (time_s, row) in enumerate(zip(car.times_s.tolist(), car.values.tolist(), strict=True)):
        for n, (encoder, columns, topic) in enumerate(encoders):
            ms = 1_000_000 + 20 * i + n
            steps.append(
                Message(
                    encoder.encode(time_s, [row[c] for c in columns]), ms, ms + 2, n, topic, ms - 20
                )
            )
    found = run(ALL, [*steps, Advance(99_000_000, MAX)])
    assert not found.late and not found.duplicates
    same(found, truth, KEY.format(car))


def test_groups_of_channels_nobody_knows_are_parts_of_one_tick_and_no_duplicates(run: Run) -> None:
    def message(tick: int, group: str, channels: int = 40) -> bytes:
        return json.dumps(
            [
                {
                    "VehicleId": "v",
                    "SessionId": "20260101-000000-g",
                    "Timestamp": tick / 50,
                    "ChannelId": f"{group}{c}",
                    "ChannelValue": c,
                }
                for c in range(channels)
            ]
        ).encode()

    steps: list[Message | Advance | Restart] = []
    for i in range(100):
        for n, group in enumerate("abc"):
            ms = 1_000_000 + 20 * i + n
            steps.append(Message(message(i, group), ms, ms + 2, 0, f"p424-{group}", ms))
        if i == 50:
            steps.append(Restart())
    sent_again = [
        Message(message(i, group), 1_002_010, 1_002_012, 0, f"p424-{group}", 1_002_010)
        for i in (98, 30)
        for group in "ca"
    ]
    other = Message(message(40, "d"), 1_002_010, 1_002_012, 0, "p424-c", 1_002_010)
    found = run(ALL, [*steps, Restart(), *sent_again, other, Advance(99_000_000, MAX)])
    key = "v/20260101-000000-g"
    assert len(found.rows[key]) == 100
    twice = [(key, 600_000), (key, 1_960_000), (key, 1_960_000)]
    assert sorted(found.duplicates) == twice
    assert found.late == [(key, 800_000)]


sessions = st.lists(
    st.tuples(
        st.integers(1000, 400_000), st.one_of(st.none(), st.floats(-50, 500), st.just(float("nan")))
    ),
    min_size=1,
    max_size=60,
)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(sessions, min_size=4, max_size=10))
def test_generated_sessions_agree_with_the_reference(
    run: Run, cars: list[list[tuple[int, float | None]]]
) -> None:
    messages: list[Message | Advance | Restart] = []
    truth: dict[str, list[tuple[int, dict[str, float]]]] = {}
    for number, steps in enumerate(cars):
        session, now = f"20260101-{number:06d}-x", 0
        for step, value in steps:
            now += step
            tick = {} if value is None else {"SPEED": value}
            truth.setdefault(f"car/{session}", []).append((now, tick))
            channels = {**tick, "LAPDISTANCE": now * 1e-4}
            truth[f"car/{session}"][-1][1]["LAPDISTANCE"] = now * 1e-4
            payload = json.dumps(
                [
                    {
                        "VehicleId": "car",
                        "SessionId": session,
                        "Timestamp": now / 1e6,
                        "ChannelId": channel,
                        "ChannelValue": "NaN" if math.isnan(v) else v,
                        "ActualFrequency": 50 + step % 3,
                    }
                    for channel, v in channels.items()
                ]
            ).encode()
            messages.append(Message(payload, 1_000_000 + now // 1000, 1_000_000 + now // 1000 + 1))
    found = run(ALL, [*messages, Advance(99_000_000, MAX)])
    assert not found.bad
    for key, steps in truth.items():
        assert [t for t, _ in found.rows[key]] == [t for t, _ in steps]
        for (_, values), row in zip(found.rows[key], reference(ALL, steps), strict=True):
            agree(row, ALL.names, values, 500)
