"""A recording of a bus goes through Kafka and the features job, and is exported from the stores."""

from __future__ import annotations

import struct
import threading
from pathlib import Path

import can
import numpy as np
import polars as pl
import pytest
from waiting import wait

from pitwall.car.bridges.can_file import Capture
from pitwall.car.bridges.can_frames import Signals
from pitwall.car.bridges.counts import Counts
from pitwall.car.bridges.delivery import Delivery
from pitwall.car.bridges.run import replay
from pitwall.car.bridges.ticks import Gather
from pitwall.features import load
from pitwall.operations.session_export import Gathered, of_stores
from pitwall.recordings.writers.files import write
from pitwall.settings import Settings

pytestmark = pytest.mark.integration
DBC = Path(__file__).parent / "car.dbc"
CAR = "Bridged kart"
TICKS = 3000
START_S = 1709561106.0


def test_what_a_bridge_sent_is_exported_as_it_was(stack: Settings, tmp_path: Path) -> None:
    path = tmp_path / "heat.log"
    speeds = np.round(100 + 50 * np.sin(np.arange(TICKS) / 100), 2)
    with can.Logger(path) as writer:
        for number, speed in enumerate(speeds.tolist()):
            time_s = START_S + number / 50
            data = struct.pack("<Hhb3x", round(speed * 100), 0, 1)
            frames = [(256, data)]
            if number % 5 == 0:
                frames.append((257, struct.pack("<HBB", 5000 + number, 130, 0)))
            for id, payload in frames:
                writer(
                    can.Message(
                        arbitration_id=id, data=payload, timestamp=time_s, is_extended_id=False
                    )
                )
    capture, counts = Capture(path, Signals(DBC)), Counts()
    session = capture.session_id(None, None)
    replay(
        capture.ticks(CAR, session, counts),
        Gather(counts),
        Delivery(stack, stack.telemetry_topic, counts),
        counts,
        stop=threading.Event(),
    )
    assert counts.ticks == TICKS and counts.undelivered == counts.damaged.total() == 0

    sets = list(load(stack.feature_repo))
    gathered: list[Gathered] = []

    def is_stored() -> bool:
        try:
            gathered[:] = [of_stores(stack, sets, session, CAR)]
        except Exception as error:
            assert "no session" in str(error), error
            return False
        features = gathered[0].export.features
        return (
            len(gathered[0].export.session.times_s) == TICKS
            and features is not None
            and len(features.times_s) == TICKS
        )

    wait(is_stored, 120, lambda: f"all ticks in both stores: {gathered}")
    export, notes = gathered[0]
    names, units = export.session.names, export.session.units
    assert units[names.index("Speed")] == "km/h", "told by the feature that is its newest value"
    assert "ENGINERPM" in notes[0] or "EngineRpm" in notes[0]
    written = write(export, "parquet", tmp_path / "out.parquet")
    frame = pl.read_parquet(written.paths[0])
    np.testing.assert_allclose(frame["Timestamp"].to_numpy(), np.arange(TICKS) / 50, atol=1e-6)
    np.testing.assert_allclose(frame["Speed"].to_numpy(), speeds, rtol=1e-12)
    np.testing.assert_array_equal(frame["feature_speed"].to_numpy(), frame["Speed"].to_numpy())
    rpm = next(name for name in names if name.upper() == "ENGINERPM")
    assert frame[rpm].drop_nulls().to_list() == [5000 + n for n in range(0, TICKS, 5)]
