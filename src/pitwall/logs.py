"""How our programs and servers log: lines for people or, with PITWALL_LOG_FORMAT=json, one JSON
object a line for a log store.
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
    '{"time":"%d{yyyy-MM-dd\'T\'HH:mm:ss.SSS}{UTC}Z","level":"%p","logger":"%enc{%c}{JSON}","message":"%enc{%m}{JSON}",'
    '"error":"%enc{%xEx}{JSON}"}%n'
)
"""Log4j's layouts, for Kafka and Flink."""


class Json(logging.Formatter):
    """One object a line: time, level, logger, message; `error` with its traceback; `trace_id` where
    the line is about one tick.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        found: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if trace := getattr(record, "trace_id", None):
            found["trace_id"] = trace
        if record.exc_info:
            found["error"] = self.formatException(record.exc_info)
        return orjson.dumps(found).decode()


def setup(settings: Settings) -> None:
    """In JSON, all loggers of this process, those with handlers of their own too."""
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
    """Uvicorn's own configuration for JSON lines."""
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


def logback_file(settings: Settings) -> Path:
    """Logback's configuration for Cassandra and the S3 server: warnings only.

    Without a configuration Logback writes every debug message.
    """
    encoder = (
        '<encoder class="ch.qos.logback.classic.encoder.JsonEncoder"/>'
        if settings.log_format == "json"
        else "<encoder><pattern>%d %-5level %logger{20} %msg%n</pattern></encoder>"
    )
    path = settings.home_dir / "conf" / "logback.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '<configuration><appender name="out" class="ch.qos.logback.core.ConsoleAppender">'
        f'{encoder}</appender><root level="WARN"><appender-ref ref="out"/></root></configuration>'
    )
    return path


def log4j(settings: Settings) -> str:
    """Log4j's layout."""
    return LOG4J_JSON if settings.log_format == "json" else LOG4J_TEXT
