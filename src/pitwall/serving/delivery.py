"""Sends kept messages to Kafka, and tells a message that Kafka refuses from Kafka being away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from pitwall.kafka.clients import client_config
from pitwall.settings import Settings

ACK_MS = 5000
REFUSALS = frozenset(
    {
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.POLICY_VIOLATION,
        KafkaError.RECORD_LIST_TOO_LARGE,
    }
)
"""Errors that concern the message: it will be refused for as long as the topic is as it is."""
ABOUT_TOPICS = frozenset({KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION})
"""The client's own errors that Kafka's answers lead to. All others mean that none came."""

Kept = tuple[int, str, str, bytes, bytes]
"""Number, topic, key, value, headers as JSON."""


@dataclass
class Outcome:
    """What became of messages, by their numbers. All others wait."""

    taken: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    """Kafka's reason, by number."""
    errors: dict[int, str] = field(default_factory=dict)
    """Why the messages wait, by number."""
    away: bool = False
    """Whether Kafka did not answer."""


class Delivery:
    """A producer with the settings of the outbox. Used by one thread."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer(
            {**client_config(settings), "acks": "all", "linger.ms": 1, "message.timeout.ms": ACK_MS}
        )

    def send(self, messages: list[Kept]) -> Outcome:
        """Send these messages and wait until it is known of each what became of it.

        Kafka refuses a whole batch for one message in it. So each message that it refuses is sent
        once more by itself, and only what is refused then counts as refused.
        """
        outcome = self._send_together(messages)
        for message in messages:
            if outcome.refused.pop(message[0], None) is not None:
                alone = self._send_together([message])
                outcome.taken += alone.taken
                outcome.refused |= alone.refused
                outcome.errors |= alone.errors
                outcome.away |= alone.away
        return outcome

    def _send_together(self, messages: Iterable[Kept]) -> Outcome:
        outcome = Outcome()
        for number, topic, key, value, headers in messages:

            def on_delivery(
                error: KafkaError | None, _: Message | None, number: int = number
            ) -> None:
                if error is None:
                    outcome.taken.append(number)
                elif error.code() in REFUSALS:
                    outcome.refused[number] = error.str()
                else:
                    outcome.errors[number] = error.str()
                    outcome.away |= error.code() < 0 and error.code() not in ABOUT_TOPICS

            try:
                pairs: list[tuple[str, str | bytes | None]] = [
                    (name, text.encode()) for name, text in orjson.loads(headers)
                ]
                self._producer.produce(topic, value, key, headers=pairs, on_delivery=on_delivery)
            except KafkaException as error:
                on_delivery(error.args[0], None)
            except BufferError as error:
                outcome.errors[number], outcome.away = str(error), True
            except (TypeError, ValueError) as error:
                outcome.refused[number] = str(error)
        self._producer.flush(ACK_MS / 1000 + 5)
        return outcome
