"""The servers that faults act on, the proxies before them, and how all of it comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import psutil

from pitwall.errors import JobError, StackError
from pitwall.flink.rest import jobs
from pitwall.flink.status import features_job_state
from pitwall.flink.submit import submit_from_child
from pitwall.lab.chaos.history import History
from pitwall.lab.chaos.isolation import prepare, release
from pitwall.lab.chaos.knobs import Knobs
from pitwall.lab.chaos.links import Link, Links
from pitwall.lab.progress import Step, wait
from pitwall.local.stack import Stack, with_needs
from pitwall.local.state import ended_mark
from pitwall.machine import processes
from pitwall.machine.ports import http_ok
from pitwall.machine.sandbox import free_ports, sandbox
from pitwall.settings import Settings

BEHIND = ("kafka", "cassandra", "s3")
"""The servers that their clients reach by a proxy. The endpoint has one, too."""
SERVERS = (*BEHIND, "mlflow", "jobmanager", "taskmanager", "serving", "scorer")
LINKED = (*BEHIND, "serving")
COMES_BACK_S = 300.0
"""How long the servers and the job may take to run again after a fault."""


@dataclass
class World:
    """What a fault acts on. Its settings are those of clients: they name the proxies' ports."""

    settings: Settings
    servers: Stack
    """Kafka, Cassandra and S3, which listen behind their proxies."""
    programs: Stack
    """All others, which are clients of these."""
    links: dict[str, Link]
    knobs: Knobs
    history: History
    car_skew_s: float = 0.0
    """How far the clock that stamps the car's ticks is ahead, s."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def clients(self) -> Settings:
        """The settings of clients that reach the endpoint by its proxy, too."""
        return self.settings.model_copy(update={"serving_port": self.links["serving"].port})

    def processes_of(self, server: str) -> list[psutil.Process]:
        """The server's process and its children; none when it does not run."""
        running = processes.find(self.settings.run_dir, server)
        process = None if running is None else running.process
        try:
            return [] if process is None else [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self, server: str) -> None:
        """Send SIGKILL to the server, the parent first, and wait until its supervisor notices."""
        members = self.processes_of(server)
        for process in members:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        if members:
            mark = ended_mark(self.settings, server)
            wait(mark.exists, 30, f"the supervisor to notice the end of {server}")

    def start(self, names: Iterable[str] = SERVERS) -> None:
        """Start those of these servers that do not run, and the job when Flink has lost it.

        Tries again, because other faults may last, and raises what failed after `COMES_BACK_S`.
        """
        limit = time.monotonic() + COMES_BACK_S
        wanted = with_needs(names)
        while True:
            try:
                with self._lock:
                    behind = [name for name in wanted if name in BEHIND]
                    others = [name for name in wanted if name not in BEHIND]
                    self.servers.start(behind, patience_s=COMES_BACK_S)
                    self.programs.start(others, patience_s=COMES_BACK_S)
                    if "taskmanager" in wanted and not self._has_job():
                        self.submit()
                if "serving" in wanted:
                    wait(self._serves, COMES_BACK_S, "the endpoint to be ready")
                return
            except (StackError, JobError) as error:
                self.history.note("start failed", servers=wanted, error=str(error))
                if time.monotonic() > limit:
                    raise
                time.sleep(1)

    def submit(self) -> None:
        """Submit the features job to the cluster, and wait until it runs.

        Raises `JobError` when Flink refuses it, `StackError` when it does not run within 180 s.
        """
        submit_from_child(self.settings)
        wait(lambda: features_job_state(self.settings) == "RUNNING", 180, "the features job to run")

    def _serves(self) -> bool:
        return http_ok(f"{self.settings.serving_url}/ready")

    def _has_job(self) -> bool:
        return any(
            job["name"] == "features" and job["state"] not in ("FINISHED", "CANCELED", "FAILED")
            for job in jobs(self.settings)
        )


@contextmanager
def opened(history: History, step: Step) -> Iterator[World]:
    """A world in a sandbox, of which no server runs yet. All of it ends with the block."""
    with (
        sandbox(checkpoint_interval_s="2", checkpoint_url="s3://flink/chaos") as settings,
        ExitStack() as stack,
    ):
        prepare(settings)
        stack.callback(release, settings)
        knobs = Knobs(settings.repository / "knobs")
        ports = dict(zip(LINKED, free_ports(len(LINKED)), strict=True))
        behind = {f"{name}_port": ports[name] for name in BEHIND}
        behind_values: dict[str, str | int] = {
            **behind,
            "kafka_advertised": f"{settings.host}:{settings.kafka_port}",
        }
        links = {
            name: Link(settings.host, getattr(settings, f"{name}_port"), ports[name])
            for name in BEHIND
        }
        links["serving"] = Link(settings.host, ports["serving"], settings.serving_port)

        def report(name: str, state: str) -> None:
            step(f"{name} {state}", None)

        environment = {f"PITWALL_{name.upper()}": str(v) for name, v in behind_values.items()}
        servers = Stack(
            settings.model_copy(update=behind_values), report, {**knobs.environment, **environment}
        )
        programs = Stack(settings, report, knobs.environment)
        stack.enter_context(Links(links))
        stack.enter_context(servers)
        stack.enter_context(programs)
        try:
            yield World(settings, servers, programs, links, knobs, history)
        finally:
            for log in settings.log_dir.glob("*.log"):
                history.keep(log)
