"""Namespaces of network and mounts, in which faults touch no other program of the machine."""

from __future__ import annotations

import os
import subprocess
import sys

from pitwall.errors import StackError
from pitwall.settings import Settings

DISK = "4g"
"""Size of the servers' disk in the namespace. They use a tenth of it."""
_ISOLATED = "PITWALL_CHAOS_ISOLATED"
"""The environment variable of a program that runs in namespaces of its own."""


def isolate() -> str:
    """Start this program anew in namespaces of its own.

    Returns only where that is not possible or not necessary: the reason why the machine does not
    allow it, or "" when the program runs in them already.
    """
    if os.environ.get(_ISOLATED):
        return ""
    command = [
        "unshare",
        "--net",
        "--mount",
        "--propagation",
        "private",
        *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]),
    ]
    try:
        attempt = subprocess.run(
            [*command, "ip", "link", "set", "lo", "up"], capture_output=True, text=True
        )
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    if attempt.returncode:
        return (attempt.stderr.strip().splitlines() or ["unshare failed"])[-1]
    os.environ[_ISOLATED] = "1"
    os.execvp(command[0], [*command, sys.executable, "-m", "pitwall.cli.main", *sys.argv[1:]])


def prepare(settings: Settings) -> None:
    """Bring up the namespace's network, and put the servers' state on a disk of its own.

    Does nothing outside such a namespace. Raises `StackError` when a command fails.
    """
    if not os.environ.get(_ISOLATED):
        return
    run_command("ip link set lo up")
    # The kernel takes the rule with the lowest number first, and that of local addresses is 0.
    # Rules that drop a port must come before it.
    run_command("ip rule add pref 100 lookup local")
    run_command("ip rule del pref 0")
    settings.home_dir.mkdir(parents=True, exist_ok=True)
    run_command(f"mount -t tmpfs -o size={DISK} pitwall {settings.home_dir}")


def release(settings: Settings) -> None:
    """Give the disk of `prepare` back, so that its folder can be deleted."""
    if os.environ.get(_ISOLATED):
        run_command(f"umount -l {settings.home_dir}")


def run_command(command: str) -> None:
    """Run a command line without a shell. Raises `StackError` with what it printed as error."""
    result = subprocess.run(command.split(), capture_output=True, text=True)
    if result.returncode:
        raise StackError(f"`{command}` failed: {result.stderr.strip()}")
