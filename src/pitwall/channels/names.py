"""Names: which channel of the table a column of another logger, app or sim means.

The names stand in `names.yaml`, by source. A team adds its own in `feature_repo/names.yaml`, of the
same shape, which is asked before ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pitwall.channels.channel import Channel, channel_id
from pitwall.errors import UsageError

OWN = Path(__file__).with_name("names.yaml")
TEAM = "names.yaml"
"""Name of a team's file in its feature repository."""
ANY = "any"
"""The section that is asked for files of all sources."""
_MEANING = re.compile(
    r"(?P<sign>-?)(?P<channel>[^\W\d]\w*)( (?P<how>in|as) (?P<unit>\S.*?))?"
    r"( except (?P<missing>-?\d+))?( \((?P<note>.+)\))?"
)


@dataclass(frozen=True)
class Meaning:
    """What a column's name says about it."""

    channel: str | None
    """Name of the channel; None for a name that is not to be taken for one."""
    rank: tuple[int, int]
    """Of two columns with one meaning, the one of the lower rank is taken."""
    sign: int = 1
    """-1 where the source counts the other direction as positive."""
    unit: str = ""
    """Unit of the numbers where the file names none; empty: nobody knows it."""
    forced: bool = False
    """Whether `unit` holds whatever unit the file names."""
    note: str = ""
    """Why it is no channel."""
    missing: float | None = None
    """A number that the source writes where it has none."""
    told: bool = False
    """Whether the meaning is the source's own, so that unit and sign are known."""


@dataclass(frozen=True)
class Source:
    """One section of a file of names."""

    name: str
    formats: tuple[str, ...]
    columns: tuple[frozenset[str], ...]
    """Plain names of columns; a file that has all of one set is of the source."""
    meanings: Mapping[str, Meaning]
    """By the plain name of the column."""


class Names:
    """The names of all sources, a team's own before ours."""

    def __init__(self, *files: tuple[Source, ...]) -> None:
        self._files = files

    def source(self, format: str, columns: Iterable[str]) -> str:
        """Name of the source that a file of this format and with these columns is of.

        Empty where no section knows it.
        """
        plain_columns = {plain(column) for column in columns}
        sources = [source for file in self._files for source in file if source.name != ANY]
        for source in sources:
            if any(format.startswith(beginning) for beginning in source.formats):
                return source.name
        for source in sources:
            if any(columns <= plain_columns for columns in source.columns):
                return source.name
        return ""

    def meaning(self, source: str, column: str, channels: Mapping[str, Channel]) -> Meaning | None:
        """The meaning of a column's name in a file of `source`, or None for an unknown name.

        `channels` are the known channels by id; a name with the id of one of them means that one,
        unless its source says otherwise.
        """
        name = plain(column)
        for sections in ([source], [ANY]):
            for number, file in enumerate(self._files):
                for section in file:
                    if section.name in sections and (meaning := section.meanings.get(name)):
                        team = number < len(self._files) - 1
                        if sections == [source] or team or channel_id(column) not in channels:
                            return meaning
            if sections == [source] and (channel := channels.get(channel_id(column))):
                return Meaning(channel.name, (1, 0))
        return None


@cache
def load(repository: Path | None = None) -> Names:
    """Our names, and before them those of a feature repository that has a file of its own.

    Raises `UsageError`, naming the file and the entry, for a file that cannot be read as names.
    """
    own = read(OWN)
    team = repository / TEAM if repository else None
    return Names(read(team), own) if team and team.exists() else Names(own)


def read(path: Path) -> tuple[Source, ...]:
    """The sections of one file of names. Raises `UsageError` as `load` does."""
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{path}: not a readable YAML file ({_one_line(error)})") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: expected sections by source, such as `any:`")
    return tuple(_section(path, str(name), section) for name, section in content.items())


def plain(name: str) -> str:
    """A column's name as it is compared: its letters and digits in lower case."""
    return "".join(filter(str.isalnum, name)).casefold()


def _section(path: Path, name: str, section: Any) -> Source:
    known = {"formats", "columns", "names"}
    if not isinstance(section, dict) or set(section) - known:
        raise UsageError(
            f"{path}: section {name!r} is not made of {', '.join(sorted(known))}; "
            "see src/pitwall/channels/names.yaml"
        )
    meanings: dict[str, Meaning] = {}
    rank = 0
    for text, columns in (section.get("names") or {}).items():
        for column in columns if isinstance(columns, list) else [columns]:
            rank += 1
            place = (2 if name == ANY else 0, rank)
            meanings.setdefault(plain(str(column)), _meaning(path, name, str(text), place))
    columns = section.get("columns") or []
    sets = columns if columns and isinstance(columns[0], list) else [columns] if columns else []
    return Source(
        name,
        tuple(str(beginning) for beginning in section.get("formats") or ()),
        tuple(frozenset(plain(str(column)) for column in names) for names in sets),
        meanings,
    )


def _meaning(path: Path, section: str, text: str, rank: tuple[int, int]) -> Meaning:
    match = _MEANING.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{path}: {section}: {text!r} is no meaning; write `Channel`, `Channel in UNIT`, "
            "`-Channel as UNIT` or `none (why)`"
        )
    none = match["channel"].lower() == "none"
    return Meaning(
        None if none else match["channel"],
        rank,
        -1 if match["sign"] else 1,
        match["unit"] or "",
        match["how"] == "as",
        match["note"] or "",
        told=section != ANY,
        missing=float(match["missing"]) if match["missing"] else None,
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
