"""One typed, frozen settings object. Every field can be set by an environment variable `PITWALL_<NAME>`."""

from __future__ import annotations

import os
import secrets
import shutil
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DISTRIBUTION = "pitwall-telemetry"
"""Name on a package index, where `pitwall` is another project. Package and command are `pitwall`."""
PACKAGED = Path(__file__).resolve().parent / "project"
"""What the tools read, as a wheel brings it; not there in a checkout."""


def _repository() -> Path:
    """The checkout this package was installed from, the bento it is in, or the working directory where it has a feature repository.

    Installed from a wheel: the user's own copy of what the wheel brings, which `lay_out` makes.
    """
    own = Path(__file__).resolve()
    for folder in (own.parents[2], own.parents[1], Path.cwd()):
        if (folder / "feature_repo" / "feature_store.yaml").exists():
            return folder
    if PACKAGED.exists():
        return (
            Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))
            / "pitwall"
            / version(DISTRIBUTION)
        )
    return Path.cwd()


class Settings(BaseSettings):
    """Where things are and how they are reached. Nothing is opened or written by making one."""

    model_config = SettingsConfigDict(env_prefix="PITWALL_", frozen=True, extra="ignore")

    repository: Path = Field(default_factory=_repository)
    home: Path | None = None
    """State of the local stack; default: `.pitwall` in the repository."""
    cache_dir: Path = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pitwall"
    """Downloaded jars, shared by all checkouts."""

    host: str = "127.0.0.1"
    kafka_port: int = 19092
    kafka_controller_port: int = 19093
    cassandra_port: int = 19042
    cassandra_storage_port: int = 17000
    s3_port: int = 19000
    s3_roles: bool = True
    """Job, MLflow and all else have a key each, for their own buckets; off for an S3 server with one key."""
    s3_server: str = ""
    """URL of an S3 server elsewhere; empty for the local stack's."""
    mlflow_port: int = 15000
    mlflow_server: str = ""
    """URL of an MLflow server elsewhere; empty for the local stack's."""
    mlflow_backend: SecretStr = SecretStr("")
    """MLflow's database, `postgresql://user:password@host/name`; empty for sqlite."""
    mlflow_artifacts: str = "s3://mlflow"
    """Where MLflow keeps models and plots: `s3://bucket/folder`, or a folder."""
    flink_host: str = "127.0.0.1"
    flink_port: int = 18081
    flink_rpc_port: int = 16123
    flink_metrics_port: int = 19249
    """Where Prometheus reads the job's metrics (of a standalone cluster: its task manager's)."""
    flink_jobmanager_metrics_port: int = 19250
    hdfs_port: int = 18020
    hdfs_web_port: int = 19870
    """WebHDFS, by which the Python side reads and writes what `offline_url` has on HDFS."""
    hdfs_data_port: int = 19866
    hdfs_data_web_port: int = 19864
    hdfs_data_ipc_port: int = 19867
    hdfs_user: str = "pitwall"
    """Who our programs say they are to HDFS."""
    hbase_port: int = 16000
    hbase_region_port: int = 16020
    hbase_zookeeper_port: int = 12181
    hbase_thrift_port: int = 19091
    """By which Feast's HBase store writes and reads."""
    spark_master: str = ""
    """`spark://host:port` of a Spark cluster for the job `history`; empty: inside the job's own process."""
    spark_port: int = 17077
    spark_ui_port: int = 18082
    spark_worker_ui_port: int = 18083
    metastore_url: str = ""
    """`thrift://host:port` of a Hive metastore, where `pitwall sql --engine spark` puts its tables; empty: one of the query's own."""
    metastore_port: int = 19083
    serving_port: int = 13000
    serving_host: str = ""
    """The address the endpoint listens on; empty: `host`, where the stack's other servers are."""
    serving_certificate: Path | None = None
    """The endpoint speaks TLS with this certificate (PEM), also where the other servers do not; with `tls`, instead of theirs."""
    serving_key: Path | None = None
    """Its key."""
    serving_ca: Path | None = None
    """Whom our own clients trust to sign it; default: the certificate itself."""
    page_port: int = 18080
    page_names: str = ""
    """Further host names the page answers to, `name,…`: those it has behind a proxy."""
    prometheus_port: int = 19090
    """Where a Prometheus beside the stack is; the page links it, as it does Grafana."""
    grafana_port: int = 13001

    tls: bool = False
    """The local stack's Kafka, Cassandra, endpoint and page speak TLS only, and Kafka asks for a login."""
    ca: Path | None = None
    """PEM file of who signs the servers' certificates; default: the authority the local stack makes for itself."""
    certificate: Path | None = None
    certificate_key: Path | None = None
    """PEM files of what the local stack's servers show; default: a certificate of that authority."""

    kafka_servers: str = ""
    """`host:port,…` of a cluster elsewhere; empty for the local stack's."""
    kafka_security: Literal["", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = ""
    """How clients reach Kafka; default: SASL_SSL with `tls`, else PLAINTEXT."""
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    kafka_user: str = "pitwall"
    """Its password is the secret `kafka`."""
    kafka_partitions: int = 1
    telemetry_topic: str = "p424-telemetry-batch"
    telemetry_pattern: str = "p424-telemetry-batch.*"
    features_topic: str = "p424-features"
    schemas_topic: str = "p424-feature-schemas"
    """Compacted: which columns a record of the features topic holds."""
    predictions_topic: str = "p424-predictions"
    dead_letters_topic: str = "p424-dead-letters"
    served_topic: str = "p424-served"
    """Each feature vector a model was asked with; what `parity` compares."""

    keyspace: str = "pitwall"
    replication: str = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    cassandra_user: str = "cassandra"

    checkpoint_interval_s: float = 10.0
    """How often the job secures its state; new rows of the offline store appear with it."""
    checkpoint_url: str = ""
    """Where: `s3://bucket/folder` for the S3 server, else a folder of the stack's own."""
    offline_url: str = ""
    """The offline store's Parquet files: `s3://bucket/folder` on the S3 server, `hdfs://host:port/folder`, else a folder of the stack's own."""
    parallelism: int = 1
    idle_timeout_s: float = 5.0
    """A topic or partition silent for this long (wall clock) no longer holds back what came through others."""
    reorder_s: float = 0.1
    """How far apart, in session time, two ticks may have changed places on their way."""
    session_release_s: float = 600.0
    """A session silent for this long (wall clock) is over: its state is released."""
    log_format: Literal["text", "json"] = "text"
    """`json`: one object a line, for a log store."""
    quick_start: bool = True
    """Servers compile quickly and not well, which on two cores pays in runs of minutes; off for long ones."""
    retention_offline_days: float | None = Field(default=None, gt=0)
    """Sessions last written longer ago than this leave the offline store at `pitwall retention --apply`; None: none does."""
    retention_online_days: float | None = Field(default=None, gt=0)
    """The same for the online store."""
    retention_history_days: float | None = Field(default=None, gt=0)
    """The same for the telemetry history."""
    retention_topics_days: float | None = Field(default=None, gt=0)
    """How long Kafka keeps messages; None: as the topics say."""
    rate_limit: float = 2000.0
    """Requests a second the prediction endpoint takes from one client."""
    max_body_bytes: int = 4 << 20
    """The largest body of a request the endpoint reads."""
    request_timeout_s: float = 10.0
    """Within which a request must have come and be answered."""
    stale_after_s: float = 300.0
    """Features whose record came to Kafka longer ago are too old to predict from, unless the question says otherwise."""
    score_hz: float = 10.0
    """Predictions a second (session clock) the stream scorer makes for each session and model."""

    @model_validator(mode="after")
    def _whole(self) -> Settings:
        if (self.certificate is None) != (self.certificate_key is None):
            raise ValueError(
                "PITWALL_CERTIFICATE and PITWALL_CERTIFICATE_KEY are given together or not at all"
            )
        return self

    @cached_property
    def home_dir(self) -> Path:
        """State of the local stack: data, logs, secrets, process ids."""
        return (self.home or self.repository / ".pitwall").absolute()

    @property
    def data_dir(self) -> Path:
        """Data that survives `down` and `up`."""
        return self.home_dir / "data"

    @property
    def log_dir(self) -> Path:
        """One log file a process."""
        return self.home_dir / "logs"

    @property
    def run_dir(self) -> Path:
        """What runs now: one JSON file a process."""
        return self.home_dir / "run"

    @property
    def feature_repo(self) -> Path:
        """The folder `feast apply` reads."""
        return self.repository / "feature_repo"

    @property
    def offline_dir(self) -> Path:
        """Root of the offline store's Parquet files, where `offline_url` names no other place."""
        return self.data_dir / "offline"

    def offline(self, view: str) -> str:
        """The Parquet files of one view: `s3://bucket/folder/view`, or a folder."""
        return f"{self.offline_url.rstrip('/') or self.offline_dir}/{view}"

    @property
    def flink_dir(self) -> str:
        """Root of the job's checkpoints and savepoints, as a URL."""
        return self.checkpoint_url.rstrip("/") or f"file://{self.data_dir / 'flink'}"

    @property
    def bootstrap_servers(self) -> str:
        """Kafka's addresses."""
        return self.kafka_servers or f"{self.host}:{self.kafka_port}"

    @property
    def kafka_protocol(self) -> str:
        """How clients reach Kafka."""
        return self.kafka_security or ("SASL_SSL" if self.tls else "PLAINTEXT")

    @property
    def flink_url(self) -> str:
        """Flink's REST interface."""
        return f"http://{self.flink_host}:{self.flink_port}"

    @property
    def mlflow_url(self) -> str:
        """MLflow's address."""
        return self.mlflow_server or f"http://{self.host}:{self.mlflow_port}"

    @property
    def s3_url(self) -> str:
        """The S3 server's address."""
        return self.s3_server or f"http://{self.host}:{self.s3_port}"

    @property
    def serving_url(self) -> str:
        """The prediction endpoint's address."""
        return f"{'https' if self.tls or self.serving_certificate else 'http'}://{self.serving_host or self.host}:{self.serving_port}"

    @property
    def page_url(self) -> str:
        """The live page's address."""
        return f"{self.web}://{self.host}:{self.page_port}"

    @property
    def web(self) -> str:
        """Scheme of endpoint and page."""
        return "https" if self.tls else "http"

    @property
    def authority(self) -> Path:
        """PEM file of who signs the servers' certificates."""
        return self.ca or self.home_dir / "secrets" / "ca.pem"

    def secret(self, name: str) -> SecretStr:
        """The local stack's secret `name`, made at first use and readable by its owner only.

        `PITWALL_SECRET_<NAME>` overrides the file.
        """
        if value := os.environ.get(f"PITWALL_SECRET_{name.upper()}"):
            return SecretStr(value)
        path = self.home_dir / "secrets" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary = path.with_name(f".{name}.{os.getpid()}")
            with open(
                os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w"
            ) as file:
                file.write(secrets.token_urlsafe(24))
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass
            temporary.unlink()
        return SecretStr(path.read_text().strip())

    def secret_file(self, name: str, value: SecretStr) -> Path:
        """A file that holds `value` and is readable by its owner only: the secret's own, unless it comes from elsewhere."""
        path = self.home_dir / "secrets" / name
        if not path.exists() or path.read_text().strip() != value.get_secret_value():
            path = path.with_name(f"{name}.given")
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
                file.write(value.get_secret_value())
        return path


def lay_out() -> None:
    """Where this is installed from a wheel: copy what it brings to the user's repository, unless one is there."""
    if PACKAGED.exists():
        repository = Settings().repository
        if not (repository / "feature_repo" / "feature_store.yaml").exists():
            shutil.copytree(PACKAGED, repository, dirs_exist_ok=True)
