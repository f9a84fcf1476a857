"""Asks the endpoint about the car all the time, and judges each answer as it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from pitwall.car.session import Session
from pitwall.lab.chaos.history import History
from pitwall.lab.chaos.model import MODEL
from pitwall.serving.listen import trust
from pitwall.settings import Settings

EVERY_S = 0.25
"""Pause between two questions."""
SLACK_S = 5.0
"""An answer may come so much later than `request_timeout_s` allows before it counts as hung."""
RIGHT, WRONG, HUNG, UNREACHABLE = "right", "wrong", "hung", "unreachable"


@dataclass(frozen=True)
class Asked:
    """One question. Times are seconds of the monotonic clock."""

    asked_s: float
    ended_s: float
    outcome: str
    """`RIGHT`, `WRONG`, `HUNG`, `UNREACHABLE`, or the error code of a refusal."""
    detail: str = ""
    event_us: int = 0
    """Event time of the features of a right answer, µs since the epoch."""
    prediction_id: str = ""
    value: float = 0.0


class Judge:
    """Judges answers about one session. `values` holds the model's value by event time (µs)."""

    def __init__(self, values: dict[int, float]) -> None:
        self._values = values
        self._newest_us = 0

    def outcome(self, status: int, body: Any) -> tuple[str, str]:
        """The outcome of an answer with this status and decoded body, and a detail of a wrong one.

        An answer is wrong where its value is not the model's for the tick that it names, where it
        goes back behind an answer before it, and where it denies features that were there.
        """
        if status != 200:
            code = str(body["error"]["code"]) if isinstance(body, dict) and "error" in body else ""
            if not code or code.startswith("unknown_") or status == 500:
                return WRONG, f"status {status}: {body}"
            return code, ""
        event_us = event_us_of(body)
        value = self._values.get(event_us)
        if value is None or not equal(body["value"], value):
            return WRONG, f"{body['value']} at {body['event_time']}, where {value} is right"
        if event_us < self._newest_us:
            return WRONG, f"{body['event_time']} lies before the answer before"
        self._newest_us = event_us
        return RIGHT, ""


class Asker(threading.Thread):
    """Asks about the session until it is closed; `asked` grows meanwhile.

    A question that has no answer within `request_timeout_s` and `SLACK_S` is hung.
    """

    def __init__(
        self, settings: Settings, session: Session, values: dict[int, float], history: History
    ) -> None:
        super().__init__(daemon=True, name="asker")
        self.asked: list[Asked] = []
        self._settings, self._history, self._judge = settings, history, Judge(values)
        self._question = {"model": MODEL, "vehicle": session.vehicle, "session": session.session}
        self._limit_s = settings.request_timeout_s + SLACK_S
        self._ready: Callable[[], bool] = lambda: True
        self._over = threading.Event()

    def start_when(self, ready: Callable[[], bool]) -> None:
        """Start the thread; its first question waits until `ready()` is true."""
        self._ready = ready
        self.start()

    def run(self) -> None:
        """Ask until `close`."""
        while not self._ready() and not self._over.wait(EVERY_S):
            pass
        token = self._settings.secret("token").get_secret_value()
        with httpx.Client(
            base_url=self._settings.serving_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=self._limit_s,
            verify=trust(self._settings),
        ) as client:
            while not self._over.is_set():
                asked = self._ask(lambda: client.post("/predict", json=self._question))
                self.asked.append(asked)
                self._history.count(f"answers {asked.outcome}")
                if asked.outcome in (WRONG, HUNG, UNREACHABLE):
                    self._history.note(
                        f"answer {asked.outcome}",
                        detail=asked.detail,
                        seconds=round(asked.ended_s - asked.asked_s, 2),
                    )
                self._over.wait(EVERY_S)

    def _ask(self, post: Callable[[], httpx.Response]) -> Asked:
        asked_s = time.monotonic()
        try:
            answer = post()
            body = answer.json()
            outcome, detail = self._judge.outcome(answer.status_code, body)
        except httpx.TimeoutException as error:
            return Asked(asked_s, time.monotonic(), HUNG, repr(error))
        except httpx.HTTPError as error:
            return Asked(asked_s, time.monotonic(), UNREACHABLE, repr(error))
        except ValueError:
            return Asked(asked_s, time.monotonic(), WRONG, f"no JSON: {answer.text[:200]}")
        if outcome != RIGHT:
            return Asked(asked_s, time.monotonic(), outcome, detail)
        return Asked(
            asked_s,
            time.monotonic(),
            RIGHT,
            event_us=event_us_of(body),
            prediction_id=body["prediction_id"],
            value=body["value"],
        )

    def close(self) -> None:
        """Stop asking, and wait for the last answer."""
        self._over.set()
        self.join()


def event_us_of(body: dict[str, Any]) -> int:
    """The event time of an answer, µs since the epoch; it is exact to the ms."""
    return round(datetime.fromisoformat(body["event_time"]).timestamp() * 1000) * 1000


def equal(value: float, right: float) -> bool:
    """Whether two predictions of one row are equal but for the order of their additions."""
    return abs(value - right) <= 1e-9 * max(1.0, abs(right))
