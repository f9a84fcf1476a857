"""The local stack's own care for its servers."""

from __future__ import annotations

import pytest

from pitwall.local.stack import Stack
from pitwall.machine import jars
from pitwall.machine import processes as process
from pitwall.machine.ports import port_open
from pitwall.machine.sandbox import sandbox

pytestmark = pytest.mark.integration


def test_a_server_killed_just_now_is_started_again() -> None:
    """Also before its supervisor has seen that it is gone."""
    with sandbox() as settings:
        jars.fetch(settings.cache_dir / "m2")
        with Stack(settings) as stack:
            stack.start(["s3"])
            for _ in range(3):
                found = process.find(settings.run_dir, "s3")
                assert found is not None and found.process is not None
                found.process.kill()
                assert process.wait_gone(found, 20)
                assert stack.begin(["s3"]) == ["s3"]
                stack.start(["s3"])
                assert port_open(settings.host, settings.s3_port)
