"""The lock's tables: which version is installed here, what moved, and what holds a package back."""

from __future__ import annotations

import pytest

from pitwall.machine import lock

TEXT = """\
# Written by: python -m pitwall.machine.lock
contourpy==1.3.3 ; python_full_version < '3.11' \\
    --hash=sha256:00
contourpy==1.4.0 ; python_full_version >= '3.11' \\
    --hash=sha256:01
pywin32==312 ; sys_platform == 'win32' \\
    --hash=sha256:02
rich==15.0 \\
    --hash=sha256:03
    # via pitwall-telemetry (pyproject.toml)
"""


def test_a_lock_is_read_as_this_python_and_platform_install_it() -> None:
    assert lock.versions(TEXT) == {"contourpy": "1.4.0", "rich": "15.0"}


def test_what_moved_names_new_and_dropped_packages_too() -> None:
    before, after = {"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"}
    assert lock.moved(before, after) == [("b", "1", "2"), ("c", "1", ""), ("d", "", "1")]


def test_a_holder_is_the_requirement_in_force_that_excludes_the_newest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stated = {
        lock.DISTRIBUTION: ["Feast[aws]>=0.67", 'tools<2; extra == "dev"'],
        "Feast": ["client<0.25,>=0.20", 'cloud<3; extra == "aws"', 'cloud<1; extra == "gcp"'],
        "tools": ["client>=0.1"],
    }
    monkeypatch.setattr(lock.metadata, "requires", lambda name: stated.get(name))
    assert lock.holders("client", "0.26") == ["Feast <0.25"]
    assert lock.holders("cloud", "4") == ["Feast <3"]
    assert lock.holders("tools", "2.0") == [f"{lock.DISTRIBUTION} <2"]
    assert lock.holders("client", "0.24") == []
