"""Bands of drift leave out the laps of excluded sessions."""

from __future__ import annotations

from pathlib import Path

from stored_sessions import drive, store

from pitwall.monitoring.calibration import LEAST_LAPS, from_offline
from pitwall.settings import Settings
from pitwall.stores.offline.files import recorded


def test_laps_of_excluded_sessions_do_not_count(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    store(settings, "good", [drive(200)] * (LEAST_LAPS - 1))
    store(settings, "bad", [drive(200)])
    place = recorded(settings, "car_state")
    assert from_offline(place, ("speed",)) is not None
    assert from_offline(place, ("speed",), {("another car", "bad")}) is not None
    assert from_offline(place, ("speed",), {("car", "bad")}) is None
