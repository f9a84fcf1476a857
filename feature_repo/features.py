"""Every streaming feature, defined once.

The plan of the Flink job, columns, schema, documentation and model signatures follow from this
list. A new feature is one line; windows and lags are seconds of session time.
"""

from pitwall.features import (
    FeatureSet,
    diff,
    gaps,
    lag,
    lap,
    lap_integral,
    lap_mean,
    last,
    nan_share,
    out_of_range_share,
    rolling,
    sectors,
    session_time,
    share_above,
    ticks,
)

CAR_STATE = FeatureSet(
    "car_state",
    session_time(),
    lap("number", "time", "from_start", "last_time", "best_time", "fraction", "delta_to_best"),
    sectors(),
    last("LapDistance", "PositionX", "PositionY", "PositionZ", "Speed"),
    last("AccelerationLong", "AccelerationLat", "AccelerationVert", "VelocityYaw"),
    last("SteeringAngle", "Throttle", "Brake", "BatteryPower", "BatteryNetEnergy"),
    rolling("Speed", ("mean", "min", "max", "std"), (1, 5, 30)),
    rolling("AccelerationLong", ("mean", "min", "max", "std"), (0.2, 1, 5)),
    rolling("AccelerationLong", ("mean",), (2, 10, 20, 30, 60)),
    rolling("AccelerationLat", ("mean", "min", "max", "std"), (0.2, 1, 5)),
    rolling("AccelerationLat", ("rms",), (2, 10, 30, 60)),
    rolling("AccelerationVert", ("mean", "std"), (1, 5)),
    rolling("VelocityYaw", ("mean", "std"), (0.2, 1, 5)),
    rolling("VelocityYaw", ("rms",), (2, 10, 30, 60)),
    rolling("SteeringAngle", ("mean", "std"), (0.2, 1, 5)),
    rolling("Throttle", ("mean",), (0.2, 1, 5, 30)),
    rolling("Brake", ("mean", "max"), (0.2, 1, 5)),
    lag("LapDistance", 10, 20, 30, 45, 60, 75, 90, 120, 150, 180, 220, 260),
    lag("Throttle", 0.5, 2),
    lag("Brake", 0.5, 2),
    diff("Speed", 0.2, 1),
    diff("PositionY", 1, 5),
    share_above("Throttle", 95, 30),
    share_above("Brake", 5, 30),
    lap_mean("Speed", "Throttle", "Brake"),
    lap_integral("BatteryPower"),
    ticks(1),
    gaps(0.1, 30),
    nan_share("Speed", 5),
    out_of_range_share("AccelerationLong", 5),
)
