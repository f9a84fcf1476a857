"""The whole chain: stack, feature repository, laps, features, models, endpoint, one lap live."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.errors import JobError
from pitwall.lab.demo.report import Report, p50_and_p99, serving_models
from pitwall.lab.demo.watch import Asker, Background, Freshness, Tally
from pitwall.lab.demo.worker import Worker
from pitwall.lab.progress import Step, wait
from pitwall.local.stack import Stack
from pitwall.machine import jars, processes
from pitwall.recordings.sessions import Reading
from pitwall.settings import Settings

PATIENCE_S = 120.0
"""How long the chain may stand still before the run is given up."""
ROUND_THE_LINE_S = 2.0
"""So much is driven before and after a lap, so that the job sees both ends of it."""


def default_sessions() -> list[Session]:
    """Three sessions of two laps each, and a fourth of one lap, which begins now.

    Each has another driver. The seeds fix every lap.
    """
    from pitwall.car.simulator import simulate

    history = [simulate(laps=2, seed=seed) for seed in (1, 2, 3)]
    return [*history, simulate(laps=1, seed=4, start=datetime.now(UTC), suffix="live")]


def recorded_sessions(readings: Sequence[Reading]) -> list[Session]:
    """The sessions of recordings, of which the last one is to be driven live.

    A recording that comes alone is the history, and its last whole lap is driven once more as a
    session of its own; without such a lap, all of it is.
    """
    sessions = [reading.session for reading in readings]
    if len(readings) > 1:
        return sessions
    [reading], [session] = readings, sessions
    whole = [lap for lap in reading.laps if lap.whole]
    chosen = np.ones(len(session.times_s), bool)
    if whole:
        start_s = whole[-1].start_s + reading.shift_s - ROUND_THE_LINE_S
        end_s = whole[-1].end_s + reading.shift_s + ROUND_THE_LINE_S
        chosen = (session.times_s >= start_s) & (session.times_s <= end_s)
    live = replace(
        session,
        session=f"{session.session}-live",
        times_s=session.times_s[chosen],
        values=session.values[chosen],
        skipped=0,
    )
    return [session, live]


def run(
    settings: Settings,
    sessions: list[Session],
    live_speed: float | None,
    step: Step,
    serve: Callable[[Report], None] | None = None,
) -> Report:
    """Run the whole chain, and end the servers that it started. The last session is the live one.

    `sessions` are two or more. `live_speed` is in times real time, None for as fast as possible.
    With `serve` the page is up, too, and everything stays up while `serve` runs. Raises a
    `PitwallError` when a step fails.
    """
    chain = Chain(settings, sessions, step)
    jars.fetch(settings.cache_dir / "m2", step)
    with Stack(settings, lambda name, state: step(f"{name} {state}", None)) as stack:
        chain.start_servers(stack)
        chain.stream_history(stack)
        chain.train(stack, ["serving", "scorer", *(["page"] if serve else [])])
        chain.drive_live(live_speed)
        report = chain.check()
        if serve is not None:
            serve(report)
        step("stopping the servers", None)
    if serve is None:
        chain.done("stopped")
    return report


class Chain:
    """The steps of the chain, in their order. Each adds its figures to the report."""

    def __init__(self, settings: Settings, sessions: list[Session], step: Step) -> None:
        self._settings, self._step = settings, step
        self._started = time.monotonic()
        self._since_ms = int(time.time() * 1000)
        self._report = Report(sessions=len(sessions))
        *self._history, self._live = sessions
        self._session_ids = sorted({session.session for session in sessions})
        self._champions: list[str] = []

    def done(self, name: str) -> None:
        """Note in the report that this step is done now."""
        self._report.seconds = round(time.monotonic() - self._started, 1)
        self._report.steps[name] = self._report.seconds

    def start_servers(self, stack: Stack) -> None:
        """Start Kafka, Cassandra and S3. MLflow and the worker start meanwhile, without a wait."""
        self._settings.log_dir.mkdir(parents=True, exist_ok=True)
        stack.begin(["kafka", "cassandra", "s3", "mlflow"])
        self._worker = Worker(self._settings)
        stack.start(["kafka", "cassandra", "s3"])
        self._tally = Tally(self._settings, set(self._session_ids))
        self.done("servers")

    def stream_history(self, stack: Stack) -> None:
        """Apply the feature repository, start the features job, and send all but the last session.

        Kafka takes the ticks while the job still starts.
        """
        from pitwall.stores.applied import apply_where_new

        sending = Background(lambda: produce(self._settings, self._history, speed=None))
        self._step("feast apply", None)
        applying = Background(lambda: apply_where_new(self._settings))
        stack.begin(["flink"])
        applying.result()
        self.done("feast apply")
        stack.start(["flink"])
        self.done("flink job")
        self._report.ticks_sent = sending.result().ticks
        self._drain()
        self.done("history streamed")

    def train(self, stack: Stack, consumers: list[str]) -> None:
        """Train every task on the history, and wait until the `consumers` serve the champions.

        The consumers are the servers that use models.
        """
        from pitwall.training.tasks import tasks

        stack.start(["mlflow"])
        stack.begin(consumers)
        self._settle()
        session_ids = sorted({session.session for session in self._history})
        answers: dict[str, Any] = {}
        for name in tasks(self._settings):
            self._step(f"training {name}", None)
            answers[name] = self._worker.train(name, session_ids)
        self._report.models = serving_models(answers)
        self.done("models trained")
        versions = {
            name: model["version"]
            for name, model in self._report.models.items()
            if model.get("version") is not None
        }
        self._champions = list(versions)
        self._step("serving the champions", None)
        stack.start(consumers)
        if versions:
            _wait_for_champions(self._settings, versions)
        self.done("serving")

    def drive_live(self, speed: float | None) -> None:
        """Send the last session while freshness and predictions are watched."""
        freshness = Freshness(self._settings, self._live.vehicle, self._live.session)
        asker = Asker(self._settings, self._live, self._champions)
        freshness.start()
        asker.start()
        total, sent = len(self._live.times_s), 0

        def on_ticks(count: int) -> None:
            nonlocal sent
            sent += count
            self._step("live lap", sent / total)

        live = produce(self._settings, [self._live], speed=speed, on_ticks=on_ticks)
        self._report.ticks_sent += live.ticks
        self._drain()
        self.done("live lap")
        self._report.freshness_ms = p50_and_p99(freshness.stop())
        latencies_ms, self._report.examples = asker.stop()
        self._report.prediction_ms = p50_and_p99(latencies_ms)

    def check(self) -> Report:
        """Count rows, measure parity, and note whether the run is clean. Returns the report."""
        report = self._report
        self._settle()
        self._step("comparing served features with the offline store", None)
        report.parity = self._worker.parity(self._session_ids, self._since_ms)
        self._worker.close()
        report.online_rows = _online_rows(self._settings, self._session_ids)
        report.offline_rows = _offline_rows(self._settings, self._session_ids)
        report.ticks_out, report.dead_letters = self._tally.features, self._tally.dead_letters
        report.predictions = self._tally.predictions
        report.page = self._settings.page_url
        report.ok = bool(
            report.ticks_out + report.dead_letters == report.ticks_sent
            and not report.parity["mismatch"]
            and not report.parity["missing"]
            and report.parity["match"]
            and (report.predictions > 0 or not self._champions)
        )
        self._tally.close()
        self.done("checked")
        return report

    def _drain(self) -> None:
        """Wait until every tick that was sent is in the features or the dead letters.

        Raises `JobError` when the job ends, or when none comes for `PATIENCE_S`.
        """
        settings, tally, sent = self._settings, self._tally, self._report.ticks_sent
        log = settings.log_dir / "flink.log"
        last_count, last_growth = -1, time.monotonic()
        while (count := tally.features + tally.dead_letters) < sent:
            if count != last_count:
                last_count, last_growth = count, time.monotonic()
            if time.monotonic() - last_growth > PATIENCE_S:
                raise JobError(
                    f"{sent} ticks were sent, but for {PATIENCE_S:.0f} s there have been "
                    f"{count} features and dead letters; see {log}"
                )
            if processes.find(settings.run_dir, "flink") is None:
                raise JobError(f"the features job ended; see {log}")
            self._step("features", count / sent)
            time.sleep(0.1)

    def _settle(self) -> None:
        """Wait for the checkpoint that makes the last rows readable in the offline store."""
        from pitwall.flink.control import settle

        self._step("waiting for a checkpoint of the job", None)
        settle(self._settings, "features")


def _wait_for_champions(settings: Settings, versions: dict[str, int]) -> None:
    """Wait until the endpoint serves these versions. Raises `StackError` after `PATIENCE_S`."""
    import httpx

    from pitwall.serving.listen import trust

    url = f"{settings.serving_url}/models"
    token = settings.secret("token").get_secret_value()
    headers = {"Authorization": f"Bearer {token}"}

    def serves_all() -> bool:
        try:
            answer = httpx.get(url, headers=headers, timeout=5, verify=trust(settings))
            if not answer.is_success:
                return False
            served = {name: model["version"] for name, model in answer.json().items()}
        except (httpx.HTTPError, ValueError, TypeError):
            return False  # the endpoint is still starting
        return served == versions

    log = settings.log_dir / "serving.log"
    wait(serves_all, PATIENCE_S, f"the endpoint to load {versions}; see {log}")


def _online_rows(settings: Settings, session_ids: list[str]) -> int:
    """Number of rows that the online store has of these sessions."""
    from pitwall.stores.cassandra.connect import connect
    from pitwall.stores.cassandra.options import keyspace_of
    from pitwall.stores.names import cql_name, online_table

    session = connect(settings)
    try:
        table = f"{keyspace_of(settings)}.{cql_name(online_table('pitwall', 'car_state'))}"
        return sum(row[0] in session_ids for row in session.execute(f"SELECT session FROM {table}"))
    finally:
        session.cluster.shutdown()


def _offline_rows(settings: Settings, session_ids: list[str]) -> int:
    """Number of rows that the offline store has of these sessions."""
    from pitwall.stores.offline.database import count_rows
    from pitwall.stores.offline.files import recorded

    return count_rows(recorded(settings, "car_state"), session_ids)
