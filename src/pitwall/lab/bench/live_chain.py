"""The whole chain with cars live: job, endpoint and scorer, and perhaps clients of the endpoint."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx

from pitwall.lab.bench.cars import CARS, CHANNELS, HZ, cars, start_cars
from pitwall.lab.bench.model import MODEL, register_model
from pitwall.lab.bench.observation import Observation, observe
from pitwall.lab.bench.result import Load, machine_state
from pitwall.lab.bench.scheduled import Answers, answers_of, start_clients
from pitwall.lab.bench.stage import PARALLEL, stage
from pitwall.lab.progress import Step, wait
from pitwall.machine import processes
from pitwall.settings import Settings

WARM_UP_S = 120
"""Before that, the Java of Kafka, Flink and Cassandra still compiles."""
RESERVE_S = 60
"""The cars drive for this long beyond warm-up and measurement."""
PATIENCE_S = 120


@dataclass
class LiveRun:
    """One run of the chain."""

    conditions: dict[str, Any]
    """The machine and the load."""
    observation: Observation
    answers: Answers
    """What the clients received; nothing where there were none."""


def run_live(load: Load, seconds: float, rate_hz: float, step: Step) -> LiveRun:
    """Start the chain with cars, warm it up, and observe it for `seconds`.

    Meanwhile clients ask the endpoint `rate_hz` times a second; with 0 there are none. Raises
    `StackError` when a server ends or does not answer.
    """
    count, channels = load.cars or CARS, load.channels or CHANNELS
    conditions = machine_state()
    step("starting servers", None)
    with stage("kafka", "cassandra", "s3", "mlflow", rate_limit="1000000", **PARALLEL) as (
        settings,
        stack,
    ):
        from pitwall.stores.repository import apply

        apply(settings)
        register_model(settings)
        step("starting job, endpoint, scorer", None)
        stack.start(["flink", "serving", "scorer"])
        children = [start_cars(settings, count, channels, seconds + WARM_UP_S + RESERVE_S)]
        answers = Answers()
        try:
            questions = [
                {"model": MODEL, "vehicle": session.vehicle, "session": session.session}
                for session in cars(count, 1, 1)
            ]
            _wait_for_predictions(settings, questions)
            step("warming up", None)
            time.sleep(WARM_UP_S)
            if rate_hz:
                bodies = [json.dumps(question) for question in questions]
                children.append(start_clients(settings, seconds, rate_hz, bodies))
            observation = observe(settings, seconds, step)
            if rate_hz:
                answers = answers_of(children[-1])
        finally:
            processes.end([child.pid for child in children])
    conditions |= {"cars": count, "hz": HZ, "channels": channels}
    return LiveRun(conditions, observation, answers)


def _wait_for_predictions(settings: Settings, questions: list[dict[str, str]]) -> None:
    """Return once the endpoint answers each question, all within `PATIENCE_S`."""
    headers = {"Authorization": f"Bearer {settings.secret('token').get_secret_value()}"}
    unanswered, last_answer = list(questions), ""
    with httpx.Client(base_url=settings.serving_url, headers=headers) as client:

        def all_answered() -> bool:
            nonlocal last_answer
            while unanswered:
                answer = client.post("/predict", json=unanswered[0])
                if answer.status_code != 200:
                    last_answer = answer.text[:200]
                    return False
                del unanswered[0]
            return True

        wait(
            all_answered,
            PATIENCE_S,
            lambda: f"a prediction of {unanswered[0]['session']}: {last_answer}",
        )
