"""How our programs and servers log.

They write lines for people or, with `PITWALL_LOG_FORMAT=json`, one JSON object a line for a log
store.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from pitwall.settings import Settings

LOG4J_TEXT = "%d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %c - %m%n"
LOG4J_JSON = (
    '{"time":"%d{yyyy-MM-dd\'T\'HH:mm:ss.SSS}{UTC}Z","level":"%p","logger":"%enc{%c}{JSON}",'
    '"message":"%enc{%m}{JSON}","error":"%enc{%xEx}{JSON}"}%n'
)
"""The layouts of Log4j, for Kafka and Flink."""


class Json(logging.Formatter):
    """One JSON object a line: `time` (ISO 8601, UTC), `level`, `logger` and `message`.

    An exception adds `error` with its traceback, and a line about one tick adds `trace_id`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if trace := getattr(record, "trace_id", None):
            line["trace_id"] = trace
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def setup(settings: Settings) -> None:
    """Where the settings say JSON, make every logger of this process write it to standard error.

    Loggers lose their own handlers. With text nothing changes.
    """
    if settings.log_format != "json":
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json())
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers = [handler]
    for name in list(logging.Logger.manager.loggerDict):
        logger = logging.getLogger(name)
        if logger.handlers:
            logger.handlers, logger.propagate = [], True


def uvicorn_file(settings: Settings) -> Path:
    """Write Uvicorn's configuration for JSON lines, and return its file."""
    path = settings.home_dir / "conf" / "uvicorn.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
    path.write_bytes(
        orjson.dumps(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "formatters": {"json": {"()": "pitwall.logs.Json"}},
                "handlers": {"out": handler},
                "root": {"handlers": ["out"], "level": "INFO"},
                "loggers": {"uvicorn.access": {"level": "WARNING"}},
            }
        )
    )
    return path


def logback(settings: Settings) -> str:
    """Logback's configuration for Cassandra and the S3 server, which write warnings and errors."""
    encoder = (
        '<encoder class="ch.qos.logback.classic.encoder.JsonEncoder"/>'
        if settings.log_format == "json"
        else "<encoder><pattern>%d %-5level %logger{20} %msg%n</pattern></encoder>"
    )
    return (
        '<configuration><appender name="out" class="ch.qos.logback.core.ConsoleAppender">'
        f'{encoder}</appender><root level="WARN"><appender-ref ref="out"/></root></configuration>'
    )


def log4j(settings: Settings) -> str:
    """The layout of Log4j that the settings ask for."""
    return LOG4J_JSON if settings.log_format == "json" else LOG4J_TEXT
