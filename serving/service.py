"""The BentoML service: `bentoml serve service:PitWall` in this folder, or `./pitwall serve`."""

import bentoml

from pitwall.logs import setup
from pitwall.serving.app import create_app
from pitwall.serving.listen import options
from pitwall.settings import Settings

settings = Settings()
setup(settings)


@bentoml.service(
    name="pitwall", workers=1, logging={"access": {"enabled": False}}, **options(settings)
)
@bentoml.asgi_app(create_app(settings), path="/")
class PitWall:
    """Predictions from the champions; see `/docs`."""
