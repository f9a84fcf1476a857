"""The id of the local Kafka cluster."""

from __future__ import annotations


def test_a_cluster_id_never_looks_like_an_option() -> None:
    from pitwall.local.servers.kafka import cluster_id

    for first in range(256):
        made = cluster_id(bytes([first] * 16))
        assert len(made) == 22 and not made.startswith("-")
