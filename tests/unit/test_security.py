"""Who logs in as whom, and how servers are known: said once, in settings and `feature_store.yaml`, for Python and the job alike."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from pitwall.features import load
from pitwall.flink.sql import render
from pitwall.kafka.clients import client_config, java_client_config
from pitwall.machine import certificates
from pitwall.settings import Settings
from pitwall.stores.cassandra.options import Connection, configured, login

STORE = "online_store:\n  type: pitwall.stores.online.store.CassandraOnlineStore\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    repository = Settings().repository
    for name in ("feature_repo", "flink_jobs"):
        shutil.copytree(repository / name, tmp_path / name)
    return Settings(repository=tmp_path, home=tmp_path / "home")


def configure(settings: Settings, text: str) -> None:
    path = settings.feature_repo / "feature_store.yaml"
    path.write_text(path.read_text().replace(STORE, STORE + text))


def test_the_job_reaches_cassandra_as_feature_store_yaml_says(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOB_PASSWORD", "it's")
    configure(
        settings,
        "  hosts: [10.0.0.1, 10.0.0.2]\n  port: 9142\n  keyspace: team\n  username: owner\n  password: o\n  data_center: dc2\n"
        '  write_consistency: QUORUM\n  job: {username: writer, password: "${JOB_PASSWORD}"}\n'
        "  tls: {ca: certificates/ca.pem, verify_host: false}\n",
    )
    sql = "\n".join(render(settings, load(settings.feature_repo))[1])
    for option in (
        "'hosts' = '10.0.0.1:9142,10.0.0.2:9142'",
        "'user' = 'writer'",
        "'keyspace' = 'team'",
        "'datacenter' = 'dc2'",
        "'consistency' = 'QUORUM'",
        "'tls' = 'true'",
        f"'tls-ca' = '{settings.feature_repo}/certificates/ca.pem'",
        "'tls-verify-host' = 'false'",
    ):
        assert sql.count(option) == 2, option
    assert "it's" not in sql and "it''s" not in sql
    file = settings.home_dir / "secrets" / "cassandra_job.given"
    assert f"'password-file' = '{file}'" in sql
    assert file.read_text() == "it's" and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert login(settings, configured(settings), "reader").username == "owner"


def test_in_the_local_stack_job_and_readers_have_roles_of_their_own(settings: Settings) -> None:
    who = {role: login(settings, Connection(), role) for role in (None, "job", "reader")}  # type: ignore[arg-type]
    assert [each.username for each in who.values()] == [
        "cassandra",
        "pitwall_job",
        "pitwall_reader",
    ]
    assert len({each.password.get_secret_value() for each in who.values()}) == 3


def test_kafka_is_asked_the_same_by_python_and_the_job_and_the_password_stays_in_its_file(
    settings: Settings,
) -> None:
    assert client_config(settings).keys() == {"bootstrap.servers", "error_cb", "log_level"}
    assert java_client_config(settings) == {"bootstrap.servers": f"127.0.0.1:{settings.kafka_port}"}
    far = settings.model_copy(
        update={
            "kafka_servers": "a:9094,b:9094",
            "kafka_security": "SASL_SSL",
            "kafka_mechanism": "SCRAM-SHA-512",
            "ca": Path("/etc/ca.pem"),
        }
    )
    python, java = client_config(far), java_client_config(far)
    assert python["bootstrap.servers"] == java["bootstrap.servers"] == "a:9094,b:9094"
    assert python["ssl.ca.location"] == java["ssl.truststore.location"] == "/etc/ca.pem"
    assert python["sasl.mechanism"] == java["sasl.mechanism"] == "SCRAM-SHA-512"
    assert (
        python["sasl.password"] not in str(java)
        and "scram.ScramLoginModule" in java["sasl.jaas.config"]
    )


def test_certificates_are_made_once_for_their_owner_only_and_half_a_pair_is_refused(
    settings: Settings,
) -> None:
    first = certificates.server_certificate(settings)
    content = first.both.read_bytes()
    assert certificates.server_certificate(settings) == first and first.both.read_bytes() == content
    assert {stat.S_IMODE(path.stat().st_mode) for path in (*first, settings.authority)} == {0o600}
    with pytest.raises(ValidationError, match="PITWALL_CERTIFICATE_KEY are given together"):
        Settings(certificate=first.certificate)
