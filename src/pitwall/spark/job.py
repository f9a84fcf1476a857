"""The job `history`: Kafka → Spark Structured Streaming → the table `telemetry_history` (`docs/adr/0007`).

`python -m pitwall.spark.job` runs it until it is told to stop. While Kafka or Cassandra is away it begins anew from its
checkpoint, again and again.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from pitwall.errors import UsageError
from pitwall.features import load
from pitwall.features.plan import plan
from pitwall.kafka.clients import java_client_config
from pitwall.machine import compile, jars
from pitwall.machine import processes as process
from pitwall.settings import Settings
from pitwall.spark.cluster import home, session
from pitwall.stores.cassandra.options import Tls, configured, keyspace_of, login, tls

TRIGGER = "1 second"
PAUSE_S = 5.0
STORE_PASSWORD = "pitwall"
CIPHERS = "TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256," + ",".join(
    f"TLS_ECDHE_{key}_WITH_AES_{size}"
    for key in ("ECDSA", "RSA")
    for size in ("256_GCM_SHA384", "128_GCM_SHA256")
)
"""The connector's own are none that a server of today takes."""
BATCH = 100_000
"""Messages in one step at most: a long topic is not one step."""


def ready_file(settings: Settings) -> Path:
    """There while the job reads; when its last batch ended, in seconds since the epoch."""
    return settings.run_dir / "spark.ready"


def describe(settings: Settings) -> dict[str, Any] | None:
    """The job as `jobs list` shows it, or None where it does not run."""
    found = process.find(settings.run_dir, "spark")
    if found is None:
        return None
    newest = max(
        (path.stat().st_mtime for path in (checkpoint_dir(settings) / "commits").glob("[0-9]*")),
        default=None,
    )
    return {
        "name": "history",
        "id": str(found.pid),
        "state": "RUNNING" if ready_file(settings).exists() else "STARTING",
        "waits_for": [],
        "since_ms": round(found.started * 1000),
        "restarts": 0,
        "checkpoint_age_s": None if newest is None else round(time.time() - newest, 1),
        "checkpoint_mb": None,
    }


def checkpoint_dir(settings: Settings) -> Path:
    """Offsets read and the state of sessions."""
    return settings.data_dir / "spark" / "history"


def spark_session(settings: Settings) -> Any:
    """A Spark session that has our jars. Raises `UsageError` where pyspark is missing, `JarError`, `JobError`."""
    spark_home = home()
    jars.fetch(settings.cache_dir / "m2", optional=["spark"])
    libraries = jars.classpath("spark", settings.cache_dir / "m2")
    job = compile.job_jar(settings)
    ours = compile.compiled(
        settings, "spark_jobs/jvm", [job, *libraries, *sorted((spark_home / "jars").glob("*.jar"))]
    )
    options = {
        "spark.jars": ",".join(str(path) for path in (ours, job, *libraries)),
        "spark.driver.memory": "1g",
        "spark.sql.streaming.metricsEnabled": "false",
    }
    found = session(
        settings,
        "pitwall-history",
        settings.spark_master or f"local[{settings.parallelism},4]",
        options,
    )
    # Options given above stand in the command line of Java, where a password must not.
    for key, value in _cassandra(settings).items():
        found.conf.set(f"spark.cassandra.{key}", value)
    return found


def _cassandra(settings: Settings) -> dict[str, str]:
    """The connector's options: what `feature_store.yaml` says, and for the rest the local stack."""
    options = configured(settings)
    who, secured = login(settings, options, "job"), tls(settings, options)
    found = {
        "connection.host": ",".join(options.hosts or [settings.host]),
        "connection.port": str(options.port or settings.cassandra_port),
        "auth.username": who.username,
        "auth.password": who.password.get_secret_value(),
        "output.consistency.level": options.write_consistency,
    }
    if options.data_center:
        found["connection.localDC"] = options.data_center
    if secured is not None:
        found |= {
            f"connection.ssl.{key}": value for key, value in _stores(settings, secured).items()
        }
    return found


