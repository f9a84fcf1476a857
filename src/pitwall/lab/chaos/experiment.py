"""The whole experiment: servers, an undisturbed session, and drives under faults."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pitwall.car.session import Session
from pitwall.errors import StackError, UsageError
from pitwall.kafka.wire import iso
from pitwall.lab.chaos import plan
from pitwall.lab.chaos.arrivals import TopicReader, offline_differences, online_row_is_right
from pitwall.lab.chaos.asker import Asker, equal
from pitwall.lab.chaos.drive import drive, send_at_once
from pitwall.lab.chaos.faults import FAULTS
from pitwall.lab.chaos.history import History
from pitwall.lab.chaos.model import register_model
from pitwall.lab.chaos.troubles import Troubles, Watch
from pitwall.lab.chaos.verdict import Outcome, answers, topic
from pitwall.lab.chaos.world import BEHIND, World, opened
from pitwall.lab.progress import Step, wait
from pitwall.machine import jars
from pitwall.settings import Settings

RATE_HZ = 50.0
DRIVE_S, AFTER_S, HOLD_S = 20.0, 5.0, 8.0
"""Length of a drive under one fault, when the fault begins in it, and how long it lasts."""
PATIENCE_S = 180
"""How long rows, predictions and answers may take to be right once a drive is over."""


def fetch_jars(step: Step) -> None:
    """Fetch the jars of all servers, as long as the program still has the machine's network."""
    jars.fetch(Settings().cache_dir / "m2", step, ["flink-s3"])


def try_each(faults: Sequence[str], not_isolated: str, history: Path, step: Step) -> list[Outcome]:
    """Drive `DRIVE_S` under each of these faults alone, and compare with the undisturbed session.

    `not_isolated` says why the program has no network and disk of its own; empty where it has.
    A fault after which a server does not come back is the last one, and its outcome has an `error`.
    Raises `UsageError` for an unknown fault, and `StackError` when the servers do not start.
    """
    _check(faults)
    with _experiment(DRIVE_S, history, step) as experiment:
        refused = _refused(faults, experiment.world, not_isolated)
        outcomes = []
        for number, name in enumerate(faults):
            step(name, number / len(faults))
            rounds = [plan.one(name, AFTER_S, HOLD_S)]
            outcomes.append(
                Outcome(name, refused=refused[name])
                if name in refused
                else experiment.drive_under(name, rounds, {}, math.inf)
            )
            if outcomes[-1].error:
                break
    return outcomes


def try_many(
    faults: Sequence[str], minutes: float, seed: int, not_isolated: str, history: Path, step: Step
) -> Outcome:
    """Drive for so many minutes under faults and pairs of faults that follow from the seed.

    What `try_each` says of arguments and errors holds here, too.
    """
    _check(faults)
    with _experiment(minutes * 60, history, step) as experiment:
        refused = _refused(faults, experiment.world, not_isolated)
        experiment.world.history.note("seed", seed=seed, minutes=minutes, refused=refused)
        rounds = plan.rounds(seed, {name: FAULTS[name].parts for name in faults})
        step("faults", None)
        end_s = time.monotonic() + minutes * 60
        return experiment.drive_under(f"{minutes:g} minutes", rounds, refused, end_s)


def _check(faults: Iterable[str]) -> None:
    for name in faults:
        if name not in FAULTS:
            raise UsageError(f"there is no fault {name!r}; there are {', '.join(FAULTS)}")


def _refused(faults: Iterable[str], world: World, not_isolated: str) -> dict[str, str]:
    """Why this machine does not allow some of the faults, by their names."""
    reasons = {"": "", "namespaces": not_isolated, "compiler": world.knobs.refused}
    return {name: reason for name in faults if (reason := reasons[FAULTS[name].needs])}


@contextmanager
def _experiment(seconds: float, history: Path, step: Step) -> Iterator[_Experiment]:
    from pitwall.car.simulator import simulate
    from pitwall.stores.repository import apply

    lap = simulate(laps=1 + int(seconds / 60), seed=11, hz=RATE_HZ)
    ticks = int(seconds * RATE_HZ)
    lap = replace(lap, times_s=lap.times_s[:ticks], values=lap.values[:ticks])
    with History(history) as kept, opened(kept, step) as world:
        world.servers.start(BEHIND, patience_s=300)
        apply(world.settings)
        world.programs.start(["mlflow", "taskmanager"], patience_s=300)
        world.submit()
        experiment = _Experiment(world, lap)
        try:
            step("undisturbed", None)
            experiment.send_undisturbed()
            world.start()
            yield experiment
        finally:
            experiment.close()


