"""One prediction as `p424-predictions` carries it.

The value is JSON by `docs/prediction.schema.json`; the headers are CloudEvents attributes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from pitwall.errors import WireError
from pitwall.kafka.wire import trace_id

SCHEMA = 1
EVENT_TYPE = "pitwall.prediction.v1"


def _instant(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("it has no time zone")
    return text


Text = Annotated[str, Field(max_length=300)]
Instant = Annotated[str, Field(max_length=40), AfterValidator(_instant)]


class _Message(BaseModel):
    """The fields that our own readers use, as `docs/prediction.schema.json` has them."""

    model_config = ConfigDict(strict=True, extra="ignore")
    model: Annotated[str, Field(min_length=1, max_length=300)]
    version: Annotated[int, Field(ge=1, lt=1 << 31)]
    role: Literal["champion", "shadow"] = "champion"
    vehicle: Text
    session: Text
    event_time: Instant
    value: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat
    unit: Text


def read_prediction(value: bytes | None) -> dict[str, Any]:
    """The fields of one message of the predictions topic that our readers use.

    They are model, version, role, vehicle, session, event_time, value, low, high and unit, of the
    types that the schema says. Raises `WireError`, with key and value, for any other message.
    """
    try:
        return dict(_Message.model_validate_json(value or b""))
    except ValidationError as error:
        raise WireError(first_fault(error)) from None


def first_fault(error: ValidationError) -> str:
    """The first fault that pydantic found in a message: key, value, and what it should be."""
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"])) or "the message"
    return f"{key} is {ascii(first['input'])[:80]}: {first['msg']}"[:300]


@dataclass(slots=True)
class Prediction:
    """A predicted value with its interval `low` to `high`, all in `unit`.

    Do not change one; frozen, it would take three times as long to make.

    `event_time` is the time of the feature row and `record_time` the time of the car's record in
    Kafka, both ISO 8601 in UTC. `source` is `endpoint` or `stream`; `role` is `champion`, or
    `shadow` for a challenger's prediction.
    """

    model: str
    version: int
    vehicle: str
    session: str
    event_time: str
    record_time: str
    value: float
    low: float
    high: float
    unit: str
    feature_service: str
    definitions: str
    source: str
    role: str = "champion"

    @property
    def prediction_id(self) -> str:
        """A digest: the same row scored by the same version has the same id."""
        text = (
            f"{self.model}\x1f{self.version}\x1f{self.vehicle}\x1f{self.session}"
            f"\x1f{self.event_time}\x1f{self.record_time}\x1f{self.source}"
        )
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def message(self, prediction_id: str) -> bytes:
        """The message's value. Readers ignore unknown fields; a breaking change raises `schema`."""
        return orjson.dumps(
            {
                "schema": SCHEMA,
                "prediction_id": prediction_id,
                "model": self.model,
                "version": self.version,
                "role": self.role,
                "vehicle": self.vehicle,
                "session": self.session,
                "event_time": self.event_time,
                "record_time": self.record_time,
                "value": self.value,
                "low": self.low,
                "high": self.high,
                "unit": self.unit,
                "feature_service": self.feature_service,
                "definitions": self.definitions,
                "source": self.source,
            }
        )

    def headers(self, prediction_id: str) -> list[tuple[str, bytes]]:
        """CloudEvents 1.0 in Kafka's binary mode, with the tick's trace as W3C's `traceparent`."""
        trace = trace_id(self.vehicle, self.session, self.event_time)
        return [
            ("ce_specversion", b"1.0"),
            ("ce_id", prediction_id.encode()),
            ("ce_type", EVENT_TYPE.encode()),
            ("ce_source", f"/pitwall/{self.source}".encode()),
            ("ce_subject", f"{self.vehicle}/{self.session}".encode()),
            ("ce_time", self.event_time.encode()),
            ("ce_traceparent", f"00-{trace}-{prediction_id[:16]}-01".encode()),
            ("content-type", b"application/json"),
        ]
