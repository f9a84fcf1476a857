"""A full disk is told before a server starts on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pitwall.errors import StackError
from pitwall.local.stack import Stack
from pitwall.machine import space as module
from pitwall.machine.space import need_space, space
from pitwall.monitoring.metrics import exposition
from pitwall.page.data.services import services
from pitwall.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A disk of 100 GB of which 1.5 GB are free."""

    def usage(folder: Path) -> tuple[int, int, int]:
        assert folder == tmp_path
        return module.shutil._ntuple_diskusage(10**11, 985 * 10**8, 15 * 10**8)  # type: ignore[attr-defined, no-any-return]

    monkeypatch.setattr(module.shutil, "disk_usage", usage)
    return Settings(home=tmp_path / "not made yet" / "home")


def test_the_stack_does_not_start_under_the_limit(settings: Settings) -> None:
    with pytest.raises(StackError) as refused:
        Stack(settings).begin(["kafka"])
    text = str(refused.value)
    assert text.startswith("1.5 GB of 100.0 GB are free in ")
    assert "the limit is 2 GB" in text and "PITWALL_DISK_LEAST_GB" in text
    assert not settings.log_dir.exists()


def test_the_limit_is_a_setting(settings: Settings) -> None:
    need_space(settings.model_copy(update={"disk_least_gb": 1.5}))
    assert not space(settings.model_copy(update={"disk_least_gb": 0})).low


def test_page_and_metrics_tell_the_free_space(settings: Settings) -> None:
    lines = exposition({}, {}, None, space(settings)).splitlines()
    assert "pitwall_disk_free_bytes 1.5e+09" in lines
    assert "pitwall_disk_least_bytes 2e+09" in lines
    card = next(service for service in services(settings) if service.name == "disk")
    assert card.state == "low" and "1.5 GB of 100.0 GB" in card.url
