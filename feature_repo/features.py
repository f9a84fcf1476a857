"""Every streaming feature, once. Schema, Flink plan, Cassandra columns and model signatures follow from this list."""

from pitwall.features import (
    FeatureSet,
    diff,
    lag,
    lap,
    lap_integral,
    lap_mean,
    last,
    rolling,
    session_time,
    share_above,
)

CAR_STATE = FeatureSet(
    "car_state",
    session_time(),
    lap("number", "time", "from_start", "last_time", "best_time"),
    last("LapDistance", "PositionX", "PositionY", "PositionZ", "Speed", "AccelerationLong", "AccelerationLat"),
    last("AccelerationVert", "VelocityYaw", "SteeringAngle", "Throttle", "Brake", "BatteryPower", "BatteryNetEnergy"),
    rolling("Speed", ("mean", "min", "max", "std"), (1, 5, 30)),
    rolling("AccelerationLong", ("mean", "min", "max", "std"), (0.2, 1, 5)),
    rolling("AccelerationLat", ("mean", "min", "max", "std"), (0.2, 1, 5)),
    rolling("AccelerationVert", ("mean", "std"), (1, 5)),
    rolling("VelocityYaw", ("mean", "std"), (0.2, 1, 5)),
    rolling("SteeringAngle", ("mean", "std"), (0.2, 1, 5)),
    rolling("Throttle", ("mean",), (0.2, 1, 5, 30)),
    rolling("Brake", ("mean", "max"), (0.2, 1, 5)),
    lag("Throttle", 0.5, 2),
    lag("Brake", 0.5, 2),
    diff("Speed", 0.2, 1),
    diff("PositionY", 1, 5),
    share_above("Throttle", 95, 30),
    share_above("Brake", 5, 30),
    lap_mean("Speed", "Throttle", "Brake"),
    lap_integral("BatteryPower"),
)
