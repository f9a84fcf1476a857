"""The rule of distance in the operator, the oracle and recordings: the same laps, to the bit.

Drives are made of what cars and games do: laps, stands on the line with jitter, teleports,
flashbacks, holes, lines that are not at 0 m, and distances before the line.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from dryrun import MAX, Advance, Message, Run, Step
from paths import SHARED

from pitwall.features import FeatureSet, lap, sectors
from pitwall.features.oracle import reference
from pitwall.recordings.lap_evidence import Evidence
from pitwall.recordings.lap_rule import circuit_length, parts
from pitwall.recordings.laps import find_laps, lap_distance

pytestmark = pytest.mark.xdist_group("operator")
FEATURES = FeatureSet(
    "laps",
    lap("number", "time", "from_start", "last_time", "best_time", "fraction", "delta_to_best"),
    sectors(),
)
Drive = list[tuple[int, float]]
"""Session time in microseconds, and the distance in metres."""


def steps(session: str, drive: Drive) -> Iterator[Step]:
    for time_us, metres in drive:
        element = {
            "VehicleId": "car",
            "SessionId": session,
            "Timestamp": time_us / 1e6,
            "ChannelId": "LAPDISTANCE",
            "ChannelValue": metres,
        }
        now_ms = 1_000_000 + time_us // 1000
        payload = json.dumps([element]).encode()
        yield Message(payload, now_ms, now_ms + 1, watermark=now_ms)


def operator_rows(run: Run, drives: list[Drive]) -> list[list[list[float]]]:
    """The operator's rows of each drive, a value a feature."""
    every = [
        step
        for number, drive in enumerate(drives)
        for step in steps(f"20260101-{number:06d}-x", drive)
    ]
    outcome = run(FEATURES, [*every, Advance(99_000_000_000, MAX)])
    assert not outcome.failed and not outcome.bad
    return [
        [values.tolist() for _, values in outcome.rows[f"car/20260101-{number:06d}-x"]]
        for number in range(len(drives))
    ]


def oracle_rows(drive: Drive) -> list[list[float]]:
    ticks = [(time_us, {"LAPDISTANCE": metres}) for time_us, metres in drive]
    return [
        [math.nan if value is None else value for value in row.values()]
        for row in reference(FEATURES, ticks)
    ]


def random_drive(seed: int) -> Drive:
    """Some hundred ticks of a car that drives, stands, jumps and is taken back."""
    dice = random.Random(seed)
    circuit = dice.choice((57.0, 150.0, 900.0, 4000.0))
    line_m = dice.choice((0.0, 0.0, 0.0, 600.0, -30.0))
    speed = circuit / dice.uniform(20, 60)
    time_us, place = 0, dice.choice((0.0, -0.2, 0.3, 0.02)) * circuit
    step_us = dice.choice((100_000, 200_000, 1_000_000))
    drive: Drive = []
    for _ in range(dice.randrange(100, 400)):
        time_us += step_us if dice.random() < 0.9 else dice.randrange(1, 5 * step_us)
        event = dice.random()
        if event < 0.01:
            place += dice.uniform(-1, 1) * circuit
        elif event < 0.02:
            place = circuit * round(place / circuit) + dice.uniform(-0.01, 0.01) * circuit
        elif event > 0.2:
            place += speed * step_us / 1e6 * dice.uniform(0.9, 1.1)
        jitter = dice.uniform(-0.3, 0.3)
        metres = (place + jitter) % circuit if place >= 0 or line_m else place + jitter
        drive.append((time_us, round(metres + line_m, 3)))
    return drive


