"""The laps of the analysis view as files, from stores in memory."""

from __future__ import annotations

import io
import json
import math
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from ld_reader import read_beacons_s, read_ld

from pitwall.page.data import export
from pitwall.page.data.recorded import Archive
from pitwall.page.data.stored_laps import StoredLap

CAR = "Kart 7"
HEAT, FINAL = "20240304-140506-heat", "20240304-160000-final"
LAPS = [
    StoredLap(CAR, HEAT, "car_state", 2, 10.02, 20.0, 10.0),
    StoredLap(CAR, HEAT, "car_state", 3, 20.02, 27.98, math.nan),
    StoredLap(CAR, FINAL, "car_state", 2, 10.02, 20.0, 10.0),
]


class Stores:
    """Three laps at 50 Hz with one feature, and one channel at 10 Hz."""

    def __init__(self) -> None:
        self.feature_sets = {"car_state": SimpleNamespace(names=["speed"])}

    def laps(self) -> list[StoredLap]:
        return LAPS

    def unit(self, name: str) -> str:
        return {"speed": "km/h"}.get(name, "")

    def lap_rows(self, lap: StoredLap, names: list[str]) -> np.ndarray:
        times = np.round(np.arange(lap.start_s, lap.end_s + 0.01, 0.02), 6)
        lap_s = times - (10.01 if lap.number == 2 else 20.01)
        return np.column_stack([times, lap_s, lap_s * 40, *(times + 100 for _ in names)])

    def channel(self, vehicle: str, session: str, name: str, since_s: float, until_s: float) -> Any:
        times = np.arange(since_s, until_s, 0.1)
        return np.column_stack([times, np.full(len(times), 3.0)])


def answer(**query: str) -> Any:
    return export.answer(cast(Archive, Stores()), query)


def test_laps_of_one_session_become_a_motec_pair_in_a_zip(tmp_path: Path) -> None:
    response = answer(laps=export.laps_text(LAPS[:2]), channels="speed,GEAR", format="motec")
    assert response.status_code == 200
    assert "pitwall-laps-motec.zip" in response.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(response.body)) as archive:
        assert archive.namelist() == [f"{HEAT}.ld", f"{HEAT}.ldx"]
        archive.extractall(tmp_path)
    file = read_ld(tmp_path / f"{HEAT}.ld")
    assert list(file.channels) == ["LapDistance", "GEAR", "feature_speed"]
    speed = file.channels["feature_speed"]
    assert (speed.rate_hz, speed.unit) == (50, "km/h")
    times = np.arange(499) * 0.02 + 10.02
    np.testing.assert_allclose(speed.values[:499], times + 100, rtol=1e-6)
    # Lap 2 began 10 ms before the file. Its end, which is the start of lap 3, is one beacon.
    assert read_beacons_s(tmp_path / f"{HEAT}.ldx") == pytest.approx([9.99])


def test_a_single_file_is_no_archive_and_sessions_are_files_of_their_own() -> None:
    from mcap.reader import make_reader

    one = answer(laps=export.laps_text(LAPS[:1]), channels="speed", format="mcap")
    assert f"{HEAT}.mcap" in one.headers["content-disposition"]
    reader = make_reader(io.BytesIO(one.body))
    laps = [json.loads(message.data) for *_, message in reader.iter_messages(["/laps"])]
    assert [(lap["number"], lap["duration_s"]) for lap in laps] == [(2, pytest.approx(10.0))]
    both = answer(laps=export.laps_text(LAPS), channels="speed", format="mdf4")
    with zipfile.ZipFile(io.BytesIO(both.body)) as archive:
        assert archive.namelist() == [f"0/{HEAT}.mf4", f"1/{FINAL}.mf4"]


def test_tables_stay_as_they_were() -> None:
    response = answer(laps=export.laps_text(LAPS[:1]), channels="speed", **{"from": "100"})
    table = pd.read_csv(io.BytesIO(response.body))
    assert list(table) == ["vehicle", "session", "lap", "lap_time", "lap_distance", "speed"]
    assert table["lap_distance"].min() >= 100


def test_an_unknown_format_names_all() -> None:
    response = answer(laps=export.laps_text(LAPS[:1]), format="xls")
    assert response.status_code == 422
    assert b"The formats are csv, parquet, motec, mcap, mdf4." in response.body
