"""Recordings of a CAN bus (`.blf`, `.asc`, `.log` of candump) as ticks of one session.

python-can reads the files. A line that it cannot read is damage and counted, and reading goes on
with the next one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from pitwall.car.bridges.can_bus import frame_of
from pitwall.car.bridges.can_frames import Frame, Signals
from pitwall.car.bridges.counts import Counts
from pitwall.car.bridges.ticks import Tick
from pitwall.errors import LapFileError, WireError

SUFFIXES = (".blf", ".asc", ".log")
LONGEST_LINE = 10_000
EPOCH_S = 1e8
"""A time of a frame above this counts from 1970, one below it from the start of the recording."""
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)
"""Start of a session whose recording does not tell its start."""
HEAD_IS_OVER = "no internal events logged\n"
"""What ends the head of an `.asc`, so that a reader in the middle of the file takes no line for
it."""


class Survey(NamedTuple):
    """What a recording holds, read once before anything is sent."""

    frames: int
    """Frames that the DBC file defines."""
    seconds: float
    """From the first of them to the last one."""
    first_s: float
    """Time of the first of them, on the recording's clock."""
    start: datetime | None
    """UTC start of the session, a whole second; None where the recording does not tell it."""


class Capture:
    """One recording of a CAN bus, with the DBC file that names its signals.

    Raises `LapFileError` for a file of another kind, for one that cannot be read, and for one
    without a frame that the DBC file defines.
    """

    def __init__(self, path: Path, signals: Signals) -> None:
        if path.suffix.lower() not in SUFFIXES:
            raise LapFileError(
                f"{path}: {path.suffix or 'no suffix'} is no recording of a CAN bus; give a "
                f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file"
            )
        self.path = path
        self._signals = signals
        self.counts = Counts()
        """What was met in the first reading."""
        self.survey = self._survey()

    def session_id(self, start: datetime | None, name: str | None) -> str:
        """The session's id: from `start`, else from the recording's own; `name` or the file's."""
        begin = start or self.survey.start or UNDATED
        stem = re.sub(r"[^\w.-]", "_", name or self.path.stem)
        return f"{begin.astimezone(UTC):%Y%m%d-%H%M%S}-{stem}"

    def ticks(self, vehicle: str, session: str, counts: Counts) -> Iterator[Tick]:
        """The ticks of the frames, in the order of the file.

        Session time 0 is the whole second before the first frame, or the first frame itself where
        the recording's clock does not count from 1970.
        """
        dated = self.survey.start is not None
        zero_s = math.floor(self.survey.first_s) if dated else self.survey.first_s
        for frame in self._frames(counts):
            time_s = round(frame.time_s - zero_s, 6)
            try:
                part = self._signals.part(frame, vehicle, session, time_s)
            except WireError as error:
                counts.damage(str(error.args[0]), ": ".join(map(str, error.args)))
                continue
            if part is None:
                counts.leave_out(f"{frame.id:#x}")
            else:
                yield part

    def _survey(self) -> Survey:
        frames, first_s, newest_s = 0, math.inf, -math.inf
        for frame in self._frames(self.counts):
            try:
                part = self._signals.part(frame, "", "", frame.time_s)
            except WireError as error:
                self.counts.damage(str(error.args[0]), ": ".join(map(str, error.args)))
                continue
            if part is None:
                self.counts.leave_out(f"{frame.id:#x}")
                continue
            frames += 1
            first_s, newest_s = min(first_s, frame.time_s), max(newest_s, frame.time_s)
        if not frames:
            raise LapFileError(
                f"{self.path}: {self.counts.received:,} frames, none of which {self._signals.path} "
                f"defines ({self.counts.sentence()}); give the DBC file of this car"
            )
        start = None
        if first_s >= EPOCH_S:
            start = datetime.fromtimestamp(0, UTC) + timedelta(seconds=math.floor(first_s))
        return Survey(frames, newest_s - first_s, first_s, start)

    def _frames(self, counts: Counts) -> Iterator[Frame]:
        """All frames with a finite time; damaged lines are counted."""
        reader = _blf if self.path.suffix.lower() == ".blf" else _text
        try:
            for frame in reader(self.path, counts):
                counts.received += 1
                if math.isfinite(frame.time_s):
                    yield frame
                else:
                    counts.damage("frame without a time", f"{self.path}: time {frame.time_s}")
        except OSError as error:
            raise LapFileError(
                f"{self.path}: cannot be read ({error.strerror or error}); give a file that can"
            ) from error


def _blf(path: Path, counts: Counts) -> Iterator[Frame]:
    from pitwall.car.bridges.can_blf import BoundedBlfReader

    number = 0
    try:
        with BoundedBlfReader(path) as reader:
            for message in reader:
                number += 1
                yield frame_of(message)
    except (OSError, LapFileError, WireError):
        raise
    except Exception as error:
        # python-can and zlib raise errors of many types for a damaged file.
        raise LapFileError(
            f"{path}: the BLF file is damaged after {number:,} frames "
            f"({_reason(error)}); is it cut off?"
        ) from error


def _text(path: Path, counts: Counts) -> Iterator[Frame]:
    """The frames of an `.asc` or `.log` file."""
    import can

    is_asc = path.suffix.lower() == ".asc"
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = _Lines(file, HEAD_IS_OVER if is_asc else "")
        reader: Any = (
            can.ASCReader(lines, relative_timestamp=False)  # type: ignore[arg-type]
            if is_asc
            else can.CanutilsLogReader(lines)  # type: ignore[arg-type]
        )
        shift: Callable[[float], float] = _as_utc() if is_asc else lambda time_s: time_s
        messages = iter(reader)
        while True:
            try:
                message = next(messages)
            except StopIteration:
                return
            except Exception as error:
                # A line without sense raises errors of many types, and ends the iterator.
                counts.received += 1
                counts.damage("line not readable", f"{path}: line {lines.number}: {_reason(error)}")
                lines.begin_again()
                messages = iter(reader)
                continue
            frame = frame_of(message)
            yield frame._replace(time_s=shift(frame.time_s))


def _as_utc() -> Callable[[float], float]:
    """Makes times of an `.asc` independent of this machine's zone.

    The file tells a date without a zone, which python-can takes for this machine's. It is taken for
    UTC.
    """
    offset_s: float | None = None

    def shift(time_s: float) -> float:
        nonlocal offset_s
        if offset_s is None:
            offset_s = 0.0
            if EPOCH_S <= time_s < 1e11:
                local = datetime.fromtimestamp(math.floor(time_s))
                offset_s = local.replace(tzinfo=UTC).timestamp() - math.floor(time_s)
        return time_s + offset_s

    return shift


class _Lines:
    """The lines of a text file as python-can takes them: bounded, counted, and in two parts."""

    def __init__(self, file: TextIO, head: str) -> None:
        self._file = file
        self._head = head
        self._is_head_due = False
        self.number = 0
        """Number of the line that was given last, from 1."""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self._is_head_due:
            self._is_head_due = False
            return self._head
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        return line

    def begin_again(self) -> None:
        """Prepare for another iterator of the same reader."""
        self._is_head_due = bool(self._head)

    def close(self) -> None:
        """Does nothing: who opened the file closes it."""


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
