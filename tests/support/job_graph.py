"""The operators of features jobs, as Flink would run them. Starts no job and needs no server.

`python job_graph.py JOB...` prints JSON: for each job its operators, each [name, uid].
A job is written as views separated by commas, such as `van,car_state`; `van+` is the view `van`
with one more feature. The last view takes every vehicle.
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
    from pitwall.features import FeatureSet, last, session_time
    from pitwall.flink.cluster import job_options
    from pitwall.flink.submit import build, environment
    from pitwall.settings import Settings

    settings = Settings(home=home)
    views = job.split(",")
    sets = [
        FeatureSet(
            view.rstrip("+"),
            session_time(),
            last("Speed", *(["Brake"] if view.endswith("+") else [])),
            vehicles="*" if view == views[-1] else f"{view.rstrip('+')}*",
        )
        for view in views
    ]
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
