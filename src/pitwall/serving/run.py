"""Starts the BentoML server for `serving/service.py`. `python -m pitwall.serving.run`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pitwall.settings import Settings


def main() -> None:
    """Become `bentoml serve`."""
    settings = Settings()
    os.environ["BENTOML_HOME"] = str(settings.home_dir / "bentoml")
    bentoml = str(Path(sys.executable).parent / "bentoml")
    os.chdir(settings.repository / "serving")
    keep = ["--timeout-keep-alive", str(settings.keep_alive_s)]
    os.execv(bentoml, [bentoml, "serve", "service:PitWall", *keep])


if __name__ == "__main__":
    main()
