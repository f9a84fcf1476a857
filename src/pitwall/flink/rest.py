"""A client of Flink's REST interface.

It uses urllib: a request takes 4 ms. With httpx one without a kept client takes 187 ms, and the
import 0.5 s or more, for which `./pitwall status` would wait (measured on two busy cores).
"""

from __future__ import annotations

import json
import urllib.request
from http.client import HTTPException
from typing import Any

from pitwall.errors import JobError
from pitwall.settings import Settings

TIMEOUT_S = 5


def get(settings: Settings, path: str) -> Any:
    """The decoded answer to a GET of `path`. Raises `JobError` when none comes within 5 s."""
    return _request(settings, path, None)


def post(settings: Settings, path: str, body: dict[str, Any]) -> Any:
    """The decoded answer to a POST of `body` as JSON. Raises `JobError` when Flink refuses it."""
    return _request(settings, path, json.dumps(body).encode())


def jobs(settings: Settings) -> list[dict[str, Any]]:
    """All jobs that Flink knows: `jid`, `name`, `state`, `start-time` (ms since epoch), `tasks`.

    Raises `JobError` when Flink does not answer.
    """
    overview: list[dict[str, Any]] = get(settings, "/jobs/overview")["jobs"]
    return overview


def running(settings: Settings, name: str) -> str:
    """Id of the running job of this name. Raises `JobError` when there is none."""
    for job in jobs(settings):
        if job["name"] == name and job["state"] in ("RUNNING", "RESTARTING"):
            return str(job["jid"])
    raise JobError(f"no job {name!r} runs on {settings.flink_url}; see `./pitwall jobs list`")


def _request(settings: Settings, path: str, body: bytes | None) -> Any:
    request = urllib.request.Request(
        settings.flink_url + path, body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)
    except (OSError, HTTPException, ValueError) as error:
        raise JobError(
            f"Flink at {settings.flink_url} does not answer {path}: {error}; see `./pitwall status`"
        ) from error
