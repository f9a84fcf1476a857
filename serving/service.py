"""The BentoML service: `bentoml serve service:PitWall` in this folder, or `./pitwall serve`."""

import bentoml

from pitwall.serving.app import create_app
from pitwall.settings import Settings

app = create_app(Settings())


@bentoml.service(name="pitwall", workers=1, traffic={"timeout": 10}, logging={"access": {"enabled": False}})
@bentoml.asgi_app(app, path="/")
class PitWall:
    """Predictions from the champions; see `/docs`."""
