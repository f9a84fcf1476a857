"""The operators of features jobs, as Flink would run them. Starts no job and needs no server.

`python job_graph.py JOB...` prints JSON: for each job its operators, each [name, uid].

A job is written as views separated by commas, such as `van,car_state`, of which the last takes
every vehicle. `van+` is the view `van` with one more feature, of a channel that no other view
knows; `van%` is one with sectors; `van*` is one for other vehicles.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Operator:
    """One operator of a job. `uid` is None where Flink would compute one."""

    name: str
    uid: str | None


def operators(*jobs: str) -> list[list[Operator]]:
    """The operators of each of these jobs."""
    result = subprocess.run(
        [sys.executable, __file__, *jobs], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, (result.stdout + result.stderr)[-3000:]
    graphs = json.loads(result.stdout.splitlines()[-1])
    return [[Operator(name, uid) for name, uid in graph] for graph in graphs]


def _graph(job: str, home: Path) -> list[tuple[str, str | None]]:
    from pitwall.features import Channel, FeatureSet, last, sectors, session_time
    from pitwall.flink.cluster import job_options
    from pitwall.flink.submit import build, environment
    from pitwall.settings import Settings

    settings = Settings(home=home)
    names = job.split(",")
    sets = []
    for name in names:
        view = name.rstrip("+%*")
        more = [last(Channel("OilTemp", "°C", 0, 160))] if "+" in name else []
        parts = 5 if "%" in name else 3
        more += [sectors(parts)] if "%" in name else []
        vehicles = "*" if name == names[-1] else f"{view}-?" if "*" in name else f"{view}*"
        features = (session_time(), last("Speed"), *more)
        sets.append(FeatureSet(view, *features, sectors=parts, vehicles=vehicles))
    flink = environment(job_options(settings), settings, remote=False)
    build(flink, settings, sets)
    nodes = flink._j_stream_execution_environment.getStreamGraph(False).getStreamNodes().toArray()
    return [(node.getOperatorName(), node.getTransformationUID()) for node in nodes]


def main() -> None:
    """Print the operators of the jobs on the command line."""
    os.environ.setdefault("_python_worker_execution_mode", "process")
    with tempfile.TemporaryDirectory() as home:
        print(json.dumps([_graph(job, Path(home)) for job in sys.argv[1:]]))


if __name__ == "__main__":
    main()
