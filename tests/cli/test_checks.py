"""Whether servers answer is asked where the settings say that they are."""

from __future__ import annotations

import socket

import pytest

from pitwall.cli.checks import need_kafka
from pitwall.errors import PitwallError
from pitwall.settings import Settings


def test_kafka_elsewhere_is_asked_where_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as broker:
        there = f"127.0.0.1:{broker.getsockname()[1]}"
        need_kafka(Settings(kafka_port=1, kafka_servers=f"127.0.0.1:1,{there}"))
        with pytest.raises(PitwallError, match=r":1 does not answer; see PITWALL_KAFKA"):
            need_kafka(Settings(kafka_port=int(there.split(":")[1]), kafka_servers="127.0.0.1:1"))
