"""One prediction as it stands on `p424-predictions`."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

import orjson


@dataclass(frozen=True)
class Prediction:
    """`event_time` is the feature row's, ISO 8601 UTC; `value` in `unit`; `source` is `endpoint` or `stream`."""

    model: str
    version: int
    vehicle: str
    session: str
    event_time: str
    value: float
    unit: str
    feature_service: str
    definitions: str
    source: str

    @property
    def prediction_id(self) -> str:
        """The same row scored by the same version has the same id."""
        parts = (self.model, str(self.version), self.vehicle, self.session, self.event_time, self.source)
        return hashlib.sha1("\x1f".join(parts).encode(), usedforsecurity=False).hexdigest()

    def message(self) -> bytes:
        """The JSON message, schema 1."""
        return orjson.dumps({"schema": 1, "prediction_id": self.prediction_id, **asdict(self)})
