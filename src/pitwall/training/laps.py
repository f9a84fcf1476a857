"""Which laps a model learns from: whole, plausible laps of one circuit; the others are counted."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pitwall.errors import ModelError
from pitwall.features import load
from pitwall.models.circuit import DISTANCE, FRACTION, SAME, Circuit
from pitwall.settings import Settings
from pitwall.stores.offline.laps import whole
from pitwall.stores.offline.marks import CIRCUIT, Key, Mark, marks

LOG = logging.getLogger("pitwall.training")
VIEW = "car_state"
FASTEST_M_S = 150.0
"""No car is faster, m/s."""
LEAP_M = 50.0
"""A distance may be wrong by so much between two ticks, for instance where it is corrected."""
NOT_WHOLE = "not recorded from start to end"
LEAPS = "whose distance leaps"
TOO_FAST = "faster than a car"
EXCLUDED = "of excluded sessions"
OTHER_LENGTH = "of another length"
OTHER_NAME = "of sessions without the circuit's tag"
LAPS_SQL = """
SELECT vehicle, session, lap_number, max(lap_time) AS longest, max(lap_distance) AS length_m,
    min(lap_from_start) AS from_start, max(lap_last_time) AS before,
    min(event_timestamp) AS first_tick, max(event_timestamp) AS last_tick,
    coalesce(max(leap_m), 0) AS leap_m
