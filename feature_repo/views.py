"""Feature views, made from the sets in `features.py`: one line for each set."""

from entities import session, vehicle
from feast import FeatureView, Field
from feast.types import Float64, String
from features import CAR_STATE
from sources import source

from pitwall.features import FeatureSet


def view(features: FeatureSet, description: str = "") -> FeatureView:
    """The Feast view of a feature set."""
    return FeatureView(
        name=features.name,
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
                    tags={
                        "unit": feature.unit,
                        "kind": feature.kind.value,
                        "meaning": features.meanings[feature.name],
                    },
                )
                for feature in features.features
            ),
        ],
        source=source(features),
        online=True,
        tags={"definitions": features.digest, "vehicles": features.vehicles},
        description=description,
    )


car_state = view(
    CAR_STATE, "State of the car at each tick: channels, rolling statistics and the lap"
)
