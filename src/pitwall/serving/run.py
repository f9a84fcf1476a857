"""Starts the BentoML server for `serving/service.py`. `python -m pitwall.serving.run`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pitwall.local import certificates
from pitwall.settings import Settings


def main() -> None:
    """Become `bentoml serve`."""
    settings = Settings()
    os.environ["BENTOML_HOME"] = str(settings.home_dir / "bentoml")
    bentoml = str(Path(sys.executable).parent / "bentoml")
    os.chdir(settings.repository / "serving")
    command = [bentoml, "serve", "service:PitWall", "--host", settings.host, "--port", str(settings.serving_port)]
    if settings.tls:
        shown = certificates.shown(settings)
        command += ["--ssl-certfile", str(shown.certificate), "--ssl-keyfile", str(shown.key)]
    os.execv(bentoml, command)


if __name__ == "__main__":
    main()
