"""HDFS, whole on this machine: NameNode and DataNode, another place for the offline store."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request

from pitwall.errors import StackError
from pitwall.local.servers.hadoop import hadoop_java
from pitwall.local.servers.server import Server, http_address
from pitwall.machine.ports import http_ok
from pitwall.settings import Settings


def _properties(settings: Settings) -> dict[str, object]:
    """Configuration of NameNode, DataNode and clients: one copy of each block, on this machine."""
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
        # When a write is interrupted, there is no second DataNode to take the block.
        "dfs.client.block.write.replace-datanode-on-failure.enable": "false",
    }


def _java(settings: Settings, main: str) -> list[str]:
    flags = ("-Xmx256m", "--add-opens=java.base/java.lang=ALL-UNNAMED")
    folders = ("hdfs", "datanode", "static")
    command = hadoop_java(settings, "hdfs", _properties(settings), flags, folders)
    return [*command, f"org.apache.hadoop.hdfs.server.{main}"]


def _namenode(settings: Settings) -> list[str]:
    """The NameNode's command line. Formats its storage before the first start.

    Raises `StackError` with the NameNode's message where that fails.
    """
    command = _java(settings, "namenode.NameNode")
    if not (settings.data_dir / "hdfs" / "name" / "current").exists():
        # The user who formats the storage owns the root folder.
        owner = {**os.environ, "HADOOP_USER_NAME": settings.hdfs_user}
        result = subprocess.run(
            [*command, "-format", "-nonInteractive"], env=owner, capture_output=True, text=True
        )
        if result.returncode:
            folder, reason = settings.data_dir / "hdfs", result.stderr.strip()[-500:]
            raise StackError(f"the storage of HDFS in {folder} could not be formatted: {reason}")
    return command


def _has_datanode(settings: Settings) -> bool:
    """Whether the NameNode knows a live DataNode."""
    bean = "Hadoop:service=NameNode,name=FSNamesystemState"
    url = f"http://{settings.host}:{settings.hdfs_web_port}/jmx?qry={bean}"
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(json.load(answer)["beans"][0]["NumLiveDataNodes"])
    except (OSError, ValueError, LookupError):
        return False


NAMENODE = Server(
    "namenode",
    _namenode,
    lambda settings: http_ok(
        f"http://{settings.host}:{settings.hdfs_web_port}/webhdfs/v1/?op=LISTSTATUS"
    ),
    setting="hdfs_web_port",
    more_ports=("hdfs_port",),
    address=http_address("hdfs_web_port"),
    by_default=False,
    package="org.apache.hadoop:hadoop-hdfs",
)
DATANODE = Server(
    "datanode",
    lambda settings: _java(settings, "datanode.DataNode"),
    _has_datanode,
    more_ports=("hdfs_data_port", "hdfs_data_web_port", "hdfs_data_ipc_port"),
    needs=("namenode",),
    by_default=False,
    package="org.apache.hadoop:hadoop-hdfs",
)
