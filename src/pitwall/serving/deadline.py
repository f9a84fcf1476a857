"""A time limit for calls of the Kafka client that keep none of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException


def in_time(call: Callable[[], object], seconds: float, name: str) -> None:
    """Call, and wait at most `seconds` for its end. Raises what it raised.

    Raises `KafkaException` (`_TIMED_OUT`, with the `name` of the call) when it has not returned by
    then. Its thread then waits on; it does not keep the process from ending.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True, name=name)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        reason = f"{name} did not return within {seconds:g} s"
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, reason))
    if raised:
        raise raised[0]
