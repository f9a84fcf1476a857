"""CAN frames as ticks, by the messages and signals of a DBC file.

A frame is a tick with the signals that it carries, as the channels that they are: see
`can_channels`. A signal whose name stands in two messages is named `Message.Signal`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pitwall.car.bridges.can_channels import SignalChannel, channels_of
from pitwall.car.bridges.counts import Counts
from pitwall.car.bridges.intake import Arrival
from pitwall.car.bridges.ticks import Layout, Tick
from pitwall.channels import names
from pitwall.channels.channel import channel_id
from pitwall.channels.table import CHANNELS
from pitwall.channels.units import wire_factors
from pitwall.errors import LapFileError, WireError

MOST_DBC_BYTES = 64 << 20
MOST_LAYOUTS = 10_000
"""Layouts of multiplexed messages that are kept."""
SAME_CLOCK_S = 1.0
"""A bus whose times are so close to this machine's clock has the time of day."""
JUMP_S = 30.0
"""A bus's clock that runs so far off this machine's clock has jumped."""


class Frame(NamedTuple):
    """What a decoder needs of a CAN frame."""

    time_s: float
    """Time on the bus's own clock."""
    id: int
    is_extended: bool
    data: bytes
    is_error: bool = False
    is_remote: bool = False


class Signals:
    """The messages and signals of a DBC file, and the channels that they are by `known` names.

    Raises `LapFileError` for a file that is no DBC file or defines no signal.
    """

    def __init__(self, path: Path, known: names.Names | None = None) -> None:
        self.path = path
        database = _load(path)
        self._messages = {
            (message.frame_id, bool(message.is_extended_frame)): message
            for message in database.messages
            if message.signals
        }
        if not self._messages:
            raise LapFileError(f"{path}: defines no message with a signal; give the car's DBC file")
        counted = Counter(
            channel_id(signal.name)
            for message in self._messages.values()
            for signal in message.signals
        )
        signals: dict[tuple[str, str], tuple[str, str]] = {}
        for message in self._messages.values():
            for signal in message.signals:
                key = (message.name, signal.name)
                twice = counted[channel_id(signal.name)] > 1
                name = f"{message.name}.{signal.name}" if twice else signal.name
                signals[key] = name, (signal.unit or "").strip()
        self._channels: dict[tuple[str, str], SignalChannel] = channels_of(
            signals, known or names.load()
        )
        self._signals = signals
        self._layouts: dict[tuple[str, ...], Layout] = {}

    @property
    def units(self) -> dict[str, str]:
        """The unit of each channel, by its name; empty where the DBC file names none."""
        return {channel.name: channel.unit for channel in self._channels.values()}

    @property
    def renamed(self) -> dict[str, str]:
        """The channel of each signal that is sent under another name, by the signal's name."""
        return {
            self._signals[key][0]: channel.name
            for key, channel in self._channels.items()
            if channel.name != self._signals[key][0]
        }

    def doubts(self) -> list[str]:
        """What of the signals will not be taken as a channel of the table, one sentence each."""
        sentences = []
        units = self.units
        known = {name: CHANNELS[id] for name in units if (id := channel_id(name)) in CHANNELS}
        if not known:
            shown = ", ".join(list(units)[:6])
            sentences.append(
                f"{self.path}: none of its {len(units)} signals ({shown}) has the name of a known "
                "channel such as Speed; features of those channels will be empty"
            )
        for name, channel in known.items():
            unit = units[name]
            if not unit and channel.unit:
                sentences.append(
                    f"signal {name!r} has no unit in the DBC file; {channel.unit} is assumed"
                )
            elif unit != channel.unit and unit not in wire_factors(channel):
                sentences.append(
                    f"signal {name!r} has the unit {unit!r}, which is not understood as "
                    f"{channel.unit or 'a number'}; correct it in the DBC file"
                )
        return sentences

    def part(self, frame: Frame, vehicle: str, session: str, time_s: float) -> Tick | None:
        """The tick of one frame, None for a frame that the DBC file does not define.

        Raises `WireError` for a frame that is damaged.
        """
        if frame.is_error:
            raise WireError("error frame")
        message = self._messages.get((frame.id, frame.is_extended))
        if message is None or frame.is_remote:
            return None
        if len(frame.data) < message.length:
            raise WireError(
                f"{message.name} too short",
                f"frame {frame.id:#x} has {len(frame.data)} bytes, the DBC file {message.length}",
            )
        try:
            decoded = message.decode(frame.data, decode_choices=False)
        except Exception as error:
            # cantools raises errors of many types for values that no multiplexer has.
            raise WireError(
                f"{message.name} not decodable", f"frame {frame.id:#x}: {error}"
            ) from error
        layout = self._layout(message, tuple(decoded), vehicle, session)
        channels = [self._channels[message.name, signal] for signal in decoded]
        values = tuple(
            float(value) * channel.factor + channel.offset
            for channel, value in zip(channels, decoded.values(), strict=True)
        )
        return Tick(layout, time_s, values)

    def _layout(self, message: Any, signals: tuple[str, ...], vehicle: str, session: str) -> Layout:
        key = (vehicle, session, message.name, *signals)
        layout = self._layouts.get(key)
        if layout is None:
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts.clear()
            cycle_ms = message.cycle_time or 0
            layout = self._layouts[key] = Layout(
                vehicle,
                session,
                tuple(self._channels[message.name, signal].name for signal in signals),
                tuple(self._channels[message.name, signal].unit for signal in signals),
                round(1000 / cycle_ms, 3) if cycle_ms > 0 else 0.0,
            )
        return layout