def _stores(settings: Settings, secured: Tls) -> dict[str, str]:
    """PEM files as the connector takes them: in stores of Java's kind. It knows hosts by their authority alone, not by their names."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12

    folder = settings.home_dir / "conf" / "spark"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # What lies in them lies beside them in clear; Java wants a password.
    encryption = serialization.BestAvailableEncryption(STORE_PASSWORD.encode())

    def write(name: str, data: bytes) -> str:
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(data)
        return str(path)

    authorities = (
        x509.load_pem_x509_certificates((settings.feature_repo / secured.ca).read_bytes())
        if secured.ca
        else []
    )
    trusted = [
        pkcs12.PKCS12Certificate(each, f"ca-{i}".encode()) for i, each in enumerate(authorities)
    ]
    found = {"enabled": "true", "enabledAlgorithms": CIPHERS}
    if trusted:
        path = write("trust.p12", pkcs12.serialize_java_truststore(trusted, encryption))
        found |= {
            "trustStore.path": path,
            "trustStore.type": "PKCS12",
            "trustStore.password": STORE_PASSWORD,
        }
    if secured.certificate and secured.key:
        first, *chain = x509.load_pem_x509_certificates(
            (settings.feature_repo / secured.certificate).read_bytes()
        )
        key: Any = serialization.load_pem_private_key(
            (settings.feature_repo / secured.key).read_bytes(), None
        )
        path = write(
            "own.p12", pkcs12.serialize_key_and_certificates(b"own", key, first, chain, encryption)
        )
        found |= {
            "clientAuth.enabled": "true",
            "keyStore.path": path,
            "keyStore.type": "PKCS12",
            "keyStore.password": STORE_PASSWORD,
        }
    return found


def start(spark: Any, settings: Settings) -> tuple[Any, Any]:
    """Begin the job, from its checkpoint where there is one; gives the query and the count of messages that cannot be read."""
    from pyspark.sql import DataFrame

    kafka = {
        f"kafka.{key}": value
        for key, value in java_client_config(settings, "org.apache.kafka.common").items()
    }
    records = (
        spark.readStream.format("kafka")
        .options(**kafka)
        .option("subscribePattern", settings.telemetry_pattern)
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "false")
        .option("kafka.metadata.max.age.ms", "1000")
        .option("maxOffsetsPerTrigger", str(BATCH))
        .load()
        .selectExpr("value", "topic", "partition", "offset", "unix_millis(timestamp) AS record_ms")
    )
    bad = spark._jsc.sc().longAccumulator("bad messages")
    rows = spark._jvm.pitwall.spark.SparkHistory.rows(
        records._jdf, plan(settings, load(settings.feature_repo)[-1]), bad
    )
    query = (
        DataFrame(rows, spark)
        .writeStream.format("org.apache.spark.sql.cassandra")
        .queryName("history")
        .option("keyspace", keyspace_of(settings))
        .option("table", "telemetry_history")
        .option("writetime", "written_us")
        .option("checkpointLocation", checkpoint_dir(settings).as_uri())
        .trigger(processingTime=TRIGGER)
        .start()
    )
    return query, bad


def main() -> None:
    """Run until SIGTERM."""
    from pyspark.errors import PySparkException

    settings = Settings()
    ready = ready_file(settings)
    ready.unlink(missing_ok=True)

    def stop(number: int, frame: FrameType | None) -> None:
        ready.unlink(missing_ok=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    spark = spark_session(settings)
    spark.sparkContext.setLogLevel("ERROR")
    while True:
        told = 0
        try:
            query, bad = start(spark, settings)
            while not query.awaitTermination(1):
                if query.lastProgress is not None:
                    ready.write_text(str(time.time()))
                if bad.value() > told:
                    told = bad.value()
                    print(
                        f"{datetime.now(UTC):%H:%M:%S} {told} messages could not be read",
                        flush=True,
                    )
        except PySparkException as error:
            lines = str(error).splitlines()
            cause = next(
                (line for line in reversed(lines) if "Caused by" in line), lines[0] if lines else ""
            )
            print(f"{datetime.now(UTC):%H:%M:%S} begins anew in {PAUSE_S:g} s: {cause}", flush=True)
        ready.unlink(missing_ok=True)
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    try:
        main()
    except UsageError as error:
        sys.exit(f"Error: {error}")
