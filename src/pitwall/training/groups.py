"""Which laps belong together: laps of one session, and near copies of one drive.

A model that has learned from a lap knows its near copy, and the laps of one session share driver,
car and weather. Laps that belong together are held out together, and count as one in standard
errors.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
Trace = tuple[Array, Array]
"""Lap time (s) and distance (m, rising) of the ticks of one lap."""
STEP_M = 100.0
"""Paces of two laps are compared over stretches of this length, or of a fiftieth of a short lap."""
NEAR = 0.2
"""Two laps are copies where their paces differ by less than this share of what two laps usually
differ by (medians over the stretches), and"""
EQUAL, EQUAL_SHARE = 0.03, 0.2
"""where they are equal on a fifth of the stretches or more: where they differ by less than 3 % of
what is usual there. So a copy with mistakes in it is found, too, and two laps at one pace are none.
Of the 325 pairs of the 26 real laps four are copies: equal on 67, 57, 27 and 21 % of the stretches.
The next pair is equal on 9 %."""
SAME_PACE = 1e-4
"""Laps whose paces differ by no larger share than this are copies, whatever the others do."""
MOST_LAPS = 400
"""What is usual is taken from at most so many laps, evenly chosen."""


def near_copies(traces: Sequence[Trace]) -> list[tuple[int, int]]:
    """The pairs of laps (i < j) that are recordings of one drive, or of most of it.

    Where more than two laps are copies, each is one of each other: laps are not chained.
    """
    if len(traces) < 2:
        return []
    length_m = min(float(distance[-1]) for _, distance in traces)
    grid = np.linspace(0, length_m, max(50, round(length_m / STEP_M)) + 1)
    times = np.array([np.interp(grid, distance, time) for time, distance in traces])
    paces = np.diff(times, axis=1)
    some = paces[:: -(-len(paces) // MOST_LAPS)]
    one, other = np.triu_indices(len(some), 1)
    # Stretch by stretch and lap by lap: all at once would take laps² × stretches of memory.
    usual = np.array([np.median(np.abs(at[one] - at[other])) for at in some.T])
    middles = [np.median(np.abs(some[i + 1 :] - lap), axis=1) for i, lap in enumerate(some[:-1])]
    limit = NEAR * float(np.median(np.concatenate(middles)))
    found: dict[tuple[int, int], float] = {}
    for i in range(len(paces) - 1):
        apart = np.abs(paces[i + 1 :] - paces[i])
        middle = np.median(apart, axis=1)
        equal = (apart < EQUAL * usual).mean(axis=1) >= EQUAL_SHARE
        same = middle <= SAME_PACE * float(np.median(paces[i]))
        for j in np.flatnonzero((equal & (middle < limit)) | same):
            found[i, i + 1 + int(j)] = float(middle[j])
    return _cliques(found)


def _cliques(apart: Mapping[tuple[int, int], float]) -> list[tuple[int, int]]:
    """The pairs within groups in which each two are a pair; the nearest pairs are joined first."""
    members: dict[int, list[int]] = {}
    for i, j in sorted(apart, key=lambda pair: (apart[pair], pair)):
        first, second = members.get(i, [i]), members.get(j, [j])
        if first is second:
            continue
        if all((min(a, b), max(a, b)) in apart for a in first for b in second):
            joined = [*first, *second]
            members.update(dict.fromkeys(joined, joined))
    return sorted(
        pair for pair in apart if pair[1] in members.get(pair[0], ()) and pair[0] in members
    )


def clusters(laps: pd.DataFrame, traces: Mapping[tuple[str, str, float], Trace]) -> list[str]:
    """The name of each lap's cluster; `laps` has vehicle, session and lap_number.

    `traces` holds the laps by these three; a lap without a trace is a copy of none. A cluster is
    named by the session of its first lap.
    """
    keys = [(lap.vehicle, lap.session, lap.lap_number) for lap in laps.itertuples()]
    known = [key for key in keys if key in traces]
    copies = [(known[i], known[j]) for i, j in near_copies([traces[key] for key in known])]
    names: dict[Hashable, str] = {}
    of_sessions = [f"{vehicle}/{session}" for vehicle, session, _ in keys]
    pairs = [(key, name) for key, name in zip(keys, of_sessions, strict=True)]
    for key, first in _components([*pairs, *copies]).items():
        names[key] = first
    return [names[key] for key in keys]


def held_together(groups: pd.Series, of_clusters: pd.Series) -> pd.Series:
    """What is held out together, a label for each row: groups that share a cluster are one.

    Where that leaves nothing to compare (all rows in one), the groups alone count.
    """
    pairs = pd.DataFrame({"group": groups, "cluster": of_clusters}).drop_duplicates()
    named = _components([(("", g), c) for g, c in pairs.itertuples(index=False)])
    together = groups.map(lambda group: named[("", group)])
    return groups if together.nunique() < 2 else together


def _components(pairs: Sequence[tuple[Hashable, Hashable]]) -> dict[Hashable, str]:
    """The connected components of a graph: for each node the first text that its component has."""
    parent: dict[Hashable, Hashable] = {}

    def root(node: Hashable) -> Hashable:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in pairs:
        first, second = root(one), root(other)
        if first != second:
            parent[second] = first
    names: dict[Hashable, str] = {}
    for node in parent:
        if isinstance(node, str):
            names.setdefault(root(node), node)
    return {node: names[root(node)] for node in parent}
