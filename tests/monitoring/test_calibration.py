"""Bands of drift are of one circuit, told by its place, and of sound laps that count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stored_sessions import drive, store

from pitwall.errors import ModelError
from pitwall.monitoring.bands import LEAST_LEVEL, alarms, calibrate
from pitwall.monitoring.calibration import LEAST_LAPS, by_circuit, from_offline, stored_laps
from pitwall.monitoring.drift import Drift
from pitwall.monitoring.drill import FAULTS, drill
from pitwall.page.data.watch import FOLLOWED_S, Watch
from pitwall.settings import Settings
from pitwall.stores.offline.files import recorded


def test_laps_of_excluded_sessions_do_not_count(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    store(settings, "good", [drive(200)] * (LEAST_LAPS - 1))
    store(settings, "bad", [drive(200)])
    place = recorded(settings, "car_state")
    assert len(from_offline(place, ("speed",))) == 1
    assert len(from_offline(place, ("speed",), {("another car", "bad")})) == 1
    assert not from_offline(place, ("speed",), {("car", "bad")})


def test_circuits_of_one_length_are_told_by_their_place(tmp_path: Path) -> None:
    """The same 4,000 m, turned by a right angle: slow on the one and fast on the other."""
    settings = Settings(home=tmp_path)
    dice = np.random.default_rng(0)
    for name, turned, fast, laps in (("one", 0.0, 60.0, 6), ("other", np.pi / 2, 200.0, 5)):
        store(
            settings,
            name,
            [drive(200)] * laps,
            turned=turned,
            speed=lambda at, fast=fast: fast + at / 100 + dice.normal(size=len(at)),
        )
    place = recorded(settings, "car_state")
    assert [len(laps) for laps in by_circuit(stored_laps(place, ("speed",)))] == [6, 5]
    one, other = from_offline(place, ("speed",))
    assert one.high[0, 0].max() < 110 and other.low[0, 0].min() > 190
    watch = Drift(one, other)
    radius_m = 4000 / (2 * np.pi)
    for session, turn, speed in (
        ("good", 1.0, 60.0),
        ("there", 1j, 200.0),
        ("broken", 1j, 60.0),
        ("of neither", -1.0, 900.0),
    ):
        for at in drive(200).tolist():
            on = radius_m * (np.exp(2j * np.pi * at / 4000) - 1) * turn + 5000  # another origin
            driven = [speed + at / 100 + dice.normal()]
            watch.row("car", session, 1.0, at, driven, (on.real, on.imag))
    raised = {session for (_, session), names in watch.raised.items() if names}
    assert raised == {"broken"}


def test_one_faulty_lap_makes_no_band_wider() -> None:
    """A sensor stuck high in one of the laps: a lap that does the same later is found."""
    dice = np.random.default_rng(0)
    along = np.abs(dice.normal(10, 3, size=(2, 2, 40)))
    laps = [along + dice.normal(scale=0.3, size=along.shape) for _ in range(8)]
    sound = calibrate(("speed", "brake"), laps)
    broken = laps[3].copy()
    broken[0, 0, 5:] = 100.0
    mixed = calibrate(("speed", "brake"), [*laps[:3], broken, *laps[4:]])
    again = laps[0].copy()
    again[0, 0, 20:] = 100.0
    assert set(alarms(mixed, again)) == set(alarms(sound, again)) == {"speed"}
    assert (mixed.level == LEAST_LEVEL).all()
    assert np.array_equal(mixed.high[1], sound.high[1])


def test_the_watch_follows_laps_that_come_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [0.0]
    monkeypatch.setattr("pitwall.page.data.watch.time.monotonic", lambda: now_s[0])
    monkeypatch.setattr("pitwall.page.data.watch.WATCHED", ("speed",))
    settings = Settings(home=tmp_path)
    watch = Watch(settings)
    watch._calibrate()
    assert not watch.watched_channels
    highest = []
    for day, fast in enumerate((50.0, 60.0)):
        for lap in range(LEAST_LAPS):
            steady = fast + lap
            store(
                settings,
                f"2026010{day}-00000{lap}",
                [drive(200)],
                speed=lambda at, steady=steady: steady + at / 100,
            )
        now_s[0] += FOLLOWED_S + 1
        watch._calibrate()
        assert watch._drift is not None
        highest.append(watch._drift.circuits[0].high[0, 0, 0])
    assert highest[1] == pytest.approx(highest[0] + 10)


def test_the_drill_finds_a_dead_sensor_and_counts_what_it_injects(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    place = recorded(settings, "car_state")
    with pytest.raises(ModelError, match="0 whole laps of one circuit are stored"):
        drill(place)
    dice = np.random.default_rng(0)
    for lap in range(8):
        store(
            settings,
            f"session{lap}",
            [drive(200)],
            speed=lambda at: 60 + 20 * np.sin(at / 300) + dice.normal(size=len(at)),
        )
    made = drill(place, channels=("speed", "brake"))
    speed, brake = made["channels"]
    assert (made["laps"], made["false_alarms"]) == (8, 0)
    assert made["hours"] == pytest.approx(8 * 199.9 / 3600)
    assert [fault["fault"] for fault in speed["faults"]] == list(FAULTS)
    dead = speed["faults"][1]
    assert (dead["injected"], dead["found"]) == (8, 8) and 0 < dead["median_s"] < 60
    assert brake["hours"] == 0 and not any(fault["injected"] for fault in brake["faults"])
    assert drill(place, channels=("speed", "brake")) == made
