"""Makes ticks of the packets of the F1 games: of motion, lap, telemetry, status and session."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pitwall.car.bridges import f1_packets
from pitwall.car.bridges.counts import Counts
from pitwall.car.bridges.f1_packets import CARS, MOTION, SESSION, Head, Motion, Values
from pitwall.car.bridges.intake import Arrival
from pitwall.car.bridges.ticks import Layout, Tick
from pitwall.channels.units import UNIT_FACTORS

LATE_S = 1.0
"""A packet that is older than the newest one by no more than this came late."""
LONGEST_STEP_S = 0.2
"""Two motions that are farther apart tell no acceleration."""
G_PER_MPS2 = UNIT_FACTORS["G"]["m/s²"]


class F1Decoder:
    """Makes ticks of packets. Packets of one time of the session are parts of one tick.

    A new session begins with another session of the game, and when its time falls back, as it does
    when a player rewinds. Packets without channels, late ones and those of a spectator are left out
    and counted.
    """

    def __init__(self, vehicle: str | None, counts: Counts) -> None:
        self._vehicle = vehicle
        self._counts = counts
        self._run: _Run | None = None

    @property
    def session(self) -> str:
        """Id of the newest session; empty before the first packet."""
        return self._run.session if self._run else ""

    def ticks(self, arrival: Arrival) -> Iterator[Tick]:
        """The part of a tick that a packet is; see `run.Decoder`."""
        packet: bytes = arrival.item
        head = f1_packets.head_of(packet)
        if head.packet not in (SESSION, *f1_packets.CARS_OF):
            self._counts.leave_out("packet without channels")
            return
        if head.session == 0 or head.car >= CARS:
            self._counts.leave_out("no car of the player")
            return
        motion: Motion | None = None
        values: Values = ((), (), ())
        if head.packet == SESSION:
            values = f1_packets.session_values(packet, head)
        else:
            fields = f1_packets.car_of(packet, head)
            if head.packet == MOTION:
                motion = Motion.of(fields)
            else:
                values = f1_packets.VALUES[head.packet](fields, head.format)
        if self._run is None or self._run.has_ended(head):
            earliest_s = self._run.start_s + 1 if self._run else 0.0
            start_s = max(math.floor(arrival.received_s), earliest_s)
            self._run = _Run(self._vehicle or f"F1 {head.format}", start_s, arrival, head)
        if head.time_s < self._run.newest_s:
            self._counts.leave_out("late packet")
            return
        if motion is not None:
            values = self._run.motion_values(motion, head.time_s)
        yield self._run.tick(head, values)


class _Run:
    """One session: its clock and the motion before."""

    def __init__(self, vehicle: str, start_s: float, arrival: Arrival, head: Head) -> None:
        self.start_s = start_s
        """Start of the session, seconds since the epoch, a whole number."""
        start = datetime.fromtimestamp(0, UTC) + timedelta(seconds=start_s)
        self.session = f"{start:%Y%m%d-%H%M%S}-f1"
        self.newest_s = head.time_s
        """Newest time of the game's session."""
        self._vehicle = vehicle
        self._game_session = head.session
        self._ahead_s = max(arrival.received_s - start_s, 0.0) - head.time_s
        self._motion: tuple[float, Motion] | None = None

    def has_ended(self, head: Head) -> bool:
        """Whether this packet is of another session."""
        return head.session != self._game_session or head.time_s < self.newest_s - LATE_S

    def motion_values(self, motion: Motion, time_s: float) -> Values:
        """The channels of a motion, and what it and the one before tell together.

        The makers do not say to which side their accelerations are positive. The change of the
        velocity along the car's own directions does: forward, and to the right.
        """
        before, self._motion = self._motion, (time_s, motion)
        lateral = longitudinal = yaw_rate = math.nan
        if before is not None and 0 < time_s - before[0] <= LONGEST_STEP_S:
            seconds = time_s - before[0]
            change = _less(motion.velocity, before[1].velocity)
            lateral = _along(change, motion.right) / seconds * G_PER_MPS2
            longitudinal = _along(change, motion.forward) / seconds * G_PER_MPS2
            turned = _less(motion.forward, before[1].forward)
            yaw_rate = math.degrees(_along(turned, motion.right) / seconds)
        names = (
            *("PositionX", "PositionY", "PositionZ", "AccelerationLat", "AccelerationLong"),
            *("AccelerationVert", "VelocityYaw", "Yaw", "Pitch", "Roll"),
        )
        units = ("m", "m", "m", "G", "G", "G", "deg/s", "rad", "rad", "rad")
        turns = (lateral, longitudinal, motion.vertical_g, yaw_rate)
        return names, units, (*motion.position, *turns, *motion.angles)

    def tick(self, head: Head, values: Values) -> Tick:
        """The part of a tick with these channels."""
        self.newest_s = head.time_s
        names, units, numbers = values
        layout = Layout(self._vehicle, self.session, names, units, 0.0)
        return Tick(layout, round(head.time_s + self._ahead_s, 6), numbers)


def _less(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(left - right for left, right in zip(one, other, strict=True))


def _along(vector: tuple[float, ...], direction: tuple[float, ...]) -> float:
    """The part of a vector along a direction of length 1."""
    return sum(left * right for left, right in zip(vector, direction, strict=True))
