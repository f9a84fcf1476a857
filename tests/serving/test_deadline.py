"""A call of the Kafka client that does not return is given up."""

from __future__ import annotations

import threading

import pytest
from confluent_kafka import KafkaError, KafkaException

from pitwall.serving.deadline import in_time


def test_a_call_that_does_not_return_is_given_up_by_its_name() -> None:
    over = threading.Event()
    with pytest.raises(
        KafkaException, match=r"send_offsets did not return within 0\.1 s"
    ) as raised:
        in_time(lambda: over.wait(), 0.1, "send_offsets")
    over.set()
    error = raised.value.args[0]
    assert error.code() == KafkaError._TIMED_OUT and not error.txn_requires_abort()


def test_a_call_that_returns_or_raises_does_so_here() -> None:
    called: list[int] = []
    in_time(lambda: called.append(1), 10, "one")
    assert called == [1]
    with pytest.raises(ZeroDivisionError):
        in_time(lambda: 1 / 0, 10, "division")
