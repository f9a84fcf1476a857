"""Jars are known by their checksums."""

from __future__ import annotations

from pathlib import Path

import pytest

from pitwall.errors import JarError
from pitwall.machine import jars


def test_a_jar_with_a_wrong_checksum_is_refused_and_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = jars.Jar(("flink",), "g:a:1", "0" * 64)
    path = jar.path(tmp_path)

    def download(coordinate: str, cache: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"tampered")
        return path

    monkeypatch.setattr(jars, "read_lock", lambda: [jar])
    monkeypatch.setattr(jars, "download", download)
    with pytest.raises(JarError, match="g:a:1 has SHA-256"):
        jars.fetch(tmp_path)
    assert not path.exists()