@dataclass(frozen=True)
class _Expected:
    """What the undisturbed session gave, or must give."""

    session: Session
    rows: dict[int, bytes]
    """Values by event time, µs since the epoch."""
    values: dict[int, float]
    """The model's value by event time."""
    predictions: dict[str, float]
    """The model's value of each row that is scored, by event time in ISO 8601."""


class _Experiment:
    """Drives of the same session, with all that arrives of them."""

    def __init__(self, world: World, lap: Session) -> None:
        self.world = world
        self._lap = lap
        self._topics = TopicReader(world.settings, world.history)
        self._watch = Watch(world)
        self._expected = _Expected(lap, {}, {}, {})

    def send_undisturbed(self) -> None:
        """Send the session at once without a fault, and train the model on its rows.

        Raises `StackError` when a row does not arrive.
        """
        settings, session = self.world.settings, self._session("undisturbed")
        self._topics.start()
        self._watch.start()
        send_at_once(self.world, session)
        arrivals, ticks = self._topics.rows[session.session], len(session.times_s)
        wait(lambda: len(arrivals.copies) >= ticks, PATIENCE_S, f"{ticks} undisturbed rows")
        rows = {event: copies[0] for event, copies in sorted(arrivals.copies.items())}
        names = self._topics.newest[session.session].names
        matrix = np.array([np.frombuffer(values) for values in rows.values()])
        values = dict(zip(rows, register_model(settings, names, matrix).tolist(), strict=True))
        predictions = {iso(us): values[us] for us in first_of_slots(list(rows), settings.score_hz)}
        self._expected = _Expected(session, rows, values, predictions)

    def drive_under(
        self, name: str, rounds: Iterable[plan.Round], refused: dict[str, str], end_s: float
    ) -> Outcome:
        """Drive under these rounds of faults as long as they end before `end_s`; compare all."""
        world, expected, session = self.world, self._expected, self._session(name)
        rows = self._topics.rows[session.session]
        predictions = self._topics.predictions[session.session]
        restarts_before = self._watch.restarts
        world.history.note("drive", session=session.session, ticks=len(session.times_s))
        begun_s, last_us = time.monotonic(), max(expected.rows)
        troubles = Troubles(world, rounds, refused, end_s)
        asker = Asker(world.clients, session, expected.values, world.history)
        asker.start_when(lambda: bool(rows.copies))
        troubles.start()
        try:
            drive(world, session)
            episodes = troubles.wait()
            if troubles.error:
                world.history.note("verdict", fault=name, error=troubles.error)
                return Outcome(name, error=troubles.error)
            self._settle(
                lambda: len(rows.copies) >= len(expected.rows),
                lambda: len(predictions.copies) >= len(expected.predictions),
                lambda: bool(asker.asked) and asker.asked[-1].event_us == last_us,
            )
        finally:
            asker.close()
        published = self._topics.published
        ids = [one.prediction_id for one in asker.asked if one.prediction_id]
        self._settle(lambda: all(id in published for id in ids))
        since_s = min((episode.begun_s for episode in episodes), default=begun_s)
        offline_lost, offline_wrong = offline_differences(world.settings, session, expected.session)
        self._watch.look_at_job()
        outcome = Outcome(
            fault=name,
            rows=topic(rows, expected.rows, since_s),
            offline_lost=offline_lost,
            offline_wrong=offline_wrong,
            online_right=online_row_is_right(world.settings, session, expected.rows[last_us]),
            predictions=topic(predictions, expected.predictions, since_s, equal),
            answers=answers(asker.asked, published, episodes, last_us),
            restarts=self._watch.restarts - restarts_before,
            faults=dict(Counter(episode.fault for episode in episodes)),
        )
        world.history.note("verdict", **outcome.as_json())
        return outcome

    def _settle(self, *conditions: Callable[[], bool]) -> None:
        """Wait until all of these hold; what does not hold in time is counted by the verdict."""
        try:
            wait(lambda: all(condition() for condition in conditions), PATIENCE_S, "the last rows")
        except StackError as error:
            self.world.history.note("not settled", error=str(error))

    def _session(self, name: str) -> Session:
        return replace(self._lap, session=f"20260101-000000-{name.replace(' ', '-')}")

    def close(self) -> None:
        """Stop reading and watching."""
        for thread in (self._topics, self._watch):
            if thread.is_alive():
                thread.close()


def first_of_slots(events_us: Sequence[int], hz: float) -> list[int]:
    """The event times (µs, rising) that are the first of their slot of 1/`hz` s."""
    firsts: dict[int, int] = {}
    for event_us in events_us:
        firsts.setdefault(int(event_us * hz / 1e6 + 1e-6), event_us)
    return list(firsts.values())
