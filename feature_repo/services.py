"""What each model reads. A served feature is an inference input; nothing else is."""

from feast import FeatureService
from features import CAR_STATE
from views import car_state

lap_time = FeatureService(
    name="lap_time",
    features=[
        car_state[
            [
                "lap_number", "lap_time", "lap_from_start", "lap_distance", "speed", "speed_mean_5s", "speed_mean_30s",
                "speed_lap_mean", "throttle_lap_mean", "brake_lap_mean", "throttle_above_95_30s",
                "lap_last_time", "lap_best_time",
            ]
        ]
    ],
    description="Final lap time from any point of the lap",
)  # fmt: skip

_SENSED = ("acceleration_", "velocity_yaw", "steering_angle", "throttle", "brake")

speed_sensor = FeatureService(
    name="speed_sensor",
    features=[
        car_state[[n for n in CAR_STATE.names if n.startswith(_SENSED) and "_lap_" not in n] + ["speed"]]
    ],
    description="Speed from the other channels; `speed` itself is the label and not an input",
)  # fmt: skip

pit_wall = FeatureService(name="pit_wall", features=[car_state], description="All features, for the live page")
