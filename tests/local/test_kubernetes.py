"""The manifests for Kubernetes: what they name is there, and they hold to what the stack promises.
No cluster runs here.

With `PITWALL_CRDS`, a folder of the operators' custom resource definitions, each resource of theirs
is also checked against its schema.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from paths import ROOT

from pitwall.local.servers.table import SERVERS
from pitwall.settings import Settings

FOLDER = ROOT / "compose" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
BY_OPERATORS = {"pitwall", "cassandra-superuser", "kafka-cluster-ca-cert"}
"""Secrets that Strimzi and K8ssandra make."""


def resources() -> list[dict[str, Any]]:
    return [
        each
        for name in KUSTOMIZATION["resources"]
        for each in yaml.safe_load_all((FOLDER / name).read_text())
    ]


def pods() -> dict[str, dict[str, Any]]:
    """The pod of each of our programs, and of Flink's."""
    found = {}
    for each in resources():
        spec = each.get("spec", {})
        if each["kind"] in ("Deployment", "StatefulSet", "Job"):
            found[each["metadata"]["name"]] = spec["template"]["spec"]
        elif each["kind"] == "FlinkDeployment":
            found["flink"] = spec["podTemplate"]["spec"]
    return found


def named(tree: Any, key: str) -> set[str]:
    """All that is named under this key, anywhere."""
    if isinstance(tree, list):
        return set().union(*(named(each, key) for each in tree)) if tree else set()
    if not isinstance(tree, dict):
        return set()
    own = {tree[key]["name"]} if isinstance(tree.get(key), dict) and "name" in tree[key] else set()
    return own.union(*(named(each, key) for each in tree.values())) if tree else own


def test_every_file_is_listed_and_every_name_is_there() -> None:
    listed = {*KUSTOMIZATION["resources"], "kustomization.yaml", "feature_store.yaml"}
    assert {path.name for path in FOLDER.glob("*.yaml")} == listed
    maps = {each["name"] for each in KUSTOMIZATION["configMapGenerator"]}
    secrets = {each["name"] for each in KUSTOMIZATION["secretGenerator"]} | BY_OPERATORS
    tree = resources()
    asked = named(tree, "secretKeyRef") | named(tree, "secretRef") | named(tree, "secret")
    files = {
        each["secret"]["secretName"]
        for pod in pods().values()
        for each in pod.get("volumes", [])
        if "secret" in each
    }
    assert asked | files == secrets
    assert named(tree, "configMapRef") | named(tree, "configMap") == maps
    labels = {
        each["spec"]["template"]["metadata"]["labels"]["app"]
        for each in tree
        if "template" in each.get("spec", {})
    }
    assert {each["spec"]["selector"]["app"] for each in tree if each["kind"] == "Service"} <= labels


@pytest.mark.parametrize("name", sorted(pods()))
def test_each_pod_is_held_to_little(name: str) -> None:
    pod = pods()[name]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"] == {
        "type": "RuntimeDefault"
    }
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        if name != "flink":
            assert container["resources"]["limits"].keys() == {"cpu", "memory"}
            assert not pod["automountServiceAccountToken"] and not pod["enableServiceLinks"]
            role = container["args"]
            assert role in (["prepare"], ["keep"]) or (
                role[0] == "become" and SERVERS[role[1]].name == name
            )
        mounted = {each["name"] for each in container.get("volumeMounts", [])}
        volumes = {each["name"] for each in pod.get("volumes", [])}
        assert mounted == volumes


def test_the_settings_are_ours_and_hold_together(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = dict(line.split("=", 1) for line in (FOLDER / "settings.env").read_text().splitlines())
    fields = {f"PITWALL_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in lines if name.startswith("PITWALL_")} <= fields
    example = dict(
        line.split("=", 1) for line in (FOLDER / "secrets.env.example").read_text().splitlines()
    )
    assert {name for name in example if not name.startswith("PITWALL_SECRET_")} <= fields
    assert all(not value for name, value in example.items() if name.startswith("PITWALL_SECRET_"))
    for name, value in lines.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.mlflow_url, settings.flink_url) == (
        "http://mlflow:15000",
        "http://flink-rest:8081",
    )
    assert settings.s3_url == lines["FEAST_S3_ENDPOINT_URL"]
    flink = next(each["spec"] for each in resources() if each["kind"] == "FlinkDeployment")
    assert flink["flinkConfiguration"]["s3.endpoint"] == settings.s3_url
    slots = (
        int(flink["flinkConfiguration"]["taskmanager.numberOfTaskSlots"])
        * flink["taskManager"]["replicas"]
    )
    assert slots >= settings.parallelism
    ports = {
        each["metadata"]["name"]: each["spec"]["ports"][0]["port"]
        for each in resources()
        if each["kind"] == "Service"
    }
    assert all(
        port == SERVERS[name].port(Settings.model_construct())
        for name, port in ports.items()
        if SERVERS[name].setting
    )


def test_the_store_is_named_as_feast_reads_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from pitwall.stores.cassandra.options import configured

    (tmp_path / "feature_repo").mkdir()
    (tmp_path / "feature_repo" / "feature_store.yaml").write_text(
        (FOLDER / "feature_store.yaml").read_text()
    )
    options = configured(Settings(repository=tmp_path))
    assert options.hosts == ["cassandra-dc1-service"] and options.replication == {
        "class": "NetworkTopologyStrategy",
        "dc1": 3,
    }


@pytest.mark.skipif(
    "PITWALL_CRDS" not in os.environ,
    reason="PITWALL_CRDS names no folder with the operators' definitions",
)
def test_what_the_operators_read_is_as_their_schemas_say() -> None:
    definitions = [
        yaml.safe_load(path.read_text()) for path in Path(os.environ["PITWALL_CRDS"]).glob("*.yaml")
    ]
    schemas = {
        (f"{d['spec']['group']}/{version['name']}", d["spec"]["names"]["kind"]): version["schema"][
            "openAPIV3Schema"
        ]["properties"]["spec"]
        for d in definitions
        for version in d["spec"]["versions"]
    }
    checked = 0
    for each in resources():
        if not each["apiVersion"].startswith(("kafka.strimzi", "flink.apache", "k8ssandra")):
            continue
        schema = closed(schemas[each["apiVersion"], each["kind"]])
        errors = [
            f"{each['kind']} {'.'.join(map(str, e.path))}: {e.message[:200]}"
            for e in jsonschema.Draft7Validator(schema).iter_errors(each["spec"])
        ]
        assert not errors, errors
        checked += 1
    assert checked == 6


def closed(schema: Any) -> Any:
    """The schema, refusing what it does not name, as an API server would drop it."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    is_open = "additionalProperties" in found or found.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(found.get("properties"), dict) and found.get("type") == "object" and not is_open:
        found["additionalProperties"] = False
    if found.get("x-kubernetes-int-or-string"):
        found.pop("type", None)
    return found
