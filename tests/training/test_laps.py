"""Which laps count for training: whole ones that a car drove."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from stored_sessions import LENGTH_M, drive, store

from pitwall.errors import ModelError
from pitwall.models.circuit import Circuit
from pitwall.settings import Settings
from pitwall.stores.offline.marks import change
from pitwall.training.laps import choose, usual_length_m


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_laps_of_a_car_that_stands_on_the_line_do_not_count(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    jitter = np.array([0.02, LENGTH_M - 0.02])
    store(settings, "a", [drive(80), *[jitter] * 102, drive(81), drive(82)])
    with caplog.at_level(logging.WARNING, "pitwall.training"):
        choice = choose(settings)
    assert choice.laps["lap_final"].tolist() == [80.0, 81.0, 81.9]
    assert choice.left_out == {"whose distance leaps": 102}
    assert choice.circuit.has(3999) and choice.circuit.name == ""
    assert "3 laps of 1 session, circuit 3,999 m; left out: 102 whose distance" in caplog.text


@pytest.mark.parametrize(
    "leaping",
    [
        np.r_[drive(80)[:300], drive(80)[780:]],
        np.r_[drive(80)[:300], drive(80)[200:]],
    ],
    ids=["to the pits", "back"],
)
def test_a_lap_whose_distance_leaps_does_not_count(settings: Settings, leaping: np.ndarray) -> None:
    store(settings, "a", [drive(80), leaping, drive(82), drive(83)])
    assert choose(settings).laps["lap_number"].tolist() == [1, 3, 4]


def test_a_lap_that_no_car_can_drive_does_not_count(settings: Settings) -> None:
    store(settings, "a", [drive(80), drive(20), drive(82)])
    assert choose(settings).laps["lap_number"].tolist() == [1, 3]


def test_a_store_of_leaping_laps_alone_says_so(settings: Settings) -> None:
    store(settings, "a", [np.array([0.02, LENGTH_M - 0.02])] * 5)
    with pytest.raises(ModelError, match="no lap to learn from: 5 whose distance leaps"):
        choose(settings)


def test_laps_of_two_circuits_are_refused_until_one_is_named(settings: Settings) -> None:
    store(settings, "home", [drive(80), drive(81)])
    store(settings, "away", [drive(50, 2500)] * 3)
    with pytest.raises(ModelError) as refused:
        choose(settings)
    assert "3 laps of 2,499 m, 2 laps of 3,999 m" in str(refused.value)
    assert "(--circuit 2499)" in str(refused.value)
    choice = choose(settings, circuit=4000.0)
    assert set(choice.laps["session"]) == {"home"}
    assert choice.left_out == {"of another length": 3}
    assert choose(settings, ["away"]).circuit.has(2500)
    assert set(choose(settings, circuit=Circuit(2510)).laps["session"]) == {"away"}
    with pytest.raises(ModelError, match=r"no lap of 9,000 m ± 2% to learn from; there are 3"):
        choose(settings, circuit=9000.0)
    assert usual_length_m(settings) == pytest.approx(2499)


def test_laps_three_per_cent_apart_are_not_one_circuit(settings: Settings) -> None:
    store(settings, "a", [drive(80), *[drive(80, LENGTH_M * 1.018)] * 2])
    assert len(choose(settings).laps) == 3
    store(settings, "b", [drive(80, LENGTH_M * 1.03), drive(80, LENGTH_M * 1.03)])
    with pytest.raises(ModelError, match="not of one circuit"):
        choose(settings)


def test_a_circuit_is_named_by_the_tags_of_its_sessions(settings: Settings) -> None:
    for session in "abc":
        store(settings, session, [drive(80), drive(81)])
    change(settings, ("car", "a"), add=["circuit=Home", "wet"])
    change(settings, ("car", "b"), add=["circuit=Away"])
    with pytest.raises(ModelError, match=r"2 laps of Away \(3,999 m\), 2 laps of Home"):
        choose(settings)
    choice = choose(settings, circuit="Home")
    assert set(choice.laps["session"]) == {"a"} and choice.circuit.name == "Home"
    assert choice.left_out == {"of sessions without the circuit's tag": 4}
    with pytest.raises(ModelError, match=r"is tagged circuit=Rome \(there are: Away, Home\)"):
        choose(settings, circuit="Rome")
    change(settings, ("car", "b"), remove=["circuit=Away"])
    assert choose(settings).circuit.name == ""


def test_excluded_sessions_are_left_out_and_said(settings: Settings) -> None:
    store(settings, "a", [drive(80), drive(81)])
    store(settings, "b", [drive(60, 3000)] * 5)
    change(settings, ("car", "b"), excluded="the wheel sensor slipped")
    choice = choose(settings)
    assert set(choice.laps["session"]) == {"a"}
    assert choice.left_out == {"of excluded sessions": 5}
    assert usual_length_m(settings) == pytest.approx(3999)
    change(settings, ("car", "a"), excluded="too")
    with pytest.raises(ModelError, match="no lap to learn from: 7 of excluded sessions"):
        choose(settings)
    change(settings, ("another car", "a"), excluded="")
    change(settings, ("car", "a"), excluded="")
    assert len(choose(settings).laps) == 2
