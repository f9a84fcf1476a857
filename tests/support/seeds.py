"""The seed of today's random tests: every day and every commit tries something new."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime


def new_seed() -> int:
    """A number that follows from the commit in CI, and elsewhere from the date."""
    name = os.environ.get("GITHUB_SHA") or datetime.now(UTC).date().isoformat()
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
