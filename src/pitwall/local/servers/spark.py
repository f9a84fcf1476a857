"""Spark: the job `history`, a standalone cluster for it, and the Hive metastore of containers."""

from __future__ import annotations

from pitwall.local.servers.server import Server, python_module
from pitwall.machine.ports import http_ok, port_open
from pitwall.spark import cluster

SPARK = Server(
    "spark",
    python_module("pitwall.spark.job"),
    lambda settings: (settings.run_dir / "spark.ready").exists(),
    needs=("kafka", "cassandra"),
    by_default=False,
    package="pyspark",
)
SPARK_MASTER = Server(
    "spark-master",
    cluster.master,
    lambda settings: http_ok(f"http://{settings.host}:{settings.spark_ui_port}"),
    setting="spark_port",
    more_ports=("spark_ui_port",),
    by_default=False,
    package="pyspark",
)
SPARK_WORKER = Server(
    "spark-worker",
    cluster.worker,
    lambda settings: http_ok(f"http://{settings.host}:{settings.spark_worker_ui_port}"),
    more_ports=("spark_worker_ui_port",),
    needs=("spark-master",),
    by_default=False,
    package="pyspark",
)
METASTORE = Server(
    "metastore",
    cluster.metastore,
    lambda settings: port_open(settings.host, settings.metastore_port),
    setting="metastore_port",
    package="pyspark",
)
