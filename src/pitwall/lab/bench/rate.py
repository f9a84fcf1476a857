"""Messages a second of a Flink job over a whole topic, watched through Flink's REST interface."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass

from pitwall.errors import JobError, PitwallError
from pitwall.flink.rest import get, jobs
from pitwall.lab.programs import start_module
from pitwall.machine import processes
from pitwall.settings import Settings

WARM_UP = 0.4
"""Share of the messages read before the clock starts: Java compiles the hot code meanwhile."""
READING_S = 0.5
"""Time between two readings of the source's counter."""


@dataclass
class Rate:
    """The pace of a job after its warm-up."""

    messages_s: float
    messages: int
    """Messages read in the measured time."""
    seconds: float


def measure(settings: Settings, stage: str, messages: int) -> Rate:
    """Run a stage of `pitwall.lab.bench.flink_stage` over the telemetry topic, in its own process.

    `messages` is how many the topic holds. Raises `JobError` with the end of the job's log when the
    job fails or its pace cannot be read.
    """
    log = settings.log_dir / f"bench-{stage}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        job = start_module(
            settings, "pitwall.lab.bench.flink_stage", stage, stdout=file, stderr=file
        )
        try:
            return _watch(settings, job, messages)
        except PitwallError as error:
            raise JobError(
                f"bench stage {stage}: {error}: {log.read_text(errors='replace')[-1500:]}"
            ) from error
        finally:
            processes.end([job.pid])
            job.wait()


def _watch(settings: Settings, job: subprocess.Popen[bytes], messages: int) -> Rate:
    """Read the source's counter until the job ends.

    The slowest sink holds the source back, so the source's pace is that of the whole job. A reading
    is a pair: time (s, monotonic clock) and number of messages read.
    """
    readings: list[tuple[float, int]] = []
    counter, seen_s = "", 0.0
    while job.poll() is None:
        time.sleep(READING_S)
        try:
            counter = counter or _counter(settings)
            seen_s = seen_s or time.monotonic()
            readings.append((time.monotonic(), int(get(settings, counter)[0]["sum"])))
        except (JobError, LookupError, ValueError, StopIteration):
            continue  # the job has not started yet, or has just ended
    measured = [(at, read) for at, read in readings if WARM_UP * messages <= read < messages]
    if len(measured) < 2 or measured[-1][1] == measured[0][1]:
        # The topic was read faster than Flink updates its counter. Take the whole topic then, from
        # the last reading of nothing to the first one of everything.
        before = [(at, read) for at, read in readings if read == 0][-1:] or [(seen_s, 0)]
        after = [(at, read) for at, read in readings if read >= messages][:1]
        measured = before + (after or [(time.monotonic(), messages)])
    if job.returncode or not seen_s:
        raise JobError(
            f"the job ended with {job.returncode} and {len(measured)} readings of its pace"
        )
    (start_s, first), (end_s, last) = measured[0], measured[-1]
    return Rate((last - first) / (end_s - start_s), last - first, end_s - start_s)


def _counter(settings: Settings) -> str:
    """The path in Flink's REST interface of the number of messages that the source has read."""
    (job,) = [job["jid"] for job in jobs(settings)]
    vertices = get(settings, f"/jobs/{job}")["vertices"]
    source = next(vertex["id"] for vertex in vertices if vertex["name"].startswith("Source"))
    path = f"/jobs/{job}/vertices/{source}/subtasks/metrics"
    name = next(
        metric["id"]
        for metric in get(settings, path)
        if metric["id"].startswith("Source") and metric["id"].endswith(".numRecordsIn")
    )
    return f"{path}?get={name}&agg=sum"
