from __future__ import annotations

import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pitwall.errors import JarError, PortTaken
from pitwall.machine import jars
from pitwall.machine import processes as process
from pitwall.settings import Settings


def test_a_taken_port_is_named_with_the_setting() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} for kafka is taken.*PITWALL_KAFKA_PORT"):
            process.check_port_free("127.0.0.1", port, "PITWALL_KAFKA_PORT", "kafka")


def test_secrets_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    first = settings.secret("cassandra").get_secret_value()
    assert len(first) >= 24
    assert settings.secret("cassandra").get_secret_value() == first
    assert stat.S_IMODE((tmp_path / "secrets" / "cassandra").stat().st_mode) == 0o600
    assert first not in repr(settings)


def test_a_record_of_an_ended_process_is_not_taken_for_running(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process.record(tmp_path, "kafka", child.pid, 1)
    assert process.find(tmp_path, "kafka") is not None
    process.end([child.pid])
    child.wait()
    assert process.find(tmp_path, "kafka") is None


def test_a_child_ends_with_its_killed_parent(tmp_path: Path) -> None:
    script = (
        "import sys, time, os; from pathlib import Path; from pitwall.machine.processes import spawn\n"
        f"c = spawn('x', [sys.executable, '-c', 'import time; time.sleep(60)'], Path({str(tmp_path / 'x.log')!r}), dict(os.environ), Path('/'))\n"
        "print(c.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = process.record(tmp_path, "x", int(parent.stdout.readline()), None)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert process.wait_gone(child, 5)


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
    monkeypatch.setattr(jars, "_download", download)
    with pytest.raises(JarError, match="g:a:1 has SHA-256"):
        jars.fetch(tmp_path)
    assert not path.exists()


def test_the_command_line_starts_without_heavy_libraries() -> None:
    code = "import sys, pitwall.cli.main; print([m for m in ('feast', 'mlflow', 'pyflink', 'bentoml') if m in sys.modules])"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["demo", "--laps", "/nowhere"], 1, "no such file"),
        (["demo", "--speed", "fast"], 2, "--speed is 'fast'"),
        (["train", "nothing"], 2, "model 'nothing' is unknown"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_wrong_input_is_one_line_and_a_status(arguments: list[str], status: int, says: str) -> None:
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", "from pitwall.cli.main import main; main()", *arguments],
        capture_output=True,
        text=True,
    )
    assert result.returncode == status
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert time.monotonic() - started < 60


def test_a_cluster_id_never_looks_like_an_option() -> None:
    from pitwall.local.servers.table import cluster_id

    for first in range(256):
        made = cluster_id(bytes([first] * 16))
        assert len(made) == 22 and not made.startswith("-")
