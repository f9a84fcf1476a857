"""Clients that ask the endpoint at a set rate.

`python -m pitwall.lab.bench.scheduled SECONDS RATE_HZ QUESTION…` runs them in a process of their
own. Each question is the JSON body of a request; the questions take turns. A client does not ask
again before it has its answer, so answers that take longer than `CLIENTS / RATE_HZ` seconds lower
the rate.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field

import httpx

from pitwall.errors import StackError
from pitwall.lab.programs import start_module
from pitwall.settings import Settings

CLIENTS = 4
TIMEOUT_S = 20
END_S = 60
"""How long the process may go on after its last request is due."""


@dataclass
class Answers:
    """What the clients received."""

    times_ms: list[float] = field(default_factory=list)
    """Time of each request, refused ones included."""
    errors: dict[str, int] = field(default_factory=dict)
    """Number of requests that failed, by the endpoint's error code or the name of the exception."""


def start_clients(
    settings: Settings, seconds: float, rate_hz: float, questions: list[str]
) -> subprocess.Popen[bytes]:
    """Start the clients; they ask for `seconds`, together `rate_hz` times a second."""
    return start_module(
        settings,
        "pitwall.lab.bench.scheduled",
        str(seconds),
        str(rate_hz),
        *questions,
        stdout=subprocess.PIPE,
    )


def answers_of(clients: subprocess.Popen[bytes]) -> Answers:
    """Wait for the clients' end, and return what they received.

    Raises `StackError` when they fail or take longer than `END_S`.
    """
    try:
        output, _ = clients.communicate(timeout=END_S)
    except subprocess.TimeoutExpired as error:
        raise StackError(f"the clients of the endpoint did not end within {END_S} s") from error
    if clients.returncode:
        raise StackError(f"the clients of the endpoint ended with {clients.returncode}")
    return Answers(**json.loads(output))


async def _ask(settings: Settings, seconds: float, rate_hz: float, questions: list[str]) -> Answers:
    """Ask by `CLIENTS` clients at once; each request is sent when it is due, or later."""
    times_ms: list[float] = []
    errors: Counter[str] = Counter()
    headers = {
        "Authorization": f"Bearer {settings.secret('token').get_secret_value()}",
        "Content-Type": "application/json",
    }
    begun = time.perf_counter()

    async def client(first: int, http: httpx.AsyncClient) -> None:
        for number in range(first, round(seconds * rate_hz), CLIENTS):
            await asyncio.sleep(max(0.0, begun + number / rate_hz - time.perf_counter()))
            if time.perf_counter() > begun + seconds:
                return
            asked = time.perf_counter()
            try:
                answer = await http.post("/predict", content=questions[number % len(questions)])
                if answer.status_code != 200:
                    errors[answer.json()["error"]["code"]] += 1
            except httpx.HTTPError as error:
                errors[type(error).__name__] += 1
            times_ms.append((time.perf_counter() - asked) * 1000)

    async with httpx.AsyncClient(
        base_url=settings.serving_url, headers=headers, timeout=TIMEOUT_S
    ) as http:
        await asyncio.gather(*(client(first, http) for first in range(CLIENTS)))
    return Answers(times_ms, dict(errors))


def main() -> None:
    """Run the clients, and print their answers as JSON."""
    seconds, rate_hz, *questions = sys.argv[1:]
    answers = asyncio.run(_ask(Settings(), float(seconds), float(rate_hz), questions))
    print(json.dumps(asdict(answers)))


if __name__ == "__main__":
    main()
