from __future__ import annotations

import numpy as np
import pandas as pd
from paths import SHARED

from pitwall.recordings.files import read_all
from pitwall.training.groups import Trace, clusters, held_together, near_copies

COPIES = {
    ("20220418-194340", "20220419-101746"),
    ("20220727-200032", "20230807-010732"),
    ("20220727-200032", "20230807-014300"),
    ("20230807-010732", "20230807-014300"),
}


def driven(seed: int, pace: float = 1.0) -> Trace:
    """A lap of 4 km whose pace changes from one 100 m to the next, at 10 Hz."""
    rng = np.random.default_rng(seed)
    seconds = pace * (1.5 + 0.1 * rng.normal(size=41).cumsum() / 6)
    distance = np.linspace(0, 4000, 600)
    return np.interp(distance, np.arange(41) * 100.0, seconds.cumsum() - seconds[0]), distance


def shifted(lap: Trace, metres: float) -> Trace:
    """The same drive by another logger, whose distance is some metres off."""
    return lap[0] + 0.003, np.minimum(lap[1] + metres * np.sin(lap[1] / 700), 4000.0)


def test_the_copies_among_the_real_laps_are_found_and_no_others() -> None:
    sessions = read_all(sorted((SHARED / "data" / "laps").glob("*.parquet")))
    traces = []
    for session in sessions:
        distance = np.maximum.accumulate(session.channel("LapDistance"))
        rises = np.r_[True, np.diff(distance) > 0]
        traces.append((session.times_s[rises], distance[rises]))
    names = [session.session[:15] for session in sessions]
    assert {(names[i], names[j]) for i, j in near_copies(traces)} == COPIES


def test_a_copy_is_found_beside_laps_of_other_drives() -> None:
    laps = [driven(seed) for seed in range(8)]
    assert near_copies(laps) == []
    assert near_copies([*laps, shifted(laps[2], 0.5)]) == [(2, 8)]


def test_two_laps_alone_are_copies_only_where_they_are_equal() -> None:
    assert near_copies([driven(1)]) == []
    assert near_copies([driven(1), driven(2)]) == []
    assert near_copies([driven(1), driven(1)]) == [(0, 1)]


def test_laps_of_one_session_and_copies_of_them_are_one_cluster() -> None:
    traces = {("car", f"s{seed}", 1.0): driven(seed) for seed in range(8)}
    traces["car", "s0", 2.0] = driven(20)
    traces["car", "s9", 1.0] = shifted(driven(20), 0.5)
    laps = pd.DataFrame(sorted(traces), columns=["vehicle", "session", "lap_number"])
    names = dict(zip(sorted(traces), clusters(laps, traces), strict=True))
    assert names["car", "s0", 1.0] == names["car", "s0", 2.0] == names["car", "s9", 1.0]
    assert len(set(names.values())) == 8
    assert len(set(clusters(laps, {}))) == 9


def test_groups_that_share_a_cluster_are_held_out_together_unless_nothing_is_left() -> None:
    lap = pd.Series(["a/1", "a/2", "b/1", "c/1"])
    together = held_together(lap, pd.Series(["a", "a", "b", "c"]))
    assert together[0] == together[1] and together.nunique() == 3
    vehicles = held_together(pd.Series(["x", "x", "y", "z"]), pd.Series(["a", "b", "b", "c"]))
    assert vehicles.nunique() == 2
    assert held_together(lap, pd.Series(["a"] * 4)).equals(lap)
