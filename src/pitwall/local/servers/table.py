"""All servers of the local stack, in start order. How each works stands in its own file."""

from __future__ import annotations

from pitwall.local.servers.cassandra import CASSANDRA
from pitwall.local.servers.flink import FLINK, JOBMANAGER, TASKMANAGER
from pitwall.local.servers.hbase import HBASE, HBASE_THRIFT
from pitwall.local.servers.hdfs import DATANODE, NAMENODE
from pitwall.local.servers.kafka import KAFKA
from pitwall.local.servers.mlflow import MLFLOW
from pitwall.local.servers.page import PAGE
from pitwall.local.servers.s3 import S3
from pitwall.local.servers.server import Server
from pitwall.local.servers.serving import SCORER, SERVING
from pitwall.local.servers.spark import METASTORE, SPARK, SPARK_MASTER, SPARK_WORKER


def _by_name(*servers: Server) -> dict[str, Server]:
    return {server.name: server for server in servers}


SERVERS = _by_name(
    KAFKA,
    CASSANDRA,
    S3,
    MLFLOW,
    FLINK,
    JOBMANAGER,
    TASKMANAGER,
    SPARK,
    NAMENODE,
    DATANODE,
    HBASE,
    HBASE_THRIFT,
    SPARK_MASTER,
    SPARK_WORKER,
    SERVING,
    SCORER,
    PAGE,
)
"""Every server by its name, in start order. To add a server: write its file, and name it here."""

CONTAINED = _by_name(METASTORE)
"""Servers for containers only, because they listen on every address of the machine."""
