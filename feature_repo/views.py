"""Feature views, made from the definitions in `features.py`."""

from entities import session, vehicle
from feast import FeatureView, Field
from feast.types import Float64, String
from features import CAR_STATE
from sources import car_state_source

car_state = FeatureView(
    name=CAR_STATE.name,
    entities=[vehicle, session],
    ttl=None,
    schema=[
        Field(name="vehicle", dtype=String),
        Field(name="session", dtype=String),
        *(
            Field(
                name=feature.name,
                dtype=Float64,
                description=feature.description,
                tags={"unit": feature.unit, "kind": feature.kind},
            )
            for feature in CAR_STATE.features
        ),
    ],
    source=car_state_source,
    online=True,
    tags={"definitions": CAR_STATE.digest},
    description="State of the car at each tick: channels, rolling statistics and the lap",
)
