"""The settings: one typed, frozen object.

Every field is set by an environment variable `PITWALL_<NAME>` and has a default. A new setting is
one line in its group, with a docstring that says its unit and its effect; the settings page of the
documentation is made from them.
"""

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
"""Name on a package index, where `pitwall`, the name of package and command, is taken."""
ONE_COPY = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
"""Replication of a keyspace on one node, in CQL."""
PACKAGED = Path(__file__).resolve().parent / "project"
"""The files that tools read, inside an installed wheel. A checkout has no such folder."""


def _repository() -> Path:
    """The folder of the project's files, the first of these that has a feature repository.

    They are the checkout that this package is installed from, the bento that it is in, and the
    working directory. For an installed wheel it is the user's copy, which `lay_out` makes.
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
    """Where everything is and how it is reached. Making one opens and writes nothing."""

    model_config = SettingsConfigDict(env_prefix="PITWALL_", frozen=True, extra="ignore")

    # Folders
    repository: Path = Field(default_factory=_repository)
    """The checkout: `feature_repo`, `flink_jobs` and all else that tools read."""
    home: Path | None = None
    """State of the local stack: data, logs, secrets. Default: `.pitwall` in the repository."""
    cache_dir: Path = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pitwall"
    """Downloaded jars, shared by all checkouts."""

    disk_least_gb: float = Field(default=2.0, ge=0)
    """The stack does not start with less free disk space, in GB, in its `home`; status, page and
    metrics say when it is less. 0: no limit."""

    # All servers
    host: str = "127.0.0.1"
    """Address that the stack's servers listen on, and under which they are reached."""
    tls: bool = False
    """Kafka, Cassandra, endpoint and page speak TLS only, and Kafka asks for a login."""
    ca: Path | None = None
    """Authority that signs the servers' certificates (PEM). Default: one that the stack makes."""
    certificate: Path | None = None
    """Certificate of the stack's servers (PEM). Default: one that the stack's authority signs."""
    certificate_key: Path | None = None
    """Key of `PITWALL_CERTIFICATE` (PEM); the two are given together."""
    oidc: Path | None = None
    """JSON file of an OIDC issuer whose tokens count beside ours; docs/security.md shows one."""
    quick_start: bool = True
    """Java compiles fast rather than well: better for runs of minutes. Off for long ones."""
    keep_alive_s: int = Field(default=120, gt=0)
    """Seconds for which endpoint, page and feature servers keep an idle connection: longer than
    clients that pool connections keep theirs (Go's 90 s), so that no request meets a closed one."""
    log_format: Literal["text", "json"] = "text"
    """Logs as lines of text, or with `json` as one JSON object a line for a log store."""

    # Kafka
    kafka_port: int = 19092
    """Port of the local broker."""
    kafka_controller_port: int = 19093
    """Port of the local broker's controller."""
    kafka_advertised: str = ""
    """`host:port` by which clients reach the local broker, where a proxy stands before it; empty:
    its own."""
    kafka_servers: str = ""
    """`host:port,…` of a Kafka cluster elsewhere; empty for the local broker."""
    kafka_security: Literal["", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = ""
    """Protocol of Kafka's clients. Default: SASL_SSL with `PITWALL_TLS`, else PLAINTEXT."""
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    """How clients log in, where the protocol is one of SASL."""
    kafka_user: str = "pitwall"
    """User of Kafka's clients; its password is the secret `kafka`."""
    kafka_partitions: int = 1
    """Partitions of each topic that is created."""
    telemetry_topic: str = "p424-telemetry-batch"
    """Topic that replays and the simulator write to."""
    telemetry_pattern: str = "p424-telemetry-batch.*"
    """Regular expression of the topics that the jobs read."""
    features_topic: str = "p424-features"
    """Topic of the feature rows."""
    schemas_topic: str = "p424-feature-schemas"
    """Compacted topic of the columns that a record of the features topic holds."""
    predictions_topic: str = "p424-predictions"
    """Topic of the predictions of endpoint and stream scorer."""
    dead_letters_topic: str = "p424-dead-letters"
    """Topic of the messages that could not be read, and of late ticks."""
    served_topic: str = "p424-served"
    """Topic of each feature vector that a model was asked with, which `parity` compares."""

    # Cassandra
    cassandra_port: int = 19042
    """Port of the local node for CQL clients."""
    cassandra_storage_port: int = 17000
    """Port of the local node for other nodes."""
    cassandra_user: str = "cassandra"
    """User who creates keyspace and roles; its password is the secret `cassandra`."""
    keyspace: str = Field(default="pitwall", pattern=r"^[a-z][a-z0-9_]{0,47}$")
    """Keyspace of the online store and the telemetry history."""
    replication: str = Field(default=ONE_COPY, pattern=r"^\{[^{};]*\}$")
    """Replication of the keyspace when it is created, in CQL."""

    # S3 and HDFS
    s3_port: int = 19000
    """Port of the local S3 server."""
    s3_server: str = ""
    """URL of an S3 server elsewhere; empty for the local one."""
    s3_roles: bool = True
    """Job, MLflow and the others have a key each, for their own buckets. Off: one key for all."""
    hdfs_port: int = 18020
    """Port of the local name node."""
    hdfs_web_port: int = 19870
    """Port of WebHDFS, by which Python reads and writes an offline store on HDFS."""
    hdfs_data_port: int = 19866
    """Port of the local data node."""
    hdfs_data_web_port: int = 19864
    """Port of the data node's WebHDFS."""
    hdfs_data_ipc_port: int = 19867
    """Port of the data node for other nodes."""
    hdfs_user: str = "pitwall"
    """User under whose name our programs write to HDFS."""

    # HBase
    hbase_port: int = 16000
    """Port of the local master."""
    hbase_region_port: int = 16020
    """Port of the local region server."""
    hbase_zookeeper_port: int = 12181
    """Port of the ZooKeeper inside the local HBase."""
    hbase_thrift_port: int = 19091
    """Port of the Thrift server, by which Feast's HBase store reads and writes."""

    # Flink and the features job
    flink_host: str = "127.0.0.1"
    """Address that Flink's processes listen on, and under which they are reached."""
    flink_port: int = 18081
    """Port of Flink's REST interface."""
    flink_rpc_port: int = 16123
    """Port of the job manager for task managers."""
    flink_metrics_port: int = 19249
    """Port of the job's metrics for Prometheus (of a standalone cluster: its task manager's)."""
    flink_jobmanager_metrics_port: int = 19250
    """Port of a standalone cluster's job manager's metrics."""
    parallelism: int = 1
    """Tasks that the job runs side by side."""
    checkpoint_interval_s: float = 10.0
    """Seconds between two checkpoints. Rows of the offline store become readable with each."""
    checkpoint_url: str = ""
    """Where checkpoints go: `s3://bucket/folder` on the S3 server, else a folder of the stack."""
    offline_url: str = ""
    """Where offline rows go: `s3://bucket/folder`, `hdfs://host:port/folder`, else a folder."""
    idle_timeout_s: float = 5.0
    """A partition silent for so many seconds (wall clock) no longer holds back the others."""
    reorder_s: float = 0.1
    """Two ticks may change places on their way when they lie up to so many seconds apart."""
    session_release_s: float = 600.0
    """A session silent for so many seconds of what was read of Kafka is over: the job releases its
    state, and remembers for a day where its clock stood."""
    sessions_max: int = 2000
    """Most sessions that one task of the job keeps open. Beyond it the least recent are released,
    and where all are recent, ticks of new sessions are dead letters."""
    session_memory_mb: float = 0
    """Most MiB that the sessions of one task of the job may take; 0: their share of 40 % of the
    process's heap. Beyond it the same happens."""

    # Spark and the Hive metastore
    spark_master: str = ""
    """`spark://host:port` of a cluster for the job `history`; empty: the job's own process."""
    spark_port: int = 17077
    """Port of the local master."""
    spark_ui_port: int = 18082
    """Port of the master's web page."""
    spark_worker_ui_port: int = 18083
    """Port of the worker's web page."""
    metastore_url: str = ""
    """`thrift://host:port` of the metastore of `pitwall sql --engine spark`; empty: its own."""
    metastore_port: int = 19083
    """Port of the local Hive metastore."""

    # MLflow
    mlflow_port: int = 15000
    """Port of the local MLflow server."""
    mlflow_server: str = ""
    """URL of an MLflow server elsewhere; empty for the local one."""
    mlflow_backend: SecretStr = SecretStr("")
    """MLflow's database, `postgresql://user:password@host/name`; empty for SQLite."""
    mlflow_artifacts: str = "s3://mlflow"
    """Where MLflow keeps models and plots: `s3://bucket/folder`, or a folder."""

    # Prediction endpoint and stream scorer
    serving_port: int = 13000
    """Port of the endpoint."""
    serving_host: str = ""
    """Address that the endpoint listens on; empty for that of the other servers."""
    features_port: int = 13003
    """Port of `serve-features`."""
    offline_port: int = 13004
    """Port of `serve-features --offline`."""
    scorer_port: int = 13002
    """Port of the stream scorer's `/health` and `/metrics`."""
    serving_certificate: Path | None = None
    """Certificate of the endpoint (PEM), which speaks TLS with it, whatever the others do."""
    serving_key: Path | None = None
    """Key of `PITWALL_SERVING_CERTIFICATE` (PEM)."""
    serving_ca: Path | None = None
    """Authority that our clients trust for it (PEM). Default: the certificate itself."""
    rate_limit: float = 2000.0
    """Requests a second that the endpoint takes from one client."""
    max_body_bytes: int = 4 << 20
    """Largest body of a request, in bytes, that the endpoint reads."""
    request_timeout_s: float = 10.0
    """Seconds within which a request must have come and be answered."""
    stale_after_s: float = 300.0
    """Age in seconds, since Kafka, at which features are too old to predict from by default."""
    score_hz: float = 10.0
    """Predictions a second of session time that the scorer makes for each session and model."""

    # Page and monitoring
    page_port: int = 18080
    """Port of the page."""
    page_names: str = ""
    """Further host names of the page, `name,…`, for instance those that a proxy gives it."""
    prometheus_port: int = 19090
    """Port of a Prometheus beside the stack, which the page links."""
    grafana_port: int = 13001
    """Port of a Grafana beside the stack, which the page links."""

    # Retention
    retention_offline_days: float | None = Field(default=None, gt=0)
    """`retention --apply` deletes offline rows of sessions not written for so many days."""
    retention_online_days: float | None = Field(default=None, gt=0)
    """The same for the online store."""
    retention_history_days: float | None = Field(default=None, gt=0)
    """The same for the telemetry history."""
    retention_topics_days: float | None = Field(default=None, gt=0)
    """Days that Kafka keeps messages. Without it each topic's own configuration holds."""

    @model_validator(mode="after")
    def _whole(self) -> Settings:
        if (self.certificate is None) != (self.certificate_key is None):
            raise ValueError(
                "PITWALL_CERTIFICATE and PITWALL_CERTIFICATE_KEY are given together or not at all"
            )
        return self

    @cached_property
    def home_dir(self) -> Path:
        """Folder of the local stack's state: data, logs, secrets, process ids."""
        return (self.home or self.repository / ".pitwall").absolute()

    @property
    def data_dir(self) -> Path:
        """Folder of the data that `./pitwall down` and `up` keep."""
        return self.home_dir / "data"

    @property
    def log_dir(self) -> Path:
        """Folder of the logs, one file for each process."""
        return self.home_dir / "logs"

    @property
    def run_dir(self) -> Path:
        """Folder of what runs now, one JSON file for each process."""
        return self.home_dir / "run"

    @property
    def feature_repo(self) -> Path:
        """The folder that `feast apply` reads."""
        return self.repository / "feature_repo"

    @property
    def offline_dir(self) -> Path:
        """Root of the offline store's Parquet files, unless `offline_url` names another place."""
        return self.data_dir / "offline"

    def offline(self, view: str) -> str:
        """Where the Parquet files of one view are: a URL on S3 or HDFS, or a folder."""
        return f"{self.offline_url.rstrip('/') or self.offline_dir}/{view}"

    @property
    def flink_dir(self) -> str:
        """Root of the job's checkpoints and savepoints, as a URL."""
        return self.checkpoint_url.rstrip("/") or f"file://{self.data_dir / 'flink'}"

    @property
    def bootstrap_servers(self) -> str:
        """Addresses of Kafka's brokers, `host:port,…`."""
        return self.kafka_servers or f"{self.host}:{self.kafka_port}"

    @property
    def kafka_protocol(self) -> str:
        """Security protocol of Kafka's clients."""
        return self.kafka_security or ("SASL_SSL" if self.tls else "PLAINTEXT")

    @property
    def flink_url(self) -> str:
        """URL of Flink's REST interface."""
        return f"http://{self.flink_host}:{self.flink_port}"

    @property
    def mlflow_url(self) -> str:
        """URL of the MLflow server."""
        return self.mlflow_server or f"http://{self.host}:{self.mlflow_port}"

    @property
    def s3_url(self) -> str:
        """URL of the S3 server."""
        return self.s3_server or f"http://{self.host}:{self.s3_port}"

    @property
    def serving_url(self) -> str:
        """URL of the prediction endpoint."""
        scheme = "https" if self.tls or self.serving_certificate else "http"
        return f"{scheme}://{self.serving_host or self.host}:{self.serving_port}"

    @property
    def page_url(self) -> str:
        """URL of the page."""
        return f"{self.web}://{self.host}:{self.page_port}"

    @property
    def web(self) -> str:
        """URL scheme of endpoint and page."""
        return "https" if self.tls else "http"

    @property
    def authority(self) -> Path:
        """PEM file of the authority that signs the servers' certificates."""
        return self.ca or self.home_dir / "secrets" / "ca.pem"

    def secret(self, name: str) -> SecretStr:
        """The secret `name`: `PITWALL_SECRET_<NAME>`, else a file of the local stack.

        The file is made at first use, and only its owner can read it.
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
        """A file that holds `value` and that only its owner can read.

        It is the secret's own file when that holds the same value.
        """
        path = self.home_dir / "secrets" / name
        if not path.exists() or path.read_text().strip() != value.get_secret_value():
            path = path.with_name(f"{name}.given")
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
                file.write(value.get_secret_value())
        return path


def lay_out() -> None:
    """Copy an installed wheel's project files to the user's folder, unless they are there."""
    if PACKAGED.exists():
        repository = Settings().repository
        if not (repository / "feature_repo" / "feature_store.yaml").exists():
            shutil.copytree(PACKAGED, repository, dirs_exist_ok=True)
