"""The servers of the local stack: how each is configured, started and asked whether it is ready."""

from __future__ import annotations

import base64
import os
import ssl
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from pitwall import logs
from pitwall.errors import StackError
from pitwall.local.servers import hadoop
from pitwall.machine import certificates, jars
from pitwall.machine.java import java
from pitwall.machine.processes import http_ok, port_open
from pitwall.settings import Settings
from pitwall.spark import cluster as spark
from pitwall.stores.s3 import BUCKETS, s3_key


@dataclass(frozen=True)
class Server:
    """One process of the local stack."""

    name: str
    setting: str
    """The settings field that holds its port; empty for one that serves none."""
    command: Callable[[Settings], list[str]]
    """Writes the configuration files and gives the command line."""
    ready: Callable[[Settings], bool]
    needs: tuple[str, ...] = ()
    version: str = ""
    first_ready: Callable[[Settings], None] = field(default=lambda settings: None)
    """Done once the server answers, before it counts as up; must be repeatable."""
    more_ports: tuple[str, ...] = ()
    """Further ports that must be free, as settings fields."""
    by_default: bool = True
    """Whether `up` without names starts it."""

    def port(self, settings: Settings) -> int | None:
        """The port it serves, or None."""
        return getattr(settings, self.setting) if self.setting else None

    def url(self, settings: Settings) -> str:
        """Where a person or a client reaches it."""
        if not self.setting:
            return ""
        if self.name == "serving":
            return settings.serving_url
        address = f"{settings.host}:{self.port(settings)}"
        scheme = settings.web if self.name in ("serving", "page") else "http"
        return (
            address
            if self.name in ("kafka", "cassandra", "hbase", "hbase-thrift", "spark-master")
            else f"{scheme}://{address}"
        )


# -- Kafka ---------------------------------------------------------------------------------------


def kafka_properties(settings: Settings, data: Path) -> dict[str, object]:
    """The broker's configuration, its data in the folder `data`."""
    host, kind = settings.host, settings.kafka_protocol
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{host}:{settings.kafka_controller_port}",
        "listeners": f"{kind}://{host}:{settings.kafka_port},CONTROLLER://{host}:{settings.kafka_controller_port}",
        "advertised.listeners": f"{kind}://{host}:{settings.kafka_port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": f"CONTROLLER:PLAINTEXT,{kind}:{kind}",
        "inter.broker.listener.name": kind,
        "log.dirs": data,
        "num.partitions": settings.kafka_partitions,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        "log.retention.hours": 48,
        "log.segment.bytes": 268435456,
        "message.max.bytes": 67108864,
        "replica.fetch.max.bytes": 67108864,
        **(_kafka_security(settings) if settings.tls else {}),
    }


def _kafka_security(settings: Settings) -> dict[str, object]:
    """TLS by the stack's certificate, and one user."""
    user, password = settings.kafka_user, settings.secret("kafka").get_secret_value()
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": certificates.shown(settings).both,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": settings.authority,
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="{user}" password="{password}" user_{user}="{password}";',
    }


def _kafka(settings: Settings) -> list[str]:
    data = settings.data_dir / "kafka"
    conf = settings.home_dir / "conf" / "kafka.properties"
    conf.parent.mkdir(parents=True, exist_ok=True)
    _write_private(
        conf, "".join(f"{key}={value}\n" for key, value in kafka_properties(settings, data).items())
    )
    main = java(
        "kafka",
        settings,
        "-Xms256m",
        "-Xmx384m",
        "-XX:+UseSerialGC",
        f"-Dlog4j2.configurationFile={_log4j(settings)}",
    )
    if not (data / "meta.properties").exists():
        import subprocess

        formatted = subprocess.run(
            [
                *main,
                "kafka.tools.StorageTool",
                "format",
                "-t",
                cluster_id(uuid.uuid4().bytes),
                "-c",
                str(conf),
                "--ignore-formatted",
            ],
            capture_output=True,
            text=True,
        )
        if formatted.returncode:
            raise StackError(
                f"Kafka's storage in {data} could not be formatted: {(formatted.stderr or formatted.stdout).strip()[-300:]}"
            )
    return [*main, "kafka.Kafka", str(conf)]


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def cluster_id(random: bytes) -> str:
    """Sixteen bytes as Kafka writes a cluster's id. A leading dash would be taken for an option."""
    return "a" + base64.urlsafe_b64encode(random).decode().rstrip("=")[1:]


