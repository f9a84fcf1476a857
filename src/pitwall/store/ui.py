"""Feast's own page on the registry. `python -m pitwall.store.ui`."""

from __future__ import annotations

from pitwall.settings import Settings
from pitwall.store.repo import feature_store


def main() -> None:
    """Serve it on the loopback interface."""
    settings = Settings()
    feature_store(settings).serve_ui(settings.host, settings.feast_ui_port)


if __name__ == "__main__":
    main()
