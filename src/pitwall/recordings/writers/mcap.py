"""MCAP with JSON messages, by the mcap package and the conventions of Foxglove's schemas.

Topic `/telemetry` has a message for each tick, `/features` one for each row of features, `/laps`
one for each lap, at its start. A channel is a property of type number: its schema tells the unit,
and it is absent from a message where the tick has no value. A car with latitude and longitude has
`/gps` with `foxglove.LocationFix`, which Foxglove's map shows. Times are UTC to the nanosecond.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from pitwall.car.session import Session
from pitwall.channels.channel import channel_id
from pitwall.errors import UsageError
from pitwall.recordings.writers.export import Export, Written

TIME = {
    "type": "object",
    "title": "time",
    "properties": {
        "sec": {"type": "integer", "minimum": 0},
        "nsec": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    },
}
NUMBER = {"type": "number"}
FIX = {
    "timestamp": TIME,
    "frame_id": {"type": "string"},
    "latitude": NUMBER,
    "longitude": NUMBER,
    "position_covariance": {"type": "array", "items": NUMBER, "minItems": 9, "maxItems": 9},
    "position_covariance_type": {"type": "integer"},
}
"""Properties of `foxglove.LocationFix`."""
UNKNOWN = {"position_covariance": [0.0] * 9, "position_covariance_type": 0}
"""Fields of a fix whose accuracy is not known."""
POSITION = ("LATITUDE", "LONGITUDE")
DEGREES = ("deg", "°")
LAP = {
    "timestamp": TIME,
    "number": {"type": "integer"},
    "start_s": NUMBER,
    "duration_s": NUMBER,
    "whole": {"type": "boolean"},
}


def write(export: Export, path: Path) -> Written:
    """Write channels, features, laps and positions as MCAP.

    Raises `UsageError` for ticks before 1970, which MCAP cannot hold.
    """
    from mcap.writer import Writer

    start_ns = int(export.start.timestamp()) * 1_000_000_000
    session = export.session
    with path.open("wb") as file:
        writer: Any = Writer(file)
        writer.start(profile="", library="pitwall")
        facts = {
            "vehicle": session.vehicle,
            "session": session.session,
            "start": export.start.isoformat(),
        }
        writer.add_metadata("pitwall", facts)
        topics = _Topics(writer, start_ns)
        if session.names:
            topics.add("/telemetry", "pitwall.Telemetry", _numbers(session), _ticks(session))
        if export.features is not None:
            features = export.features
            topics.add("/features", "pitwall.Features", _numbers(features), _ticks(features))
        if export.laps:
            topics.add("/laps", "pitwall.Lap", LAP, _laps(export))
        ids = [channel_id(name) for name in session.names]
        if _has_position(session, ids):
            topics.add("/gps", "foxglove.LocationFix", FIX, _fixes(session, ids))
        writer.finish()
    return Written((path,))


class _Topics:
    """Adds topics to an MCAP file."""

    def __init__(self, writer: Any, start_ns: int) -> None:
        self._writer = writer
        self._start_ns = start_ns

    def add(
        self,
        topic: str,
        schema: str,
        properties: Mapping[str, Any],
        messages: Iterable[tuple[float, Mapping[str, Any]]],
    ) -> None:
        """Write a topic with its messages, each with its session time in seconds."""
        text = orjson.dumps({"title": schema, "type": "object", "properties": properties})
        schema_id = self._writer.register_schema(name=schema, encoding="jsonschema", data=text)
        channel = self._writer.register_channel(
            topic=topic, message_encoding="json", schema_id=schema_id
        )
        for sequence, (time_s, fields) in enumerate(messages):
            time_ns = self._start_ns + round(time_s * 1e6) * 1000
            if time_ns < 0:
                raise UsageError(f"session time {time_s} s lies before 1970; MCAP cannot hold it")
            stamp = {"sec": time_ns // 1_000_000_000, "nsec": time_ns % 1_000_000_000}
            self._writer.add_message(
                channel_id=channel,
                log_time=time_ns,
                publish_time=time_ns,
                sequence=sequence & 0xFFFFFFFF,
                data=orjson.dumps({"timestamp": stamp, **fields}),
            )


def _numbers(session: Session) -> dict[str, Any]:
    """The properties of a message with the session's channels."""
    properties: dict[str, Any] = {"timestamp": TIME}
    for name, unit in zip(session.names, session.units, strict=True):
        if name in properties:
            raise UsageError(
                f"session {session.session!r} has two columns {name!r}; MCAP holds one of a name"
            )
        properties[name] = {**NUMBER, "description": unit, "unit": unit} if unit else NUMBER
    return properties


def _ticks(session: Session) -> Iterable[tuple[float, Mapping[str, Any]]]:
    for time_s, row in zip(session.times_s.tolist(), session.values, strict=True):
        values = zip(session.names, row.tolist(), strict=True)
        yield time_s, {name: value for name, value in values if not math.isnan(value)}


def _laps(export: Export) -> Iterable[tuple[float, Mapping[str, Any]]]:
    for lap in export.laps:
        fields = {"number": lap.number, "start_s": lap.start_s, "whole": lap.whole}
        duration = {"duration_s": lap.end_s - lap.start_s} if lap.whole else {}
        yield lap.start_s, {**fields, **duration}


def _fixes(session: Session, ids: list[str]) -> Iterable[tuple[float, Mapping[str, Any]]]:
    columns = [ids.index(name) for name in POSITION]
    for time_s, row in zip(session.times_s.tolist(), session.values[:, columns], strict=True):
        latitude, longitude = row.tolist()
        if math.isfinite(latitude) and math.isfinite(longitude):
            place = {"latitude": latitude, "longitude": longitude}
            yield time_s, {"frame_id": session.vehicle, **place, **UNKNOWN}


def _has_position(session: Session, ids: list[str]) -> bool:
    """Whether the session has latitude and longitude, in degrees."""
    units = dict(zip(ids, session.units, strict=True))
    return all(units.get(name) in DEGREES for name in POSITION)
