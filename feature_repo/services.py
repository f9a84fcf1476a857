"""What each model reads: the features of its service are its inputs, and nothing else is."""

import re

from feast import FeatureService
from features import CAR_STATE
from views import car_state

_TRACE = [name for name in CAR_STATE.names if name.startswith("lap_distance_lag_")]

lap_time = FeatureService(
    name="lap_time",
    features=[car_state[["lap_distance", "lap_time", *_TRACE]]],
    description="Final lap time from any point of the lap: where the car was, and when",
)

next_km = FeatureService(
    name="next_km",
    features=[car_state[["lap_distance", "lap_time", *_TRACE]]],
    description="Time for the next kilometre: where the car was, and when",
)

_INERTIAL = re.compile(
    r"acceleration_long(_mean_\w+)?"
    r"|(acceleration_lat|acceleration_vert|velocity_yaw)(_(mean|std|rms)_\w+)?"
)

speed_sensor = FeatureService(
    name="speed_sensor",
    features=[car_state[[*filter(_INERTIAL.fullmatch, CAR_STATE.names), "speed"]]],
    description="Speed from accelerations and yaw alone; "
    "`speed` itself is the label and not an input",
)

_LOGGED = {"LAPDISTANCE", "SPEED", "ACCELERATIONLONG", "ACCELERATIONLAT", "POSITIONX", "POSITIONZ"}

gps_logger = FeatureService(
    name="gps_logger",
    features=[
        car_state[[f.name for f in CAR_STATE.features if f.channel is None or f.channel in _LOGGED]]
    ],
    description="What a car with nothing but a GPS logger has: speed, accelerations, place, laps",
)

pit_wall = FeatureService(
    name="pit_wall", features=[car_state], description="All features, for the live page"
)
