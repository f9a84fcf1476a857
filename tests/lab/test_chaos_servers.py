"""Five minutes of faults on real servers lose nothing, and give nothing wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from seeds import new_seed

from pitwall.lab.chaos.faults import FAULTS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]
FAULTS_TRIED = [name for name in FAULTS if name != "fill-disk"]
"""After a full disk Cassandra 5.0.9 may refuse its own commit log, and not start again."""
KEPT = Path(__file__).parents[2] / ".pitwall" / "chaos"
"""The history stays here after a failure."""


def test_five_minutes_of_faults_lose_nothing() -> None:
    seed = new_seed() % 1_000_000
    history = KEPT / f"test-{seed}.jsonl"
    command = [sys.executable, "-m", "pitwall.cli.main", "chaos", *FAULTS_TRIED]
    arguments = ["--minutes", "5", "--seed", str(seed), "--history", str(history), "--json"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)
    (drive,) = answer["drives"]
    assert done.returncode == 0 and answer["ok"], (seed, drive["failures"], done.stderr)
    assert answer["seed"] == seed and sum(drive["faults"].values()) >= 3
    assert drive["rows"]["expected"] == 15_000 and drive["predictions"]["expected"] == 3000
    assert drive["answers"]["right"] > 100
    whats = [json.loads(line)["what"] for line in history.read_text().splitlines()]
    assert {"seed", "fault begins", "fault over", "counts", "verdict"} <= set(whats)
