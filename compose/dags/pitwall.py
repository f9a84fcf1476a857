"""The recurring work on the stack as Airflow DAGs.

Each DAG runs commands of `./pitwall` and fails where a command ends with another status than 0.

PITWALL_COMMAND is the program (default: `pitwall` on PATH), PITWALL_LAPS the folder of recorded
laps for `backfill`, PITWALL_REPOSITORY the checkout whose training tasks are run.
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

# By the name of the DAG: schedule (UTC; None: started by hand), commands, description.
RUNS = {
    "backfill": (
        None,
        [f"backfill {LAPS}"],
        "Compute recorded laps anew into the offline store, for instance for a new feature.",
    ),
    "train": (
        None,
        [f"train {task}" for task in TASKS],
        "Train every task and compare it with its baselines.",
    ),
    "retrain": (
        "0 3 * * *",
        ["retrain"],
        "Train tasks that have new laps, and promote past the gate.",
    ),
    "parity": (
        "15 * * * *",
        ["parity --at-least 99.9"],
        "Compare what was served with what the offline store gives.",
    ),
    "retention": (
        "30 4 * * *",
        ["retention --apply"],
        "Delete sessions older than PITWALL_RETENTION_<STORE>_DAYS.",
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