FROM (
    SELECT *, abs(lap_distance - lag(lap_distance) OVER tick)
        - ? * epoch_us(event_timestamp - lag(event_timestamp) OVER tick) / 1e6 AS leap_m
    FROM read_parquet(?, union_by_name = true, hive_partitioning = false)
    WHERE lap_number IS NOT NULL
    WINDOW tick AS (PARTITION BY vehicle, session, lap_number ORDER BY event_timestamp)
)
GROUP BY vehicle, session, lap_number ORDER BY session, vehicle, lap_number
"""


@dataclass(frozen=True)
class Choice:
    """The laps to learn from, their circuit, and the number of the others by reason.

    `laps` has the columns of `seen_laps`, without `fault`.
    """

    laps: pd.DataFrame
    circuit: Circuit
    left_out: dict[str, int]

    def __str__(self) -> str:
        sessions = _number(self.laps.groupby(["vehicle", "session"]).ngroups, "session")
        taken = f"{_number(len(self.laps), 'lap')} of {sessions}, circuit {self.circuit}"
        return f"{taken}; left out: {counted(self.left_out) or 'none'}"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def counted(reasons: dict[str, int]) -> str:
    """Numbers of laps by reason, as a person reads them."""
    return ", ".join(f"{count:,} {reason}" for reason, count in reasons.items() if count)


def seen_laps(
    settings: Settings,
    known: dict[Key, Mark] | None = None,
    whole_m: Sequence[float] = (),
) -> pd.DataFrame:
    """All laps in the offline store, and why a lap is not one to learn from.

    Columns: vehicle, session, lap_number, lap_final (s), length_m, first_tick, last_tick, circuit
    (the name that its session is tagged with, or empty) and fault, which is empty for a lap to
    learn from. A lap is whole as `pitwall.stores.offline.laps.whole` says. It is plausible if its
    distance leaps by no more than a car can go between two ticks, so a car that stands on the line
    makes no laps, and a jump to the pits ends none. `known` are the marks of sessions, read where
    they are not given; `whole_m` are lengths of whole laps that are stored elsewhere. Raises
    `ModelError` where nothing is recorded.
    """
    from pitwall.stores.offline.database import database
    from pitwall.stores.offline.files import files, recorded

    where = recorded(settings, VIEW)
    paths = files(where)
    if not paths:
        raise ModelError(
            f"no recorded features in {settings.offline(VIEW)}; "
            "stream some laps first (`./pitwall replay`)"
        )
    known = marks(settings) if known is None else known
    frame = database(where).execute(LAPS_SQL, [FASTEST_M_S, paths]).df()
    same = (frame["session"] == frame["session"].shift(-1)) & (
        frame["vehicle"] == frame["vehicle"].shift(-1)
    )
    follows = same & (frame["lap_number"].shift(-1) == frame["lap_number"] + 1)
    frame["lap_final"] = np.where(follows, frame["before"].shift(-1), frame["longest"])
    of_laps = [
        known.get(key, Mark()) for key in zip(frame["vehicle"], frame["session"], strict=True)
    ]
    frame["circuit"] = [mark.circuit for mark in of_laps]
    frame["fault"] = np.select(
        [
            np.array([mark.excluded is not None for mark in of_laps], bool),
            ~_whole(frame, follows, whole_m),
            frame["leap_m"] > LEAP_M,
            ~(frame["length_m"] <= FASTEST_M_S * frame["lap_final"]),
        ],
        [EXCLUDED, NOT_WHOLE, LEAPS, TOO_FAST],
        default="",
    ).astype(object)
    return frame.drop(columns=["leap_m", "longest", "before", "from_start"])


def _whole(frame: pd.DataFrame, follows: pd.Series, whole_m: Sequence[float]) -> Any:
    """Whether each lap is whole, beside laps of these lengths that are known to be."""
    others = len(whole_m)
    sessions = list(zip(frame["vehicle"], frame["session"], strict=True))
    return whole(
        [*sessions, *range(others)],
        np.r_[frame["from_start"], np.ones(others)],
        np.r_[frame["length_m"], whole_m],
        np.r_[follows, np.ones(others, bool)],
    )[: len(frame)]


def choose(
    settings: Settings,
    sessions: list[str] | None = None,
    circuit: str | float | Circuit | None = None,
    known: dict[Key, Mark] | None = None,
    whole_m: Sequence[float] = (),
) -> Choice:
    """The laps to learn from, of these sessions or of all; what is taken and left is logged.

    `circuit` is the name that sessions are tagged with, the length of a lap in metres, or a
    circuit. `known` and `whole_m` are as in `seen_laps`. Raises `ModelError` where no lap remains,
    and where the laps are not of one circuit:
    their lengths differ by more than `SAME`, or their sessions are tagged with several names.
    """
    frame = seen_laps(settings, known, whole_m)
    if sessions is not None:
        frame = frame[frame["session"].isin(sessions)]
    plausible = frame[frame["fault"] == ""]
    if plausible.empty:
        raise ModelError(
            f"no lap to learn from: {counted(_by_reason(frame['fault'])) or 'none was recorded'}; "
            "./pitwall sessions list shows them"
        )
    fault, chosen = _of_circuit(frame, plausible, circuit)
    taken = frame[fault == ""].drop(columns="fault").reset_index(drop=True)
    names = {
        name for view in load(settings.feature_repo) if view.name == VIEW for name in view.names
    }
    columns = tuple(name for name in (DISTANCE, FRACTION) if name in names)
    choice = Choice(taken, replace(chosen, columns=columns), _by_reason(fault))
    LOG.log(logging.WARNING if choice.left_out else logging.INFO, "%s", choice)
    return choice


def usual_length_m(settings: Settings) -> float:
    """Length of a lap of the circuit with most laps to learn from, m.

    Raises `ModelError` where there is none.
    """
    frame = seen_laps(settings)
    lengths = frame.loc[frame["fault"] == "", "length_m"].to_numpy()
    if not len(lengths):
        raise ModelError("no whole lap is recorded yet; stream some (`./pitwall replay`)")
    alike = (np.abs(lengths[:, None] / lengths[None, :] - 1) < SAME).sum(axis=1)
    middle = lengths[np.argmax(alike)]
    return float(np.median(lengths[np.abs(lengths / middle - 1) < SAME]))


def _of_circuit(
    frame: pd.DataFrame, plausible: pd.DataFrame, circuit: str | float | Circuit | None
) -> tuple[pd.Series, Circuit]:
    """Why each lap is left out (empty where it is taken), and the circuit of the others."""
    fault = frame["fault"].copy()
    asked_name = circuit.name if isinstance(circuit, Circuit) else circuit
    length_m = circuit.length_m if isinstance(circuit, Circuit) else circuit
    if isinstance(asked_name, str) and asked_name:
        fault[(fault == "") & (frame["circuit"] != asked_name)] = OTHER_NAME
        if not (fault == "").any():
            raise _untagged(asked_name, plausible)
    if isinstance(length_m, float | int):
        fault[(fault == "") & ~frame["length_m"].map(Circuit(length_m).has)] = OTHER_LENGTH
        if not (fault == "").any():
            raise ModelError(
                f"no lap of {length_m:,.0f} m ± {SAME:.0%} to learn from; there are "
                f"{_lengths(plausible)}"
            )
    taken = frame[fault == ""]
    names = sorted(set(taken["circuit"]) - {""})
    lengths = taken["length_m"]
    measured = isinstance(length_m, float | int)
    if (not measured and lengths.max() > (1 + SAME) * lengths.min()) or len(names) > 1:
        remedy = "" if circuit else f"name the circuit (--circuit {_most(taken)}), or "
        raise ModelError(
            f"the laps are not of one circuit: there are {_lengths(taken)}; {remedy}"
            "leave sessions out: ./pitwall sessions exclude SESSION --reason TEXT"
        )
    name = names[0] if names and taken["circuit"].all() else ""
    return fault, Circuit(round(float(lengths.median()), 3), name)


def _untagged(name: str, plausible: pd.DataFrame) -> ModelError:
    names = sorted(set(plausible["circuit"]) - {""})
    return ModelError(
        f"no session with laps to learn from is tagged {CIRCUIT}{name} (there are: "
        f"{', '.join(names) or 'none'}); tag them: ./pitwall sessions tag SESSION {CIRCUIT}{name}"
    )


def _clusters(laps: pd.DataFrame) -> list[pd.DataFrame]:
    """The laps in groups of one name and of lengths within `SAME` of the shortest, most first."""
    groups = []
    for _, named in laps.groupby("circuit"):
        rest = named.sort_values("length_m")
        while len(rest):
            near = rest["length_m"] <= (1 + SAME) * rest["length_m"].iloc[0]
            groups.append(rest[near])
            rest = rest[~near]
    return sorted(groups, key=len, reverse=True)


def _lengths(laps: pd.DataFrame) -> str:
    groups = _clusters(laps)
    texts = [
        f"{_number(len(group), 'lap')} of {Circuit(float(group['length_m'].median()), name)}"
        for group in groups[:5]
        for name in [group["circuit"].iloc[0]]
    ]
    return ", ".join(texts) + (f" and {len(groups) - 5} more" if len(groups) > 5 else "")


def _most(laps: pd.DataFrame) -> str:
    """What `--circuit` takes for the circuit with most laps."""
    group = _clusters(laps)[0]
    name = str(group["circuit"].iloc[0])
    return repr(name) if name else f"{group['length_m'].median():.0f}"


def _by_reason(fault: pd.Series) -> dict[str, int]:
    return {str(reason): count for reason, count in Counter(fault).most_common() if reason}
