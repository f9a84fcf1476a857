"""Secrets are settings that nobody has to set."""

from __future__ import annotations

import stat
from pathlib import Path

from pitwall.settings import Settings


def test_secrets_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    first = settings.secret("cassandra").get_secret_value()
    assert len(first) >= 24
    assert settings.secret("cassandra").get_secret_value() == first
    assert stat.S_IMODE((tmp_path / "secrets" / "cassandra").stat().st_mode) == 0o600
    assert first not in repr(settings)
