"""HDFS and HBase, each whole on this machine: another place for the offline store, and Feast's own online store on HBase."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

import yaml

from pitwall.errors import StackError
from pitwall.machine import jars
from pitwall.machine.java import java
from pitwall.settings import Settings


def hdfs_properties(settings: Settings) -> dict[str, object]:
    """What NameNode, DataNode and their clients go by: one copy of each block, all on this machine."""
    host, data = settings.host, settings.data_dir / "hdfs"
    return {
        "fs.defaultFS": f"hdfs://{host}:{settings.hdfs_port}",
        "hadoop.tmp.dir": settings.home_dir / "tmp" / "hdfs",
        "dfs.replication": 1,
        "dfs.permissions.superusergroup": settings.hdfs_user,
        "dfs.namenode.name.dir": data / "name",
        "dfs.namenode.rpc-bind-host": host,
        "dfs.namenode.http-address": f"{host}:{settings.hdfs_web_port}",
        "dfs.namenode.datanode.registration.ip-hostname-check": "false",
        "dfs.datanode.data.dir": data / "blocks",
        "dfs.datanode.address": f"{host}:{settings.hdfs_data_port}",
        "dfs.datanode.http.address": f"{host}:{settings.hdfs_data_web_port}",
        "dfs.datanode.ipc.address": f"{host}:{settings.hdfs_data_ipc_port}",
        "dfs.datanode.hostname": host,
        # A lone DataNode has nobody to hand a block to when a write is interrupted.
        "dfs.client.block.write.replace-datanode-on-failure.enable": "false",
    }


def _conf(
    settings: Settings, name: str, properties: dict[str, object], pages: Iterable[str]
) -> Path:
    """The folder of `name`'s configuration, for its class path; its jars are there then."""
    jars.fetch(settings.cache_dir / "m2", optional=[name])
    conf = settings.home_dir / "conf" / name
    conf.mkdir(parents=True, exist_ok=True)
    lines = [
        f"<property><name>{key}</name><value>{escape(str(value))}</value></property>"
        for key, value in properties.items()
    ]
    (conf / f"{name}-site.xml").write_text(
        "\n".join(["<configuration>", *lines, "</configuration>", ""])
    )
    for folder in pages:
        (conf / "webapps" / folder).mkdir(parents=True, exist_ok=True)
    (conf / "log4j.properties").write_text(
        "log4j.rootLogger=WARN,err\nlog4j.appender.err=org.apache.log4j.ConsoleAppender\n"
        "log4j.appender.err.layout=org.apache.log4j.PatternLayout\nlog4j.appender.err.layout.ConversionPattern=%d{ISO8601} %p %c %m%n\n"
    )
    return conf


def _hdfs(settings: Settings, main: str) -> list[str]:
    # Its pages are not in its jars, and it does not start without the folders.
    conf = _conf(settings, "hdfs", hdfs_properties(settings), ("hdfs", "datanode", "static"))
    # The class path, with the configuration on it, is the last argument of Java's own.
    *before, path = java(
        "hdfs",
        settings,
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "--add-opens=java.base/java.lang=ALL-UNNAMED",
    )
    return [*before, f"{conf}{os.pathsep}{path}", f"org.apache.hadoop.hdfs.server.{main}"]


def namenode(settings: Settings) -> list[str]:
    """The NameNode's command line; it is set up before its first start. Raises `StackError` with its words."""
    command = _hdfs(settings, "namenode.NameNode")
    if not (settings.data_dir / "hdfs" / "name" / "current").exists():
        # Who sets it up owns it.
        owner = {**os.environ, "HADOOP_USER_NAME": settings.hdfs_user}
        result = subprocess.run(
            [*command, "-format", "-nonInteractive"], env=owner, capture_output=True, text=True
        )
        if result.returncode:
            raise StackError(
                f"HDFS's NameNode could not be set up in {settings.data_dir / 'hdfs'}: {result.stderr.strip()[-500:]}"
            )
    return command


def datanode(settings: Settings) -> list[str]:
    """The DataNode's command line."""
    return _hdfs(settings, "datanode.DataNode")


def hbase_properties(settings: Settings) -> dict[str, object]:
    """What HBase and its clients go by: master, region server and ZooKeeper in one process, files in a folder."""
    host, data = settings.host, settings.data_dir / "hbase"
    return {
        "hbase.rootdir": (data / "tables").as_uri(),
        "hbase.tmp.dir": settings.home_dir / "tmp" / "hbase",
        "hbase.unsafe.stream.capability.enforce": "false",
        "hbase.wal.provider": "filesystem",
        "hbase.zookeeper.quorum": host,
        "hbase.zookeeper.property.clientPort": settings.hbase_zookeeper_port,
        "hbase.zookeeper.property.clientPortAddress": host,
        "hbase.zookeeper.property.dataDir": data / "zookeeper",
        "hbase.master.hostname": host,
        "hbase.master.ipc.address": host,
        "hbase.master.port": settings.hbase_port,
        "hbase.master.info.port": -1,
        "hbase.regionserver.hostname": host,
        "hbase.regionserver.ipc.address": host,
        "hbase.regionserver.port": settings.hbase_region_port,
        "hbase.regionserver.info.port": -1,
    }


def _hbase(settings: Settings, memory: str, main: str, *arguments: str) -> list[str]:
    conf = _conf(settings, "hbase", hbase_properties(settings), ())
    opens = [
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in ("java.lang", "java.nio", "sun.nio.ch")
    ]
    internal = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED"
    *before, path = java("hbase", settings, f"-Xmx{memory}", "-XX:+UseSerialGC", *opens, internal)
    return [*before, f"{conf}{os.pathsep}{path}", f"org.apache.hadoop.hbase.{main}", *arguments]


def hbase(settings: Settings) -> list[str]:
    """HBase's command line: master, region server and ZooKeeper."""
    return _hbase(settings, "512m", "master.HMaster", "start")


def hbase_thrift(settings: Settings) -> list[str]:
    """The Thrift server's command line. Feast's tables are in a namespace named as its project, which is made here."""
    from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway
    from py4j.protocol import Py4JJavaError

    command = _hbase(
        settings,
        "256m",
        "thrift.ThriftServer",
        "--bind",
        settings.host,
        "-p",
        str(settings.hbase_thrift_port),
        "--infoport",
        "-1",
        "start",
    )
    project = yaml.safe_load((settings.feature_repo / "feature_store.yaml").read_text())["project"]
    path = command[command.index("-cp") + 1]
    port = launch_gateway(classpath=path, java_path=command[0], die_on_exit=True)
    gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port))
    try:
        its = gateway.jvm.org.apache.hadoop.hbase
        connection = its.client.ConnectionFactory.createConnection(its.HBaseConfiguration.create())
        connection.getAdmin().createNamespace(its.NamespaceDescriptor.create(project).build())
    except Py4JJavaError as error:
        if "NamespaceExistException" not in str(error.java_exception.toString()):
            raise StackError(
                f"HBase did not make the namespace {project}: {error.java_exception.toString()}"
            ) from error
    finally:
        gateway.shutdown()
    return command


def datanode_ready(settings: Settings) -> bool:
    """Whether the NameNode knows a DataNode that lives."""
    url = f"http://{settings.host}:{settings.hdfs_web_port}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(json.load(answer)["beans"][0]["NumLiveDataNodes"])
    except (OSError, ValueError, LookupError):
        return False