def _log4j(settings: Settings) -> Path:
    path = settings.home_dir / "conf" / "log4j2.yaml"
    layout = {"name": "out", "PatternLayout": {"pattern": logs.log4j(settings)}}
    path.write_text(
        yaml.safe_dump(
            {
                "Configuration": {
                    "Appenders": {"Console": layout},
                    "Loggers": {"Root": {"level": "WARN", "AppenderRef": {"ref": "out"}}},
                }
            }
        )
    )
    return path


def _kafka_ready(settings: Settings) -> bool:
    if not port_open(settings.host, settings.kafka_port):
        return False
    from confluent_kafka import KafkaException

    from pitwall.kafka.clients import admin

    try:
        return bool(admin(settings).list_topics(timeout=2).brokers)
    except KafkaException:
        return False


def _kafka_topics(settings: Settings) -> None:
    from pitwall.kafka.topics import create_topics

    create_topics(settings)


# -- Cassandra -----------------------------------------------------------------------------------

_EXPORTS = """java.base/jdk.internal.misc java.base/java.lang.ref java.management.rmi/com.sun.jmx.remote.internal.rmi
java.rmi/sun.rmi.registry java.rmi/sun.rmi.server java.sql/java.sql jdk.unsupported/sun.misc
jdk.attach/sun.tools.attach""".split()
_OPENS = [
    *(
        f"java.base/{package}"
        for package in """java.lang.module jdk.internal.loader jdk.internal.ref jdk.internal.reflect jdk.internal.math
jdk.internal.module jdk.internal.util.jar sun.nio.ch java.io java.lang.reflect java.lang java.util
java.util.concurrent java.nio java.util.concurrent.atomic java.net""".split()
    ),
    "jdk.management/com.sun.management.internal",
]


def cassandra_yaml(settings: Settings, data: Path) -> dict[str, object]:
    """The node's configuration, its data in the folder `data`."""
    return {
        "cluster_name": "pitwall",
        "num_tokens": 1,
        "initial_token": "0",
        "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
        "listen_address": settings.host,
        "rpc_address": settings.host,
        "native_transport_port": settings.cassandra_port,
        "storage_port": settings.cassandra_storage_port,
        "endpoint_snitch": "SimpleSnitch",
        "authenticator": "PasswordAuthenticator",
        "authorizer": "CassandraAuthorizer",
        # A login is let in by any node that knows it; a quorum of two nodes is both.
        "auth_read_consistency_level": "LOCAL_ONE",
        "disk_failure_policy": "die",
        "commit_failure_policy": "die",
        "commitlog_sync": "periodic",
        "commitlog_sync_period": "1000ms",
        "commitlog_segment_size": "16MiB",
        # Compressed segments are written, not mapped: a page fault for each page of a mapped one was a tenth of a catch-up.
        "commitlog_compression": [{"class_name": "LZ4Compressor"}],
        "commitlog_disk_access_mode": "legacy",
        "data_file_directories": [str(data / "data")],
        "commitlog_directory": str(data / "commitlog"),
        "saved_caches_directory": str(data / "saved_caches"),
        "hints_directory": str(data / "hints"),
        "cdc_raw_directory": str(data / "cdc_raw"),
        "memtable_allocation_type": "heap_buffers",
        "auto_snapshot": False,
        "concurrent_reads": 8,
        "concurrent_writes": 4,
        "native_transport_max_threads": 8,
        "key_cache_size": "8MiB",
        "seed_provider": [
            {
                "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
                "parameters": [{"seeds": f"{settings.host}:{settings.cassandra_storage_port}"}],
            }
        ],
        **(_cassandra_tls(settings) if settings.tls else {}),
    }


def _cassandra_tls(settings: Settings) -> dict[str, object]:
    return {
        "client_encryption_options": {
            "enabled": True,
            "optional": False,
            "ssl_context_factory": {
                "class_name": "org.apache.cassandra.security.PEMBasedSslContextFactory"
            },
            "keystore": str(certificates.shown(settings).both),
            "truststore": str(settings.authority),
        }
    }


def _logback(settings: Settings) -> Path:
    path = settings.home_dir / "conf" / "logback.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(logs.logback(settings))
    return path


