"""Controls a running job: takes a checkpoint of it, and stops it with a savepoint."""

from __future__ import annotations

import time

from pitwall.errors import JobError
from pitwall.flink.checkpoints import newest
from pitwall.flink.rest import get, post, running
from pitwall.settings import Settings


def settle(settings: Settings, name: str, patience_s: float = 120.0) -> None:
    """Take a checkpoint of the job and wait for it, at most `patience_s` seconds.

    Rows that the job emitted before this call are then readable in the offline store. Raises
    `JobError` when the job does not run, or no checkpoint is complete in that time.
    """
    job = running(settings, name)
    asked_ms = time.time() * 1000
    post(settings, f"/jobs/{job}/checkpoints", {})
    limit = time.monotonic() + patience_s
    while time.monotonic() < limit:
        latest = (get(settings, f"/jobs/{job}/checkpoints")["latest"] or {}).get("completed")
        if latest is not None and latest["trigger_timestamp"] >= asked_ms:
            time.sleep(0.3)  # the offline sink commits its files once the checkpoint is complete
            return
        time.sleep(0.2)
    raise JobError(
        f"no checkpoint of {name} in {patience_s:g} s; see {settings.log_dir / 'flink.log'}"
    )


def stop(settings: Settings, name: str, patience_s: float = 120.0) -> str:
    """Stop a running job with a savepoint and return the savepoint's URL.

    Raises `JobError` when the job does not run, or has no savepoint within `patience_s` seconds.
    """
    job = running(settings, name)
    trigger = post(
        settings,
        f"/jobs/{job}/stop",
        {"targetDirectory": f"{settings.flink_dir}/savepoints", "drain": False},
    )["request-id"]
    limit = time.monotonic() + patience_s
    while time.monotonic() < limit:
        try:
            answer = get(settings, f"/jobs/{job}/savepoints/{trigger}")
        except JobError:
            # A local cluster ends with its job, and then nobody answers any more.
            if (location := newest(settings)) is not None and "/savepoints/" in location:
                return location
            raise
        if answer["status"]["id"] == "COMPLETED":
            operation = answer["operation"]
            if "location" in operation:
                return str(operation["location"])
            raise JobError(
                f"no savepoint of {name}: {operation['failure-cause']['class']}; "
                f"see {settings.log_dir / 'flink.log'}"
            )
        time.sleep(0.1)
    raise JobError(f"no savepoint of {name} within {patience_s:.0f} s; see `./pitwall status`")
