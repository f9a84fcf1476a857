"""What is known of each session: ticks, quality, laps, tags, and whether training takes it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from pitwall.errors import ModelError
from pitwall.models.circuit import Circuit
from pitwall.operations.sessions import Held
from pitwall.settings import Settings
from pitwall.stores.offline.marks import Key, Mark, marks
from pitwall.stores.offline.quality import Quality, qualities
from pitwall.training.laps import VIEW, counted, seen_laps


@dataclass(frozen=True)
class Lap:
    """One lap of a session in the offline store."""

    number: int
    time_s: float
    """NaN where the lap's end was not recorded."""
    length_m: float
    fault: str
    """Why training leaves it out; empty where it may take it."""


@dataclass(frozen=True)
class Summary:
    """One session."""

    vehicle: str
    session: str
    mark: Mark
    held: list[Held]
    quality: Quality | None
    """None where the offline store does not hold the session."""
    laps: list[Lap]

    @property
    def taken(self) -> list[Lap]:
        """The laps that training may take."""
        return [lap for lap in self.laps if not lap.fault]

    @property
    def circuit(self) -> Circuit | None:
        """The session's circuit, by the length of its laps; None without a lap to learn from."""
        lengths = sorted(lap.length_m for lap in self.taken)
        if not lengths:
            return None
        return Circuit(lengths[len(lengths) // 2], self.mark.circuit)

    @property
    def counts(self) -> bool:
        """Whether training takes laps of it, if they are of the circuit that is asked for."""
        return bool(self.taken)

    @property
    def training(self) -> str:
        """Whether the session counts for training, and why not, as a person reads it."""
        if self.mark.excluded is not None:
            return f"no, excluded: {self.mark.excluded}"
        if self.taken:
            return f"yes, {len(self.taken)} of {len(self.laps)} laps"
        reasons: dict[str, int] = {}
        for lap in self.laps:
            reasons[lap.fault] = reasons.get(lap.fault, 0) + 1
        return f"no, {counted(reasons)}" if reasons else "no, no lap is recorded"


def summaries(settings: Settings, held: list[Held], session: str | None = None) -> list[Summary]:
    """One summary for each session that is held, all of them or those of one name.

    The oldest comes first; sessions that the offline store does not hold come last. Raises
    `StoreError` where the offline store cannot be read.
    """
    known = marks(settings)
    quality = {(one.vehicle, one.session): one for one in qualities(settings, VIEW, session)}
    laps = _laps(settings, known)
    in_stores: dict[Key, list[Held]] = {}
    for one in held:
        if session in (None, one.session):
            in_stores.setdefault(one.key, []).append(one)
    keys = [*quality, *sorted(in_stores.keys() - quality.keys())]
    return [
        Summary(
            *key,
            known.get(key, Mark()),
            in_stores.get(key, []),
            quality.get(key),
            laps.get(key, []),
        )
        for key in keys
    ]


def _laps(settings: Settings, known: dict[Key, Mark]) -> dict[Key, list[Lap]]:
    """The laps by session; none where nothing is recorded, or the view's rows have no laps."""
    import duckdb

    laps: dict[Key, list[Lap]] = {}
    with suppress(ModelError, duckdb.BinderException):
        for row in seen_laps(settings, known).itertuples():
            lap = Lap(int(row.lap_number), float(row.lap_final), float(row.length_m), row.fault)
            laps.setdefault((row.vehicle, row.session), []).append(lap)
    return laps
