"""The main job, end to end: stack, feature repository, laps, features, models, endpoint, one lap live, summary."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.errors import JobError, ModelError, StackError
from pitwall.local.stack import Stack
from pitwall.machine import jars
from pitwall.machine import processes as process
from pitwall.serving.listen import trust
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment


@dataclass
class Report:
    """What `demo --json` gives; see docs/cli.md of the project's pages."""

    ok: bool = False
    seconds: float = 0.0
    sessions: int = 0
    ticks_sent: int = 0
    ticks_out: int = 0
    dead_letters: int = 0
    online_rows: int = 0
    offline_rows: int = 0
    freshness_ms: dict[str, float | None] = field(default_factory=dict)
    models: dict[str, Any] = field(default_factory=dict)
    predictions: int = 0
    prediction_ms: dict[str, float | None] = field(default_factory=dict)
    parity: dict[str, int] = field(default_factory=dict)
    page: str | None = None
    steps: dict[str, float] = field(default_factory=dict)
    """Seconds from the start to the end of each step."""
    examples: list[dict[str, Any]] = field(default_factory=list)
    """One answer of each model for the live lap."""


class Tally:
    """Counts features, dead letters and predictions of this run's sessions as they appear on the topics."""

    def __init__(self, settings: Settings, sessions: set[str]) -> None:
        from confluent_kafka import Consumer, TopicPartition

        from pitwall.kafka.clients import client_config
        from pitwall.kafka.topics import end_offsets

        self.counts: Counter[str] = Counter()
        self._settings = settings
        self._sessions = sessions
        topics = (settings.features_topic, settings.dead_letters_topic, settings.predictions_topic)
        self._consumer = Consumer(
            {
                **client_config(settings),
                "group.id": "pitwall-demo",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 50,
            }
        )
        self._consumer.assign(
            [
                TopicPartition(t, partition, offset)
                for t in topics
                for partition, offset in end_offsets(settings, t).items()
            ]
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(2000, timeout=0.1):
                if message.error() is not None:
                    continue
                key = message.key()
                if key is None or key.decode() in self._sessions:
                    self.counts[message.topic()] += 1

    @property
    def features(self) -> int:
        """Feature rows."""
        return self.counts[self._settings.features_topic]

    @property
    def dead_letters(self) -> int:
        """Dead letters."""
        return self.counts[self._settings.dead_letters_topic]

    @property
    def predictions(self) -> int:
        """Predictions."""
        return self.counts[self._settings.predictions_topic]

    def close(self) -> None:
        """Stop counting."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()


class Freshness(threading.Thread):
    """Polls one entity's row and notes how long after its Kafka record each newly seen tick was readable, ms."""

    def __init__(self, settings: Settings, vehicle: str, session: str) -> None:
        super().__init__(daemon=True)
        from pitwall.serving.reader import FeatureReader

        self._reader = FeatureReader(settings)
        self._key = (vehicle, session)
        self._done = threading.Event()
        self._since = datetime.now(UTC)
        self.samples_ms: list[float] = []

    def run(self) -> None:
        """Until `stop`."""
        seen = None
        while not self._done.is_set():
            row = self._reader.read(*self._key, ())
            now = datetime.now(UTC)
            if row is not None and row[0] != seen and row[1] >= self._since:
                seen = row[0]
                self.samples_ms.append((now - row[1]) / timedelta(milliseconds=1))
            time.sleep(0.001)

    def stop(self) -> list[float]:
        """The samples."""
        self._done.set()
        self.join()
        return self.samples_ms


def percentiles(samples: list[float]) -> dict[str, float | None]:
    """p50 and p99, rounded to 0.1; None without samples."""
    if not samples:
        return {"p50": None, "p99": None}
    return {
        "p50": round(float(np.percentile(samples, 50)), 1),
        "p99": round(float(np.percentile(samples, 99)), 1),
    }


def default_sessions() -> list[Session]:
    """Three drivers with two laps each, and a fourth who drives one lap live, from now. The seed fixes every lap."""
    from pitwall.car.simulator import simulate

    return [simulate(laps=2, seed=seed) for seed in (1, 2, 3)] + [
        simulate(laps=1, seed=4, start=datetime.now(UTC), suffix="live")
    ]


def run(
    settings: Settings,
    sessions: list[Session],
    live_speed: float | None,
    step: Callable[[str, float | None], None],
    serve: Callable[[Report], None] | None = None,
) -> Report:
    """Run the whole chain; the last session is the live one. Ends what it started.

    `step(text, share)` is told of progress (share 0 to 1, or None). With `serve` everything stays up while it runs.
    Raises a `PitwallError` where the chain breaks.
    """
    started, since_ms = time.monotonic(), int(time.time() * 1000)
    report = Report(sessions=len(sessions))

    def done(name: str) -> None:
        report.steps[name] = round(time.monotonic() - started, 1)

    history, live = (sessions[:-1], sessions[-1]) if len(sessions) > 1 else (sessions, sessions[0])
    names = sorted({session.session for session in sessions})
    recorded = sorted({session.session for session in history})
    step("fetching jars", 0)
    jars.fetch(settings.cache_dir / "m2", lambda n, total: step(f"jars {n}/{total}", n / total))
    with Stack(settings, lambda name, state: step(f"{name} {state}", None)) as stack:
        stack.begin(["kafka", "cassandra", "s3", "mlflow"])
        stack.start(["kafka", "cassandra", "s3"])
        done("servers")
        tally = Tally(settings, set(names))
        fed = _Background(lambda: produce(settings, history, speed=None))
        step("feast apply", None)
        from pitwall.stores.repository import apply

        applied = _Background(lambda: apply(settings))
        stack.begin(["flink"])
        applied.result()
        done("feast apply")
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(recorded, file)
        stack.start(["flink"])
        done("flink job")
        trainer = _trainer(settings, file.name)
        report.ticks_sent = fed.result().ticks
        _drain(settings, tally, report.ticks_sent, step)
        done("history streamed")
        stack.start(["mlflow"])
        stack.begin(["serving", "scorer", "page"])
        _wait_offline(settings, names, report, step)
        step("training", None)
        report.models = _train(trainer, step)
        done("models trained")
        champions = [name for name, model in report.models.items() if "version" in model]
        step("serving the champions", None)
        stack.start(["serving", "scorer", "page"])
        if champions:
            _wait_champions(settings, {name: report.models[name]["serving"] for name in champions})
        done("serving")
        watch = Freshness(settings, live.vehicle, live.session)
        watch.start()
        asker = _Asker(settings, live, champions)
        asker.start()
        total = len(live.times_s)
        seen = [0]

        def on_ticks(count: int) -> None:
            seen[0] += count
            step(f"live lap {seen[0]}/{total} ticks", seen[0] / total)

        report.ticks_sent += produce(settings, [live], speed=live_speed, on_ticks=on_ticks).ticks
        _drain(settings, tally, report.ticks_sent, step)
        done("live lap")
        report.freshness_ms = percentiles(watch.stop())
        latencies, report.examples = asker.stop()
        report.prediction_ms = percentiles(latencies)
        _wait_offline(settings, names, report, step)
        from pitwall.monitoring.parity import compare, online_rows
        from pitwall.serving.served import logged

        served = [vector for vector in logged(settings, since_ms) if vector.session in names]
        parity = compare(settings, [*online_rows(settings, names), *served])
        report.parity = {
            "match": parity.match,
            "mismatch": parity.mismatch,
            "missing": parity.missing,
        }
        report.online_rows = _online_rows(settings, names)
        report.ticks_out, report.dead_letters = tally.features, tally.dead_letters
        report.predictions = tally.predictions
        report.page = settings.page_url
        accounted = report.ticks_out + report.dead_letters == report.ticks_sent
        report.ok = bool(
            accounted
            and not parity.mismatch
            and not parity.missing
            and parity.match
            and (report.predictions > 0 or not champions)
        )
        tally.close()
        done("checked")
        report.seconds = round(time.monotonic() - started, 1)
        if serve is not None:
            serve(report)
        step("stopping what was started", None)
    report.seconds = round(time.monotonic() - started, 1) if serve is None else report.seconds
    return report


class _Background:
    """A function in a thread; `result` waits and raises what it raised."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._outcome: list[Any] = []
        self._error: list[BaseException] = []

        def target() -> None:
            try:
                self._outcome.append(work())
            except BaseException as error:
                self._error.append(error)

        self._thread = threading.Thread(target=target, daemon=True)
        self._thread.start()

    def result(self) -> Any:
        self._thread.join()
        if self._error:
            raise self._error[0]
        return self._outcome[0]


class _Asker(threading.Thread):
    """Asks the endpoint about the live car, twenty times a second; keeps the latencies (ms) and each last answer."""

    def __init__(self, settings: Settings, live: Session, models: list[str]) -> None:
        super().__init__(daemon=True)
        self._settings, self._live, self._models = settings, live, models
        self._done = threading.Event()
        self._latencies: list[float] = []
        self._answers: dict[str, dict[str, Any]] = {}

    def run(self) -> None:
        import httpx

        token = self._settings.secret("token").get_secret_value()
        headers, verify = {"Authorization": f"Bearer {token}"}, trust(self._settings)
        with httpx.Client(
            base_url=self._settings.serving_url, headers=headers, verify=verify
        ) as client:
            while not self._done.is_set():
                for model in self._models:
                    question = {
                        "model": model,
                        "vehicle": self._live.vehicle,
                        "session": self._live.session,
                    }
                    before = time.perf_counter()
                    try:
                        answer = client.post("/predict", json=question)
                    except httpx.HTTPError:
                        continue
                    if answer.status_code == 200:
                        self._latencies.append((time.perf_counter() - before) * 1000)
                        self._answers[model] = answer.json()
                self._done.wait(0.05)

    def stop(self) -> tuple[list[float], list[dict[str, Any]]]:
        self._done.set()
        self.join()
        return self._latencies[2:], list(self._answers.values())


def _drain(
    settings: Settings, tally: Tally, sent: int, step: Callable[[str, float | None], None]
) -> None:
    """Wait until every tick sent is in the features or the dead letters. Raises `JobError` when nothing moves for 60 s."""
    last, moved = -1, time.monotonic()
    while (got := tally.features + tally.dead_letters) < sent:
        if got != last:
            last, moved = got, time.monotonic()
        if time.monotonic() - moved > 60:
            raise JobError(
                f"{sent} ticks were sent, but features and dead letters stand at {got} for 60 s; "
                f"see {settings.log_dir / 'flink.log'}"
            )
        if process.find(settings.run_dir, "flink") is None:
            raise JobError(f"the features job ended; see {settings.log_dir / 'flink.log'}")
        step(f"features {got}/{sent} ticks", got / sent)
        time.sleep(0.1)


def _offline_rows(settings: Settings, sessions: list[str]) -> int:
    from pitwall.stores.offline.files import recorded
    from pitwall.stores.offline.rows import count_rows

    return count_rows(recorded(settings, "car_state"), sessions)


def _wait_offline(
    settings: Settings,
    sessions: list[str],
    report: Report,
    step: Callable[[str, float | None], None],
) -> None:
    """Wait for the checkpoint that makes the last rows visible in the offline store."""
    from pitwall.flink.control import settle

    step("waiting for the offline store's checkpoint", None)
    settle(settings, "features")
    report.offline_rows = _offline_rows(settings, sessions)


def _trainer(settings: Settings, sessions_file: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pitwall.training.run",
            "--sessions",
            sessions_file,
            "--wait",
            "--promote",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(settings.log_dir / "training.log").open("w"),
        text=True,
        env=child_environment(settings),
        cwd=settings.repository,
        preexec_fn=process.die_with_parent,
    )


def _train(
    trainer: subprocess.Popen[str], step: Callable[[str, float | None], None]
) -> dict[str, Any]:
    models: dict[str, Any] = {}
    assert trainer.stdin is not None and trainer.stdout is not None
    trainer.stdin.write("go\n")
    trainer.stdin.close()
    for line in trainer.stdout:
        if line.startswith("{"):
            models.update(json.loads(line))
            step(f"trained {', '.join(models)}", None)
    if trainer.wait():
        raise ModelError("training failed; see .pitwall/logs/training.log")
    return models


def _wait_champions(settings: Settings, versions: dict[str, int]) -> None:
    import httpx

    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        try:
            answer = httpx.get(f"{settings.serving_url}/models", timeout=5, verify=trust(settings))
            if (
                answer.is_success
                and {name: model["version"] for name, model in answer.json().items()} == versions
            ):
                return
        except (httpx.HTTPError, ValueError, TypeError):
            pass
        time.sleep(0.2)
    raise StackError(
        f"the endpoint did not load {versions} in 60 s; see {settings.log_dir / 'serving.log'}"
    )


def _online_rows(settings: Settings, sessions: list[str]) -> int:
    from pitwall.stores.cassandra import connect, keyspace_of
    from pitwall.stores.names import online_table

    session = connect(settings)
    try:
        table = f'{keyspace_of(settings)}."{online_table("pitwall", "car_state")}"'
        return sum(row[0] in sessions for row in session.execute(f"SELECT session FROM {table}"))
    finally:
        session.cluster.shutdown()
