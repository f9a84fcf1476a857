"""The recurring work on the stack as Airflow DAGs: each runs one command of `./pitwall`, which says by its exit status how it went.

PITWALL_COMMAND is the program (default: `pitwall` on PATH), PITWALL_LAPS the folder of recorded laps for `backfill`,
PITWALL_REPOSITORY where the training tasks are listed.
"""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

COMMAND = shlex.quote(os.environ.get("PITWALL_COMMAND", "pitwall"))
LAPS = shlex.quote(os.environ.get("PITWALL_LAPS", "/srv/laps"))
REPOSITORY = Path(os.environ.get("PITWALL_REPOSITORY", Path(__file__).parents[2]))
TASKS = sorted(path.stem for path in (REPOSITORY / "training" / "tasks").glob("*.yaml"))

# Name: schedule (UTC; None: by hand), commands, what it is for.
RUNS = {
    "backfill": (
        None,
        [f"backfill {LAPS}"],
        "Recorded laps through the features job into the offline store, as when a feature is new.",
    ),
    "train": (
        None,
        [f"train {task}" for task in TASKS],
        "Every task trained and compared with its baselines.",
    ),
    "retrain": (
        "0 3 * * *",
        ["retrain"],
        "Trained anew where there are new laps, promoted past the gate.",
    ),
    "parity": (
        "15 * * * *",
        ["parity --at-least 99.9"],
        "What was served beside what the offline store gives.",
    ),
    "retention": (
        "30 4 * * *",
        ["retention --apply"],
        "Sessions older than PITWALL_RETENTION_<STORE>_DAYS are deleted.",
    ),
}

for name, (schedule, commands, text) in RUNS.items():
    with DAG(
        f"pitwall-{name}",
        description=text,
        schedule=schedule,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        max_active_tasks=1,
        tags=["pitwall"],
        default_args={"retries": 0 if name == "parity" else 1, "retry_delay": timedelta(minutes=5)},
    ):
        for command in commands:
            BashOperator(
                task_id=command.replace(" ", "-") if name == "train" else name,
                bash_command=f"{COMMAND} {command} --json",
                append_env=True,
                execution_timeout=timedelta(hours=2),
            )
