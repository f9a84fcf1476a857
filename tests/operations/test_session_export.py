"""A stored session is gathered with its channels, units, features and laps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pitwall.errors import UsageError
from pitwall.features import FeatureSet, lap, last, session_time
from pitwall.operations import session_export
from pitwall.settings import Settings
from pitwall.stores.history import History
from pitwall.stores.offline.columns import MICROS

SESSION = "20240304-140506-heat"
CAR = "Kart 7"
SET = FeatureSet(
    "car_state",
    session_time(),
    lap("number", "time", "from_start", "last_time"),
    last("LapDistance", "Speed"),
)
TIMES = np.arange(0, 100.0, 0.5)
STARTS = [0.2, 40.3, 79.9]
"""Where laps 1, 2 and 3 begin, between two ticks each."""


def driven() -> dict[str, np.ndarray]:
    """Features of an out-lap and two whole laps of 2,000 m, and the begin of another."""
    number = np.searchsorted(STARTS, TIMES).astype(float)
    starts = np.array([-5.0, *STARTS])[number.astype(int)]
    length = np.array([40.0, 40.1, 39.6, 40.0])[number.astype(int)]
    return {
        "session_time": TIMES,
        "lap_number": number + 1,
        "lap_time": np.where(number == 0, np.nan, TIMES - starts),
        "lap_from_start": np.where(number == 0, 0.0, 1.0),
        "lap_last_time": np.full(len(TIMES), np.nan),
        "lap_distance": (TIMES - starts) / length * 2000,
        "speed": np.linspace(100, 200, len(TIMES)),
    }


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Stores with one session: the car sent its distance in km, its speed in km/h, and a gear."""
    settings = Settings(home=tmp_path)
    day = Path(settings.offline("car_state")) / "event_date=2024-03-04"
    day.mkdir(parents=True)
    features = driven()
    assert set(SET.names) == set(features)
    count = len(TIMES)
    columns = {name: np.r_[values, values[:1]] for name, values in features.items()}
    # The first row is there twice; of the two the one created last counts.
    columns["speed"][0] = -1.0
    table = pa.table(
        {
            "vehicle": [CAR] * (count + 1),
            "session": [SESSION] * (count + 1),
            "event_timestamp": pa.array([*range(count), 0], MICROS),
            "created_timestamp": pa.array([0] * count + [1], MICROS),
            **{name: pa.array(values, from_pandas=True) for name, values in columns.items()},
        }
    )
    pq.write_table(table, day / "part-0.parquet")
    history = {
        "LAPDISTANCE": History(TIMES[::-1], features["lap_distance"][::-1] / 1000),
        "SPEED": History(TIMES[::-1], features["speed"][::-1]),
        "GEAR": History(TIMES[::-2], np.full(len(TIMES) // 2, 3.0)),
        "OILTEMP": History(np.array([50.25]), np.array([90.0])),
    }

    class Reader:
        def __init__(self, settings: Settings) -> None: ...

        def __enter__(self) -> Reader:
            return self

        def __exit__(self, *_: object) -> None: ...

        def read_all(self, vehicle: str, session: str) -> dict[str, History]:
            return history if (vehicle, session) == (CAR, SESSION) else {}

    monkeypatch.setattr(session_export, "HistoryReader", Reader)
    return settings


def test_a_stored_session_has_channels_units_features_and_laps(settings: Settings) -> None:
    export, notes = session_export.of_stores(settings, [SET], SESSION, None)
    session = export.session
    assert (session.vehicle, session.session) == (CAR, SESSION)
    assert session.names == ("Gear", "LapDistance", "OILTEMP", "Speed")
    assert session.units == ("", "km", "", "km/h"), "as the car sent them, told by the features"
    (note,) = notes
    assert "so they are left empty: OILTEMP" in note
    assert len(session.times_s) == len(TIMES) + 1, "all times of all channels"
    np.testing.assert_array_equal(session.channel("Speed")[:3], driven()["speed"][:3])
    oil = session.channel("OILTEMP")
    assert session.times_s[np.isfinite(oil)].tolist() == [50.25]
    features = export.features
    assert features is not None and "session_time" not in features.names
    np.testing.assert_array_equal(features.channel("speed"), driven()["speed"])
    assert features.units[features.names.index("speed")] == "km/h"
    laps = [(lap.number, round(lap.start_s, 6), lap.whole) for lap in export.laps]
    assert laps == [(1, 0.0, False), (2, 0.2, True), (3, 40.3, True), (4, 79.9, False)]
    assert [lap.end_s - lap.start_s for lap in export.laps if lap.whole] == pytest.approx(
        [40.1, 39.6]
    )


def test_what_is_not_stored_is_said_with_the_option(settings: Settings) -> None:
    with pytest.raises(UsageError, match="is of no vehicle in the offline store; give one: --veh"):
        session_export.of_stores(settings, [SET], "20240304-000000-no", None)
    with pytest.raises(UsageError, match="'Kart 7' has no session '20240304-000000-no'"):
        session_export.of_stores(settings, [SET], "20240304-000000-no", CAR)


def test_a_recording_without_a_distance_has_no_laps(tmp_path: Path) -> None:
    path = tmp_path / "20240304-140506-bench.csv"
    path.write_text("Time,Speed\ns,km/h\n0,1\n1,2\n")
    export, notes = session_export.of_file(path, "Bench")
    assert export.session.vehicle == "Bench" and not export.laps
    assert any("lap" in note for note in notes)
