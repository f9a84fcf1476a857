"""Cassandra: one node with a password, whose first login the stack replaces by its own."""

from __future__ import annotations

from pathlib import Path

import yaml

from pitwall import logs
from pitwall.local.servers.commit_log import cut_half_written
from pitwall.local.servers.server import Server
from pitwall.machine import certificates, jars
from pitwall.machine.java import java
from pitwall.machine.ports import port_open
from pitwall.settings import Settings

EXPORTS = """
    java.base/jdk.internal.misc java.base/java.lang.ref java.sql/java.sql
    java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry
    java.rmi/sun.rmi.server jdk.unsupported/sun.misc jdk.attach/sun.tools.attach
""".split()
OPENS = """
    java.base/java.lang.module java.base/jdk.internal.loader java.base/jdk.internal.ref
    java.base/jdk.internal.reflect java.base/jdk.internal.math java.base/jdk.internal.module
    java.base/jdk.internal.util.jar java.base/sun.nio.ch java.base/java.io
    java.base/java.lang.reflect java.base/java.lang java.base/java.util
    java.base/java.util.concurrent java.base/java.nio java.base/java.util.concurrent.atomic
    java.base/java.net jdk.management/com.sun.management.internal
""".split()
"""Packages of the JDK that Cassandra needs opened, from its own `jvm17-server.options`."""


def cassandra_yaml(settings: Settings, data: Path) -> dict[str, object]:
    """The node's configuration, with its data in the folder `data`."""
    seeds = f"{settings.host}:{settings.cassandra_storage_port}"
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
        # With two nodes a quorum is both of them, and nobody could log in while one is down.
        "auth_read_consistency_level": "LOCAL_ONE",
        "disk_failure_policy": "die",
        "commit_failure_policy": "die",
        "commitlog_sync": "periodic",
        "commitlog_sync_period": "1000ms",
        "commitlog_segment_size": "16MiB",
        # Compressed segments are written instead of mapped: the page faults of mapped segments
        # took a tenth of the time of a catch-up.
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
                "parameters": [{"seeds": seeds}],
            }
        ],
        **(_tls(settings) if settings.tls else {}),
    }


def _tls(settings: Settings) -> dict[str, object]:
    return {
        "client_encryption_options": {
            "enabled": True,
            "optional": False,
            "ssl_context_factory": {
                "class_name": "org.apache.cassandra.security.PEMBasedSslContextFactory"
            },
            "keystore": str(certificates.server_certificate(settings).both),
            "truststore": str(settings.authority),
        }
    }


def _command(settings: Settings) -> list[str]:
    data, conf = settings.data_dir / "cassandra", settings.home_dir / "conf"
    temporary = settings.home_dir / "tmp"
    for folder in (data, conf, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    cut_half_written(data / "commitlog")
    (conf / "cassandra.yaml").write_text(yaml.safe_dump(cassandra_yaml(settings, data)))
    class_path = jars.classpath("cassandra", settings.cache_dir / "m2")
    agent = next(path for path in class_path if path.name.startswith("jamm-"))
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
        "logback.configurationFile": logs.logback_file(settings),
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
            f"-javaagent:{agent}",
            *(f"-D{key}={value}" for key, value in properties.items()),
            *(f"--add-exports={package}=ALL-UNNAMED" for package in EXPORTS),
            *(f"--add-opens={package}=ALL-UNNAMED" for package in OPENS),
        ),
        "org.apache.cassandra.service.CassandraDaemon",
    ]


def _prepare_cluster(settings: Settings) -> None:
    from pitwall.stores.cassandra.prepare import prepare_cluster

    prepare_cluster(settings)


CASSANDRA = Server(
    "cassandra",
    _command,
    lambda settings: port_open(settings.host, settings.cassandra_port),
    setting="cassandra_port",
    more_ports=("cassandra_storage_port",),
    first_ready=_prepare_cluster,
    package="org.apache.cassandra:cassandra-all",
)
