from __future__ import annotations

import numpy as np
import pytest

from pitwall.car.circuit import circuit
from pitwall.car.session import Session
from pitwall.car.simulator import simulate
from pitwall.channels.table import TABLE


@pytest.fixture(scope="module")
def session() -> Session:
    return simulate(laps=3, seed=11)


def lap_times(session: Session) -> list[float]:
    distance, speed = session.channel("LapDistance"), session.channel("Speed") / 3.6
    crossings = np.flatnonzero(np.diff(distance) < -1000) + 1
    return np.diff(
        np.r_[0, session.times_s[crossings] - distance[crossings] / speed[crossings]]
    ).tolist()


def test_the_circuit_closes_and_is_kilometres_long() -> None:
    road = circuit()
    assert 3000 < road.length_m < 6000
    ends = np.hypot(road.x_m[0] - road.x_m[-1], road.z_m[0] - road.z_m[-1])
    assert ends == pytest.approx(road.s_m[1], rel=0.01)


def test_all_channels_of_the_table_are_sent_and_finite(session: Session) -> None:
    assert session.names == tuple(channel.name for channel in TABLE)
    assert np.isfinite(session.values).all()


def test_speed_is_the_derivative_of_distance(session: Session) -> None:
    speed = session.channel("Speed") / 3.6
    derivative = np.diff(session.channel("TotalDistance")) / np.diff(session.times_s)
    assert np.abs(derivative - (speed[1:] + speed[:-1]) / 2).max() < 0.1


def test_lateral_acceleration_is_speed_times_yaw_rate(session: Session) -> None:
    expected = session.channel("Speed") / 3.6 * np.radians(session.channel("VelocityYaw")) / 9.80665
    assert np.abs(expected - session.channel("AccelerationLat")).max() < 0.08


def test_longitudinal_acceleration_is_the_derivative_of_speed(session: Session) -> None:
    expected = np.gradient(session.channel("Speed") / 3.6, session.times_s) / 9.80665
    assert np.abs(expected - session.channel("AccelerationLong")).max() < 0.08


def test_yaw_rate_turns_the_heading(session: Session) -> None:
    heading = np.unwrap(np.radians(session.channel("RotationY")))
    turned = np.degrees(np.gradient(heading, session.times_s))
    assert np.abs(turned - session.channel("VelocityYaw")).mean() < 0.5


def test_forces_stay_within_grip_power_and_brakes(session: Session) -> None:
    speed = session.channel("Speed") / 3.6
    grip = 1.55 * (1 + 0.5 * 1.204 * 4.6 * speed**2 / (1250 * 9.80665))
    used = np.hypot(session.channel("AccelerationLat"), session.channel("AccelerationLong"))
    assert (used < 1.05 * grip + 0.2).all()
    assert session.channel("BatteryPower").max() < 700 / 0.93 * 1.02
    assert session.channel("Speed").max() <= 360.001
    assert session.channel("BatteryNetEnergy")[-1] > 0


def test_the_car_brakes_before_it_is_slowest(session: Session) -> None:
    speed, brake = session.channel("Speed"), session.channel("Brake")
    slowest = (
        np.flatnonzero(
            (speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:]) & (speed[1:-1] < 150)
        )
        + 1
    )
    assert len(slowest) >= 3
    assert all(brake[max(0, i - 100) : i].max() > 20 for i in slowest)


def test_drivers_differ_by_one_or_two_percent() -> None:
    times = [time for seed in range(8) for time in lap_times(simulate(laps=2, seed=seed, hz=50))]
    assert 0.005 < np.std(times) / np.mean(times) < 0.025


def test_the_same_seed_gives_the_same_bits() -> None:
    assert simulate(laps=1, seed=3).values.tobytes() == simulate(laps=1, seed=3).values.tobytes()
    assert simulate(laps=1, seed=3).values.tobytes() != simulate(laps=1, seed=4).values.tobytes()
