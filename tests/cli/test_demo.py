"""The command `demo` around the chain, which is run by `lab/test_chain.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pitwall.cli import demo
from pitwall.lab.demo import chain
from pitwall.lab.demo.report import Report
from pitwall.local import state


def test_serving_ends_when_another_terminal_stops_the_servers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PITWALL_HOME", str(tmp_path))
    seen = iter([{"page": 1}, {}])
    report = Report(ok=True, parity={"match": 1, "mismatch": 0, "missing": 0}, page="http://page")

    def run(
        settings: Any, sessions: Any, speed: Any, step: Any, serve: Callable[[Report], None]
    ) -> Report:
        serve(report)
        return report

    monkeypatch.setattr(chain, "run", run)
    monkeypatch.setattr(chain, "default_sessions", list)
    monkeypatch.setattr(state, "running", lambda settings: next(seen))
    demo.demo(serve=True)
    assert "stopped by another command" in capsys.readouterr().err
    assert next(seen, None) is None
