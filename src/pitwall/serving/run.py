"""Starts the BentoML server for `serving/service.py`. `python -m pitwall.serving.run`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pitwall.settings import Settings

KEEP_ALIVE_S = 75
"""An idle connection is kept for so long. Clients that pool connections close theirs before: with
the usual 5 s both sides close at the same instant, and a request meets a closed connection."""


def main() -> None:
    """Become `bentoml serve`."""
    settings = Settings()
    os.environ["BENTOML_HOME"] = str(settings.home_dir / "bentoml")
    bentoml = str(Path(sys.executable).parent / "bentoml")
    os.chdir(settings.repository / "serving")
    keep = ["--timeout-keep-alive", str(KEEP_ALIVE_S)]
    os.execv(bentoml, [bentoml, "serve", "service:PitWall", *keep])


if __name__ == "__main__":
    main()
