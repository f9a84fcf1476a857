"""The whole chain: stack, feature repository, laps, features, models, endpoint, one lap live."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.errors import JobError, StackError
from pitwall.lab.demo.report import Report, percentiles, serving_models
from pitwall.lab.demo.watch import Asker, Background, Freshness, Tally
from pitwall.lab.demo.worker import Worker
from pitwall.local.stack import Stack
from pitwall.machine import jars, processes
from pitwall.settings import Settings

Step = Callable[[str, float | None], None]
"""Told of progress: a text and the share done (0 to 1, or None)."""
PATIENCE_S = 60.0


def default_sessions() -> list[Session]:
    """Three drivers with two laps each, and a fourth who drives one lap live, from now.

    The seed fixes every lap.
    """
    from pitwall.car.simulator import simulate

    history = [simulate(laps=2, seed=seed) for seed in (1, 2, 3)]
    return [*history, simulate(laps=1, seed=4, start=datetime.now(UTC), suffix="live")]


def run(
    settings: Settings,
    sessions: list[Session],
    live_speed: float | None,
    step: Step,
    serve: Callable[[Report], None] | None = None,
) -> Report:
    """Run the whole chain and end what it started. The last session is the live one.

    `live_speed` is times real time, None as fast as it goes. With `serve` the page is up, too, and
    everything stays up while `serve` runs. Raises a `PitwallError` where the chain breaks.
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
        step("stopping what was started", None)
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
        self._history = sessions[:-1] if len(sessions) > 1 else sessions
        self._live = sessions[-1]
        self._names = sorted({session.session for session in sessions})
        self._champions: list[str] = []

    def done(self, name: str) -> None:
        """Note that a step is done."""
        self._report.seconds = round(time.monotonic() - self._started, 1)
        self._report.steps[name] = self._report.seconds

    def start_servers(self, stack: Stack) -> None:
        """Kafka, Cassandra and S3; MLflow and the worker begin meanwhile."""
        self._settings.log_dir.mkdir(parents=True, exist_ok=True)
        stack.begin(["kafka", "cassandra", "s3", "mlflow"])
        self._worker = Worker(self._settings)
        stack.start(["kafka", "cassandra", "s3"])
        self._tally = Tally(self._settings, set(self._names))
        self.done("servers")

    def stream_history(self, stack: Stack) -> None:
        """Apply the feature repository, start the features job, and send all but the last session.

        Kafka takes the ticks while the job still starts.
        """
        from pitwall.stores.applied import apply_where_new

        sent = Background(lambda: produce(self._settings, self._history, speed=None))
        self._step("feast apply", None)
        applied = Background(lambda: apply_where_new(self._settings))
        stack.begin(["flink"])
        applied.result()
        self.done("feast apply")
        stack.start(["flink"])
        self.done("flink job")
        self._report.ticks_sent = sent.result().ticks
        self._drain()
        self.done("history streamed")

    def train(self, stack: Stack, consumers: list[str]) -> None:
        """Train every task on the history, and serve the champions by these servers."""
        from pitwall.training.tasks import tasks

        stack.start(["mlflow"])
        stack.begin(consumers)
        self._settle()
        recorded = sorted({session.session for session in self._history})
        trained: dict[str, Any] = {}
        for name in tasks(self._settings):
            self._step(f"training {name}", None)
            trained[name] = self._worker.train(name, recorded)
        self._report.models = serving_models(trained)
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
        self._report.freshness_ms = percentiles(freshness.stop())
        latencies_ms, self._report.examples = asker.stop()
        self._report.prediction_ms = percentiles(latencies_ms)

    def check(self) -> Report:
        """Count rows, measure parity, and say whether the run is clean."""
        report = self._report
        self._settle()
        self._step("comparing what was served", None)
        report.parity = self._worker.parity(self._names, self._since_ms)
        self._worker.close()
        report.online_rows = _online_rows(self._settings, self._names)
        report.offline_rows = _offline_rows(self._settings, self._names)
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

        Raises `JobError` when nothing moves for `PATIENCE_S`.
        """
        settings, tally, sent = self._settings, self._tally, self._report.ticks_sent
        log = settings.log_dir / "flink.log"
        last, moved = -1, time.monotonic()
        while (out := tally.features + tally.dead_letters) < sent:
            if out != last:
                last, moved = out, time.monotonic()
            if time.monotonic() - moved > PATIENCE_S:
                raise JobError(
                    f"{sent} ticks were sent, but features and dead letters stand at {out} "
                    f"for {PATIENCE_S:.0f} s; see {log}"
                )
            if processes.find(settings.run_dir, "flink") is None:
                raise JobError(f"the features job ended; see {log}")
            self._step("features", out / sent)
            time.sleep(0.1)

    def _settle(self) -> None:
        """Wait for the checkpoint that makes the last rows visible in the offline store."""
        from pitwall.flink.control import settle

        self._step("waiting for the offline store's checkpoint", None)
        settle(self._settings, "features")


def _wait_for_champions(settings: Settings, versions: dict[str, int]) -> None:
    """Wait until the endpoint serves these versions. Raises `StackError` after `PATIENCE_S`."""
    import httpx

    from pitwall.serving.listen import trust

    limit = time.monotonic() + PATIENCE_S
    while time.monotonic() < limit:
        try:
            answer = httpx.get(f"{settings.serving_url}/models", timeout=5, verify=trust(settings))
            if answer.is_success:
                served = {name: model["version"] for name, model in answer.json().items()}
                if served == versions:
                    return
        except (httpx.HTTPError, ValueError, TypeError):
            pass
        time.sleep(0.2)
    raise StackError(
        f"the endpoint did not load {versions} in {PATIENCE_S:.0f} s; "
        f"see {settings.log_dir / 'serving.log'}"
    )


def _online_rows(settings: Settings, sessions: list[str]) -> int:
    from pitwall.stores.cassandra.connect import connect
    from pitwall.stores.cassandra.options import keyspace_of
    from pitwall.stores.names import online_table

    session = connect(settings)
    try:
        table = f'{keyspace_of(settings)}."{online_table("pitwall", "car_state")}"'
        return sum(row[0] in sessions for row in session.execute(f"SELECT session FROM {table}"))
    finally:
        session.cluster.shutdown()


def _offline_rows(settings: Settings, sessions: list[str]) -> int:
    from pitwall.stores.offline.database import count_rows
    from pitwall.stores.offline.files import recorded

    return count_rows(recorded(settings, "car_state"), sessions)
