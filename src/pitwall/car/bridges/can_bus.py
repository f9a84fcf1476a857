"""A live CAN bus as a source, by python-can and any of its interfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pitwall.car.bridges.can_frames import Frame
from pitwall.errors import StackError


def open_bus(interface: str, channel: str, bitrate: int | None) -> Any:
    """A bus of python-can."""
    import can

    options: dict[str, Any] = {} if bitrate is None else {"bitrate": bitrate}
    return can.Bus(interface=interface, channel=channel, **options)


class BusSource:
    """Frames of a CAN bus. Sends nothing."""

    def __init__(
        self,
        channel: str,
        interface: str = "socketcan",
        bitrate: int | None = None,
        bus: Callable[[str, str, int | None], Any] = open_bus,
    ) -> None:
        self.name = f"CAN bus {channel} ({interface})"
        self._interface = interface
        self._channel = channel
        self._bitrate = bitrate
        self._make = bus
        self._bus: Any = None

    def open(self) -> None:
        """Connect. Raises `StackError` where the interface or the channel is not there."""
        try:
            self._bus = self._make(self._interface, self._channel, self._bitrate)
        except Exception as error:
            # The drivers of python-can raise errors of many types.
            raise StackError(
                f"{self.name} cannot be opened ({_reason(error)}); see --channel, --interface and "
                f"`ip link show {self._channel}`"
            ) from error

    def take(self, timeout_s: float) -> Frame | None:
        """The next frame, None when none came. Raises `StackError` when the bus is gone."""
        try:
            message = self._bus.recv(timeout_s)
        except Exception as error:
            raise StackError(f"{self.name} cannot be read ({_reason(error)})") from error
        return None if message is None else frame_of(message)

    def close(self) -> None:
        """Disconnect."""
        bus, self._bus = self._bus, None
        if bus is not None:
            try:
                bus.shutdown()
            except Exception:
                # A bus that is gone cannot be shut down; there is nothing left to close.
                return


def frame_of(message: Any) -> Frame:
    """The frame of a message of python-can."""
    return Frame(
        float(message.timestamp),
        int(message.arbitration_id),
        bool(message.is_extended_id),
        bytes(message.data),
        bool(message.is_error_frame),
        bool(message.is_remote_frame),
    )


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
