"""Folders of the checkout, for tests that read its files."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout."""

SHARED = Path(os.environ.get("PITWALL_SHARED", ROOT.parent / "shared"))
"""The real laps, exports and documents that lie beside the checkout."""