def _cassandra(settings: Settings) -> list[str]:
    data, conf = settings.data_dir / "cassandra", settings.home_dir / "conf"
    temporary = settings.home_dir / "tmp"
    for folder in (data, conf, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    (conf / "cassandra.yaml").write_text(yaml.safe_dump(cassandra_yaml(settings, data)))
    jamm = next(
        p
        for p in jars.classpath("cassandra", settings.cache_dir / "m2")
        if p.name == "jamm-0.4.0.jar"
    )
    properties = {
        "cassandra.skip_wait_for_gossip_to_settle": 0,
        "cassandra.ring_delay_ms": 0,
        "cassandra.superuser_setup_delay_ms": -1,
        "cassandra.disable_tcactive_openssl": "true",
        "java.net.preferIPv4Stack": "true",
        "jdk.attach.allowAttachSelf": "true",
        "io.netty.tryReflectionSetAccessible": "true",
        "cassandra-foreground": "yes",
        "cassandra.config": f"file://{conf / 'cassandra.yaml'}",
        "cassandra.storagedir": data,
        "logback.configurationFile": _logback(settings),
        "java.io.tmpdir": temporary,
        "jna.tmpdir": temporary,
    }
    return [
        *java(
            "cassandra",
            settings,
            "-Xms512m",
            "-Xmx512m",
            "-XX:+UseSerialGC",
            f"-javaagent:{jamm}",
            *(f"-D{key}={value}" for key, value in properties.items()),
            *(f"--add-exports={package}=ALL-UNNAMED" for package in _EXPORTS),
            *(f"--add-opens={package}=ALL-UNNAMED" for package in _OPENS),
        ),
        "org.apache.cassandra.service.CassandraDaemon",
    ]


def _cassandra_ready(settings: Settings) -> bool:
    return port_open(settings.host, settings.cassandra_port)


def _cassandra_password(settings: Settings) -> None:
    from pitwall.stores.cassandra import prepare_cluster

    prepare_cluster(settings)


# -- S3, MLflow ----------------------------------------------------------------------------------


def _s3(settings: Settings) -> list[str]:
    data = settings.data_dir / "s3"
    for bucket in BUCKETS:
        (data / bucket).mkdir(parents=True, exist_ok=True)
    folder = settings.home_dir / "conf"
    folder.mkdir(parents=True, exist_ok=True)
    logback = f"-Dlogback.configurationFile={_logback(settings)}"
    command = [
        *java("s3", settings, "-Xmx128m", "-XX:+UseSerialGC", logback),
        "org.gaul.s3proxy.Main",
    ]
    for user in sorted({s3_key(settings, user)[0] for user in BUCKETS.values()}):
        conf = folder / f"s3-{user}.properties"
        own = [bucket for bucket, owner in BUCKETS.items() if s3_key(settings, owner)[0] == user]
        _write_private(
            conf,
            f"s3proxy.endpoint=http://{settings.host}:{settings.s3_port}\n"
            "s3proxy.authorization=aws-v2-or-v4\n"
            f"s3proxy.identity={user}\n"
            f"s3proxy.credential={s3_key(settings, user)[1]}\n"
            "jclouds.provider=filesystem-nio2\n"
            f"jclouds.filesystem.basedir={data}\n"
            + "".join(
                f"s3proxy.bucket-locator.{number}={bucket}\n"
                for number, bucket in enumerate(own, 1)
            ),
        )
        command += ["--properties", str(conf)]
    return command


def _mlflow(settings: Settings) -> list[str]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--artifacts-destination",
        settings.mlflow_artifacts,
        "--host",
        settings.host,
        "--port",
        str(settings.mlflow_port),
        "--workers",
        "1",
        *(
            ["--uvicorn-opts", f"--log-config {logs.uvicorn_file(settings)}"]
            if settings.log_format == "json"
            else []
        ),
    ]


# -- Flink, serving, page ------------------------------------------------------------------------


def _module(name: str) -> Callable[[Settings], list[str]]:
    return lambda settings: [sys.executable, "-m", name]


def _flink_script(name: str, metrics: str) -> Callable[[Settings], list[str]]:
    def command(settings: Settings) -> list[str]:
        from pitwall.flink import cluster
        from pitwall.machine.compile import flink_home

        cluster.write_configuration(settings)
        return [
            str(flink_home() / "bin" / name),
            "start-foreground",
            "-D",
            f"metrics.reporter.prom.port={getattr(settings, metrics)}",
        ]

    return command


def _jobmanager_ready(settings: Settings) -> bool:
    return http_ok(f"{settings.flink_url}/overview")


def _taskmanager_ready(settings: Settings) -> bool:
    from pitwall.errors import JobError
    from pitwall.flink.rest import get

    try:
        return bool(get(settings, "/overview")["taskmanagers"])
    except JobError:
        return False


def _flink_ready(settings: Settings) -> bool:
    from pitwall.flink.status import features_job_state

    return features_job_state(settings) == "RUNNING"


def _serving_ready(settings: Settings) -> bool:
    from pitwall.serving.listen import trust

    tls = trust(settings)
    return http_ok(
        f"{settings.serving_url}/livez", tls if isinstance(tls, ssl.SSLContext) else None
    )


SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        Server(
            "kafka",
            "kafka_port",
            _kafka,
            _kafka_ready,
            version="4.4.0",
            first_ready=_kafka_topics,
            more_ports=("kafka_controller_port",),
        ),
        Server(
            "cassandra",
            "cassandra_port",
            _cassandra,
            _cassandra_ready,
            version="5.0.9",
            first_ready=_cassandra_password,
            more_ports=("cassandra_storage_port",),
        ),
        Server(
            "s3", "s3_port", _s3, lambda s: port_open(s.host, s.s3_port), version="s3proxy 4.1.0"
        ),
        Server(
            "mlflow",
            "mlflow_port",
            _mlflow,
            lambda s: http_ok(f"{s.mlflow_url}/health"),
            version="3.17.2",
        ),
        Server(
            "flink",
            "flink_port",
            _module("pitwall.flink.submit"),
            _flink_ready,
            ("kafka", "cassandra"),
            "2.3.0",
            more_ports=("flink_metrics_port",),
        ),
        Server(
            "jobmanager",
            "flink_port",
            _flink_script("jobmanager.sh", "flink_jobmanager_metrics_port"),
            _jobmanager_ready,
            version="2.3.0",
            more_ports=("flink_rpc_port", "flink_jobmanager_metrics_port"),
            by_default=False,
        ),
        Server(
            "taskmanager",
            "",
            _flink_script("taskmanager.sh", "flink_metrics_port"),
            _taskmanager_ready,
            ("jobmanager",),
            "2.3.0",
            more_ports=("flink_metrics_port",),
            by_default=False,
        ),
        Server(
            "spark",
            "",
            _module("pitwall.spark.job"),
            lambda s: (s.run_dir / "spark.ready").exists(),
            ("kafka", "cassandra"),
            "3.5.9",
            by_default=False,
        ),
        Server(
            "namenode",
            "hdfs_web_port",
            hadoop.namenode,
            lambda s: http_ok(f"http://{s.host}:{s.hdfs_web_port}/webhdfs/v1/?op=LISTSTATUS"),
            version="3.4.1",
            more_ports=("hdfs_port",),
            by_default=False,
        ),
        Server(
            "datanode",
            "",
            hadoop.datanode,
            hadoop.datanode_ready,
            ("namenode",),
            "3.4.1",
            more_ports=("hdfs_data_port", "hdfs_data_web_port", "hdfs_data_ipc_port"),
            by_default=False,
        ),
        Server(
            "hbase",
            "hbase_port",
            hadoop.hbase,
            lambda s: port_open(s.host, s.hbase_region_port),
            version="2.6.1",
            more_ports=("hbase_region_port", "hbase_zookeeper_port"),
            by_default=False,
        ),
        Server(
            "hbase-thrift",
            "hbase_thrift_port",
            hadoop.hbase_thrift,
            lambda s: port_open(s.host, s.hbase_thrift_port),
            ("hbase",),
            "2.6.1",
            by_default=False,
        ),
        Server(
            "spark-master",
            "spark_port",
            spark.master,
            lambda s: http_ok(f"http://{s.host}:{s.spark_ui_port}"),
            version="3.5.9",
            more_ports=("spark_ui_port",),
            by_default=False,
        ),
        Server(
            "spark-worker",
            "",
            spark.worker,
            lambda s: http_ok(f"http://{s.host}:{s.spark_worker_ui_port}"),
            ("spark-master",),
            "3.5.9",
            more_ports=("spark_worker_ui_port",),
            by_default=False,
        ),
        Server(
            "serving",
            "serving_port",
            _module("pitwall.serving.run"),
            _serving_ready,
            ("kafka", "cassandra", "mlflow"),
            "bentoml 1.4.39",
        ),
        Server(
            "scorer",
            "",
            _module("pitwall.serving.scorer"),
            lambda s: (s.run_dir / "scorer.ready").exists(),
            ("kafka", "mlflow"),
            "0.1.0",
        ),
        Server(
            "page",
            "page_port",
            _module("pitwall.page.run"),
            lambda s: http_ok(f"{s.page_url}/health", certificates.trust(s)),
            ("kafka",),
            "nicegui 3.18",
        ),
    )
}
"""Every server by its name, in start order."""

CONTAINED = {
    "metastore": Server(
        "metastore",
        "metastore_port",
        spark.metastore,
        lambda s: port_open(s.host, s.metastore_port),
        version="2.3.9",
    )
}
"""Servers of containers only: they listen on every address there is."""
