"""The built-in car: whole sessions of simulated laps on the built-in circuit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from scipy.ndimage import gaussian_filter1d

from pitwall.car.circuit import circuit
from pitwall.car.driving import Driver, speed_mps
from pitwall.car.sensors import channels
from pitwall.car.session import DEFAULT_VEHICLE, Session
from pitwall.channels.table import TABLE


def simulate(
    *,
    laps: int,
    seed: int,
    hz: float = 50.0,
    vehicle: str = DEFAULT_VEHICLE,
    start: datetime | None = None,
    suffix: str = "simulation",
) -> Session:
    """One session of flying laps with all channels of the table, which ends just past the line.

    It has `hz` ticks a second. The same arguments give the same session, bit for bit. The session's
    id is made of `start` (default: 2026-01-01 plus `seed` minutes) and `suffix`.
    """
    road = circuit()
    rng = np.random.default_rng(seed)
    driver = Driver(rng)
    n = len(road.s_m)
    run_in, run_out = 400, 60
    grips, powers = zip(*(driver.lap(road, number) for number in range(laps)), strict=True)
    index = np.r_[np.arange(n - run_in, n), np.tile(np.arange(n), laps), np.arange(run_out)]
    grip = np.r_[grips[0][-run_in:], np.concatenate(grips), grips[-1][:run_out]]
    power = np.r_[powers[0][-run_in:], np.concatenate(powers), powers[-1][:run_out]]
    speed = speed_mps(
        road, road.curvature_per_m[index], gaussian_filter1d(grip, 30), power, road.slope[index]
    )
    step = road.length_m / n
    s_grid = np.arange(len(index)) * step
    t_grid = np.r_[0, np.cumsum(step / (0.5 * (speed[1:] + speed[:-1])))]
    t_line = t_grid[run_in]
    times = np.arange(0, t_grid[-1] - t_line, 1 / hz)
    travelled = np.interp(times + t_line, t_grid, s_grid) - run_in * step
    v = np.interp(times + t_line, t_grid, speed)
    values = channels(road, times, travelled, v, hz, rng)
    if start is None:
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=seed)
    columns = [values[channel.name] for channel in TABLE]
    return Session(
        vehicle,
        f"{start:%Y%m%d-%H%M%S}-{suffix}",
        tuple(channel.name for channel in TABLE),
        tuple(channel.unit for channel in TABLE),
        np.asarray(np.round(times, 6), dtype=np.float64),
        np.column_stack(columns),
    )
