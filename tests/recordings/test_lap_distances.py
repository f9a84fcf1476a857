from __future__ import annotations

import numpy as np

from pitwall.recordings.lap_distances import lap_distance
from pitwall.recordings.lap_evidence import Evidence
from pitwall.recordings.laps import find_laps


def test_a_lap_in_which_the_car_stood_has_no_way() -> None:
    times = np.arange(0, 120, 0.1)
    speed = np.where((times > 30) & (times < 61), 0.0, 72.0)
    evidence = Evidence(beacons_s=(30.5, 60.5, 90.5), speed_kph=(times, speed), lap_length_m=600.0)
    metres = lap_distance(evidence, find_laps(evidence), times)
    assert np.isfinite(metres).all()
    stood = (times > 31) & (times < 60)
    assert (np.abs(metres[stood]) < 1).all()
    assert np.isclose(metres[times < 90.5].max(), 600, atol=25)
