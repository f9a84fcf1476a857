"""The tables that SQL sees, and what both engines need beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pitwall.features import load
from pitwall.settings import Settings
from pitwall.stores.offline.columns import SESSION_COLUMNS

# Spark brings its own configuration where no appender is named, and reports a level other than
# its own; therefore this one has an appender that is off.
QUIET = """\
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
rootLogger.appenderRef.console.level = off
"""


@dataclass(frozen=True)
class Result:
    """Rows of a query, each with its values in the order of `columns`."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True)
class ViewTable:
    """The table of one feature view: its files lie in `folder`, a folder for each `event_date`."""

    name: str
    features: tuple[str, ...]
    folder: Path

    def columns(self, text: str, time: str) -> str:
        """The columns as in CREATE TABLE; `text` and `time` are the engine's names of types."""
        types = {
            name: text if name in SESSION_COLUMNS.keys else time for name in SESSION_COLUMNS.names
        } | dict.fromkeys(self.features, "DOUBLE")
        return ", ".join(f"`{name}` {kind}" for name, kind in types.items())


def tables(settings: Settings) -> Iterator[ViewTable]:
    """The tables of the feature views that have files."""
    for features in load(settings.feature_repo):
        folder = Path(settings.offline(features.name))
        if any(folder.glob("event_date=*")):
            yield ViewTable(features.name, tuple(features.names), folder)


def quiet_logging(settings: Settings) -> Path:
    """A configuration of Log4j that writes nothing.

    An engine's errors come as exceptions; its log would stand between the rows.
    """
    path = settings.home_dir / "conf" / "quiet.properties"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(QUIET)
    return path


def last_cause(text: str) -> str:
    """The last cause of a Java error, from its stack trace; else the first line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line.partition("Caused by: ")[2] for line in lines if "Caused by: " in line]
    return causes[-1] if causes else lines[0] if lines else "no message"
