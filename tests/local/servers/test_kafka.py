"""The id and the configuration of the local Kafka cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from pitwall.errors import UsageError
from pitwall.settings import Settings


def test_a_cluster_id_never_looks_like_an_option() -> None:
    from pitwall.local.servers.kafka import cluster_id

    for first in range(256):
        made = cluster_id(bytes([first] * 16))
        assert len(made) == 22 and not made.startswith("-")


def test_quotes_in_a_password_stay_in_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pitwall.kafka.clients import java_client_config
    from pitwall.local.servers.kafka import _security, properties_text

    monkeypatch.setenv("PITWALL_SECRET_KAFKA", 'a"; user_x="b\\')
    settings = Settings(home=tmp_path, tls=True)
    security = _security(settings)
    login = str(security["listener.name.sasl_ssl.plain.sasl.jaas.config"])
    escaped = 'a\\"; user_x=\\"b\\\\'
    assert login.endswith(
        f' required username="pitwall" password="{escaped}" "user_pitwall"="{escaped}";'
    )
    # A backslash of a properties file stands there twice.
    assert properties_text({"a": "b\\c"}) == "a=b\\\\c\n"
    client = java_client_config(settings)["sasl.jaas.config"]
    assert 'username="pitwall" password="${file:' in client
    assert (tmp_path / "secrets" / "kafka.given").read_text() == escaped


def test_a_password_with_a_line_break_is_refused() -> None:
    from pitwall.kafka.clients import jaas_text

    with pytest.raises(UsageError, match="line break"):
        jaas_text("a\nlisteners=PLAINTEXT://0.0.0.0:1")