def test_random_drives_have_the_same_laps_everywhere(run: Run) -> None:
    drives = [random_drive(seed) for seed in range(40)]
    ended = whole = 0
    for seed, (drive, rows) in enumerate(zip(drives, operator_rows(run, drives), strict=True)):
        wanted = np.array(oracle_rows(drive))
        np.testing.assert_array_equal(np.array(rows)[:, :5], wanted[:, :5], f"drive {seed}")
        np.testing.assert_allclose(rows, wanted, 1e-9, 1e-9, err_msg=f"drive {seed}")
        times_s = np.array([time_us * 1e-6 for time_us, _ in drive])
        found = parts(times_s, np.array([metres for _, metres in drive]))
        numbers, lap_times, starts, last = np.array(rows)[:, [0, 1, 2, 3]].T
        begins = np.flatnonzero(np.diff(numbers, prepend=0))
        assert [part.first for part in found] == begins.tolist(), f"drive {seed}"
        np.testing.assert_array_equal(
            [times_s[part.first] - part.start_s for part in found], lap_times[begins]
        )
        assert [float(part.from_start) for part in found] == starts[begins].tolist()
        known_m: list[float] = []
        for part, row in zip(found, begins[1:], strict=False):
            known_m = [*known_m, part.length_m][-31:] if part.measures else known_m
            if part.whole(circuit_length(known_m)):
                assert last[row] == part.end_s - part.start_s
                whole += 1
            else:
                assert math.isnan(last[row])
            ended += 1
    assert ended > 60
    assert whole > 15


CASES: dict[str, list[float | None]] = {
    "negative-out-lap.csv": [None, None, 80.0, 80.0],
    "parked-on-the-line.csv": [None, 79.999, 99.999],
    "teleport-to-pits.csv": [None, 80.0, None, 80.1],
    "flashback.csv": [None, None],
    "lap-of-150-m.csv": [None, 15.0, 15.0],
}
"""For each lap that begins, the time of the one before it; None where that was not whole."""


def test_the_small_cases(run: Run) -> None:
    drives = []
    for name in CASES:
        rows = pd.read_csv(SHARED / "data" / "cases" / name)
        times_us = (rows["TIME"] * 1e6).round().astype(int).tolist()
        drives.append(list(zip(times_us, rows["LAPDISTANCE"].tolist(), strict=True)))
    for (name, wanted), seen in zip(CASES.items(), operator_rows(run, drives), strict=True):
        numbers, last = (np.array(seen)[:, column] for column in (0, 3))
        begins = np.flatnonzero(np.diff(numbers, prepend=0))
        times = [math.nan if time is None else time for time in wanted]
        np.testing.assert_allclose(last[begins], times, atol=1e-6, err_msg=name)


def test_laps_told_by_markers_have_the_same_times_in_the_job(run: Run) -> None:
    """Irregular ticks, lines between them, a car that stands on the line, and a cut lap."""
    dice = random.Random(4)
    times_s = np.round(np.cumsum([dice.uniform(0.01, 0.09) for _ in range(6000)]), 6)
    kph = 120 + 60 * np.sin(times_s / 3)
    kph[(times_s > 150) & (times_s < 160)] = 0
    driven = np.r_[0, np.cumsum((kph[1:] + kph[:-1]) / 7.2 * np.diff(times_s))]
    lines_m = [300, 2300, 4300, float(np.interp(155, times_s, driven)), 8300, 10300]
    lines_m[4], lines_m[5] = lines_m[3] + 2000, lines_m[3] + 2600
    beacons = np.interp(lines_m, driven, times_s).tolist()
    beacons[3] = 155.123456
    evidence = Evidence(beacons_s=tuple(beacons), speed_kph=(times_s, kph))
    laps = find_laps(evidence)
    metres = lap_distance(evidence, laps, times_s)
    drive = [(round(t * 1e6), d) for t, d in zip(times_s.tolist(), metres.tolist(), strict=True)]
    (seen,) = operator_rows(run, [drive])
    numbers, last = (np.array(seen)[:, column] for column in (0, 3))
    begins = np.flatnonzero(np.diff(numbers, prepend=0))
    assert len(begins) == len(laps) == 7
    times = [lap.duration_s if lap.whole else math.nan for lap in laps[:-1]]
    np.testing.assert_allclose(last[begins][1:], times, atol=1e-6, rtol=0)
    assert [lap.whole for lap in laps] == [False, True, True, False, True, False, False]
