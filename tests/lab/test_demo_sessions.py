"""Which sessions the demo drives; the chain itself is run by `test_chain.py`."""

from __future__ import annotations

import pytest
from paths import SHARED

from pitwall.lab.demo.chain import recorded_sessions
from pitwall.recordings.files import readings

FORMATS = SHARED / "data" / "formats"
pytestmark = pytest.mark.skipif(not FORMATS.exists(), reason=f"no {FORMATS}; set PITWALL_SHARED")


def test_a_recording_that_comes_alone_is_the_history_and_its_last_whole_lap_is_driven_live() -> (
    None
):
    [reading] = readings([FORMATS / "motec-i2.csv"])
    history, live = recorded_sessions([reading])
    assert history is reading.session
    assert live.session == f"{history.session}-live" and live.vehicle == history.vehicle
    last = [lap for lap in reading.laps if lap.whole][-1]
    assert last.duration_s == pytest.approx(40.8, abs=0.001)
    assert live.times_s[0] == pytest.approx(last.start_s + reading.shift_s - 2, abs=0.05)
    assert live.times_s[-1] == pytest.approx(last.end_s + reading.shift_s + 2, abs=0.05)


def test_the_last_of_several_recordings_is_driven_live() -> None:
    both = readings([FORMATS / "motec-i2.csv", FORMATS / "vbox.vbo"])
    assert recorded_sessions(both) == [each.session for each in both]
