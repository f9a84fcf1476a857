"""One JSON object a log line, and one trace from tick to prediction."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from pitwall import logs
from pitwall.kafka.wire import iso, trace_id
from pitwall.serving.prediction import Prediction
from pitwall.settings import Settings


def test_a_line_is_an_object_whatever_it_says() -> None:
    try:
        raise ValueError('a "quoted"\nmessage')
    except ValueError as error:
        raised = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("pitwall.x", logging.ERROR, "x.py", 1, "it\n%s", ("is",), raised)
    record.trace_id = "0" * 32
    line = logs.Json().format(record)
    found = json.loads(line)
    assert "\n" not in line and found.keys() == {
        "time",
        "level",
        "logger",
        "message",
        "trace_id",
        "error",
    }
    assert (found["level"], found["logger"], found["message"]) == (
        "ERROR",
        "pitwall.x",
        "it\nis",
    ) and "quoted" in found["error"]


def test_only_in_json_are_loggers_taken_over(tmp_path: Path) -> None:
    logger, root = logging.getLogger("pitwall.test.own"), logging.getLogger()
    before, own = root.handlers, logging.NullHandler()
    logger.handlers = [own]
    try:
        logs.setup(Settings(home=tmp_path))
        assert logger.handlers == [own] and root.handlers is before
        logs.setup(Settings(home=tmp_path, log_format="json"))
        assert logger.handlers == [] and isinstance(root.handlers[0].formatter, logs.Json)
    finally:
        root.handlers = before
        logging.captureWarnings(False)


def test_a_prediction_names_the_trace_of_its_tick() -> None:
    event_time = iso(1_767_225_600_020_000)
    one = Prediction(
        "m", 1, "car", "s", event_time, event_time, 1.0, 0.0, 2.0, "s", "f", "d", "stream"
    )
    _, trace, span, flags = (
        dict(one.headers(one.prediction_id))["ce_traceparent"].decode().split("-")
    )
    assert (
        trace == trace_id("car", "s", "2026-01-01T00:00:00.020Z")
        and len(trace) == 32
        and len(span) == 16
        and flags == "01"
    )
    assert trace != trace_id("car", "s", "2026-01-01T00:00:00.040Z")
