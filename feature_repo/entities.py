"""What a feature row is about: one car in one session."""

from feast import Entity, ValueType

vehicle = Entity(
    name="vehicle",
    join_keys=["vehicle"],
    value_type=ValueType.STRING,
    description="VehicleId of the car",
)
session = Entity(
    name="session",
    join_keys=["session"],
    value_type=ValueType.STRING,
    description="SessionId of the run",
)
