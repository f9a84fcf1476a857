"""compose/ as the real parser reads it, every profile; what it promises is looked up in what the
parser made of it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from paths import ROOT

from pitwall.local.containers import configuration
from pitwall.local.servers.table import SERVERS
from pitwall.settings import Settings

COMPOSE = ROOT / "compose"
PARSER = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"
"""The parser inside `docker compose`; it is told of all profiles."""
STATEFUL = {
    "kafka",
    "cassandra",
    "s3",
    "postgres",
    "taskmanager",
    "prometheus",
    "grafana",
    "elasticsearch",
    "airflow",
}
ONCE = {"prepare"}


def versions() -> dict[str, str]:
    lines = (COMPOSE / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    go = shutil.which("go")
    if go is None:
        pytest.skip("the compose parser is a Go program, and there is no go on PATH")
    folder = tmp_path_factory.mktemp("parser")
    subprocess.run(
        [go, "install", PARSER],
        env={**os.environ, "GOBIN": str(folder), "GOFLAGS": ""},
        check=True,
        capture_output=True,
    )
    # The parser's own command does not read `.env`: its values are put in here.
    filled = re.sub(
        r"\$\{([A-Z_]+)(?::-[^}]*)?\}",
        lambda found: versions()[found[1]],
        (COMPOSE / "compose.yaml").read_text(),
    )
    (folder / "compose.yaml").write_text(filled)
    result = subprocess.run(
        [folder / "cmd", "-format", "json", folder / "compose.yaml"],
        cwd=COMPOSE,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert not result.stderr, result.stderr
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


@pytest.fixture(scope="module")
def services(project: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = project["services"]
    return found


def test_every_profile_is_there(services: dict[str, Any]) -> None:
    profiles = {profile for service in services.values() for profile in service.get("profiles", ())}
    assert profiles == {
        "core",
        "monitor",
        "logs",
        "orchestrate",
        "spark",
        "warehouse",
        "hdfs",
        "hbase",
    }
    assert {
        "kafka",
        "cassandra",
        "s3",
        "postgres",
        "mlflow",
        "jobmanager",
        "taskmanager",
        "serving",
        "scorer",
        "page",
    } <= services.keys()


def test_images_have_exact_versions_from_the_one_file(services: dict[str, Any]) -> None:
    text = (COMPOSE / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{([A-Z_]+VERSION)\}", text)) == {
        name for name in versions() if name.endswith("VERSION")
    }
    for name, service in services.items():
        version = service["image"].rsplit(":", 1)[1]
        assert any(c.isdigit() for c in version) and version in versions().values(), name
    for image in re.findall(r"image: (\S+)", text):
        assert image.endswith("VERSION}"), image


def test_versions_are_those_of_the_local_stack() -> None:
    assert versions()["KAFKA_VERSION"] == SERVERS["kafka"].version
    assert versions()["CASSANDRA_VERSION"] == SERVERS["cassandra"].version
    assert f'version = "{versions()["PITWALL_VERSION"]}"' in (ROOT / "pyproject.toml").read_text()


def test_nothing_is_published_beyond_loopback(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for port in service.get("ports", ()):
            assert port["host_ip"] == "127.0.0.1", (name, port)
        assert name == "edge" or service["network_mode"] == "service:edge", name


def test_no_service_is_root_or_can_become_it(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["user"].split(":")[0] not in ("", "0", "root"), name
        assert service["cap_drop"] == ["ALL"] and service["security_opt"] == [
            "no-new-privileges:true"
        ], name
        assert not service.get("privileged") and "cap_add" not in service, name


def test_core_fits_a_machine_of_four_cores_and_eight_gigabytes(services: dict[str, Any]) -> None:
    limits = {name: service["deploy"]["resources"]["limits"] for name, service in services.items()}
    core = [
        name
        for name, service in services.items()
        if "core" in service.get("profiles", ["core"]) and name not in ONCE
    ]
    assert sum(int(limits[name]["memory"].removesuffix("m")) for name in core) <= 8 * 1024
    assert all(0 < float(each["cpus"]) <= 4 and each["memory"] for each in limits.values())


def test_every_service_is_asked_whether_it_is_well_and_waited_for(services: dict[str, Any]) -> None:
    for name, service in services.items():
        check = service["healthcheck"]
        assert check.get("test") or name in ONCE | {"fluent-bit"}, name
        assert name == "edge" or service["depends_on"], name
        for need, how in service.get("depends_on", {}).items():
            # That a service shares the edge's network is itself a dependence, on its start.
            wanted = (
                {"service_completed_successfully"}
                if need in ONCE
                else {"service_healthy"}
                | ({"service_started"} if need in ("edge", "fluent-bit") else set())
            )
            assert how["condition"] in wanted, (name, need)


def test_what_has_state_keeps_it_in_a_volume(
    project: dict[str, Any], services: dict[str, Any]
) -> None:
    for name in STATEFUL:
        assert any(v["type"] == "volume" for v in services[name]["volumes"]), name
    used = {
        v["source"]
        for s in services.values()
        for v in s.get("volumes", ())
        if v["type"] == "volume"
    }
    assert used == project["volumes"].keys()


def test_secrets_are_files_that_git_does_not_keep(
    project: dict[str, Any], services: dict[str, Any]
) -> None:
    made = (COMPOSE / "secrets").read_text()
    for name, secret in project["secrets"].items():
        assert Path(secret["file"]).parent.name == "secrets.d"
        assert re.search(rf"\b{name}\b", made), name
    ignored = subprocess.run(["git", "check-ignore", "-q", "compose/secrets.d/token"], cwd=ROOT)
    assert ignored.returncode == 0
    for name, service in services.items():
        for key, value in (service.get("environment") or {}).items():
            assert not re.search("PASS|SECRET|TOKEN", key) or value.startswith("/run/secrets/"), (
                name,
                key,
            )


def test_the_secrets_script_makes_each_once(tmp_path: Path) -> None:
    shutil.copy(COMPOSE / "secrets", tmp_path / "secrets")
    subprocess.run([tmp_path / "secrets"], check=True)
    folder = tmp_path / "secrets.d"
    first = {path.name: path.read_text() for path in folder.iterdir()}
    subprocess.run([tmp_path / "secrets"], check=True)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len({first[name] for name in ("cassandra", "s3", "postgres", "token", "grafana")}) == 5
    for name, text in first.items():
        assert (folder / name).read_text() == text or name == "htpasswd"
        assert len(text) >= 32


def test_mounted_configuration_is_what_the_local_stack_runs_on() -> None:
    for name, text in configuration().items():
        assert (COMPOSE / "config" / name).read_text() == text, (
            f"{name}: run python -m pitwall.local.containers config"
        )


def test_every_mounted_file_exists(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for volume in service.get("volumes", ()):
            assert volume["type"] == "volume" or (
                volume["read_only"] and Path(volume["source"]).exists()
            ), (name, volume)


def test_the_edge_and_prometheus_look_where_servers_listen() -> None:
    settings = Settings.model_construct()
    ours = {getattr(settings, name) for name in Settings.model_fields if name.endswith("_port")}
    text = (COMPOSE / "compose.yaml").read_text()
    listening = ours | {int(port) for port in re.findall(r"127\.0\.0\.1:(1\d{4})\b", text)}
    listening |= {
        int(port) for port in re.findall(r"(?:PORT|http\.port|port)[:=] ?\"?(\d{5})", text)
    } | {24225}
    for file in ("edge.conf", "prometheus/prometheus.yml"):
        for port in re.findall(r"127\.0\.0\.1:(1\d{4})", (COMPOSE / "config" / file).read_text()):
            assert int(port) in listening, (file, port)


def test_alerts_and_dashboards_ask_for_metrics_the_operator_has() -> None:
    java = "".join(path.read_text() for path in (ROOT / "flink_jobs" / "jvm").rglob("*.java"))
    files = [
        COMPOSE / "config" / "prometheus" / "alerts.yml",
        COMPOSE / "config" / "grafana" / "dashboards" / "pitwall.json",
    ]
    asked = {
        name for file in files for name in re.findall(r"operator_pitwall_(\w+)", file.read_text())
    }
    assert asked
    for name in asked:
        assert f'"{name}"' in java, name


def test_prometheus_takes_its_files_and_alerts_fire_as_written() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on PATH (Debian: apt install prometheus)")
    folder = COMPOSE / "config" / "prometheus"
    for command in (["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]):
        result = subprocess.run([promtool, *command], cwd=folder, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr


def test_dockerfiles_are_linted() -> None:
    linter = ROOT / ".venv" / "bin" / "hadolint"
    if not linter.exists():
        pytest.skip("not in a checkout with its .venv")
    files = sorted((COMPOSE / "images").glob("*.Dockerfile"))
    assert files
    result = subprocess.run(
        [linter, "--failure-threshold", "warning", *files], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout


def test_dashboards_and_provisioning_are_read_where_they_are_mounted() -> None:
    provider = yaml.safe_load(
        (COMPOSE / "config/grafana/provisioning/dashboards/pitwall.yml").read_text()
    )
    source = yaml.safe_load(
        (COMPOSE / "config/grafana/provisioning/datasources/prometheus.yml").read_text()
    )
    board = json.loads((COMPOSE / "config/grafana/dashboards/pitwall.json").read_text())
    assert (
        f"dashboards:{provider['providers'][0]['options']['path']}:ro"
        in (COMPOSE / "compose.yaml").read_text()
    )
    assert {p["datasource"]["uid"] for p in board["panels"]} == {source["datasources"][0]["uid"]}