class BusDecoder:
    """Makes ticks of a live bus's frames, in one session that begins with the first of them.

    Interfaces give a frame the time of day or the time since they were started. The session's clock
    follows the bus's own times. They are set against this machine's clock with the first frame of a
    connection, and again when they jump.
    """

    def __init__(self, signals: Signals, vehicle: str, counts: Counts, suffix: str = "can") -> None:
        self._signals = signals
        self._vehicle = vehicle
        self._counts = counts
        self._suffix = re.sub(r"[^\w.-]", "_", suffix)
        self._session = ""
        self._start_s = 0.0
        self._connection = -1
        self._ahead_s = 0.0
        """This machine's clock less the bus's."""

    @property
    def session(self) -> str:
        """The session's id; empty before the first frame."""
        return self._session

    def ticks(self, arrival: Arrival) -> Iterator[Tick]:
        """The tick of a frame; see `run.Decoder`."""
        frame: Frame = arrival.item
        if not math.isfinite(frame.time_s):
            raise WireError("frame without a time", f"frame {frame.id:#x} has {frame.time_s}")
        ahead_s = arrival.received_s - frame.time_s
        if arrival.connection != self._connection:
            self._connection = arrival.connection
            self._ahead_s = 0.0 if abs(ahead_s) < SAME_CLOCK_S else ahead_s
        elif abs(ahead_s - self._ahead_s) > JUMP_S:
            self._counts.rewound += 1
            self._ahead_s = ahead_s
        time_s = frame.time_s + self._ahead_s
        if not self._session:
            start = datetime.fromtimestamp(0, UTC) + timedelta(seconds=math.floor(time_s))
            self._start_s = float(math.floor(time_s))
            self._session = f"{start:%Y%m%d-%H%M%S}-{self._suffix}"
        part = self._signals.part(
            frame, self._vehicle, self._session, round(time_s - self._start_s, 6)
        )
        if part is None:
            self._counts.leave_out(f"{frame.id:#x}")
        else:
            yield part


def _load(path: Path) -> Any:
    import cantools

    try:
        if path.stat().st_size > MOST_DBC_BYTES:
            raise LapFileError(f"{path}: larger than {MOST_DBC_BYTES >> 20} MiB; give a DBC file")
        raw = path.read_bytes()
    except OSError as error:
        raise LapFileError(
            f"{path}: cannot be read ({error.strerror or error}); give the car's file: --dbc"
        ) from error
    try:
        # DBC files are in Windows-1252 by their makers, and in UTF-8 by many tools.
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    try:
        return cantools.database.load_string(text, database_format="dbc", strict=False)
    except Exception as error:
        # cantools raises errors of many types for text that is no DBC file.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LapFileError(f"{path}: not a readable DBC file ({reason})") from error
