"""Starts modules of this package as child processes beside the measuring process."""

from __future__ import annotations

import subprocess
import sys
from typing import IO

from pitwall.machine import processes
from pitwall.settings import Settings
from pitwall.stores.environment import child_environment


def start_module(
    settings: Settings,
    module: str,
    *arguments: str,
    stdin: int | None = None,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `python -m MODULE ARGUMENT…` with the environment of the settings.

    The process gets SIGTERM when this one ends. `stdin`, `stdout` and `stderr` are those of
    `subprocess.Popen`.
    """
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=child_environment(settings),
        cwd=settings.repository,
        preexec_fn=processes.die_with_parent,
    )
