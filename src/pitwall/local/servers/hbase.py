"""HBase, whole on this machine, and its Thrift server: for Feast's own online store on HBase."""

from __future__ import annotations

import yaml

from pitwall.errors import StackError
from pitwall.local.servers.hadoop import hadoop_java
from pitwall.local.servers.server import Server
from pitwall.machine.ports import port_open
from pitwall.settings import Settings


def _properties(settings: Settings) -> dict[str, object]:
    """Configuration of HBase and its clients.

    Master, region server and ZooKeeper are one process, with their files in a folder.
    """
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


def _java(settings: Settings, memory: str) -> list[str]:
    opens = [
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in ("java.lang", "java.nio", "sun.nio.ch")
    ]
    exports = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED"
    flags = (f"-Xmx{memory}", *opens, exports)
    return hadoop_java(settings, "hbase", _properties(settings), flags)


def _hbase(settings: Settings) -> list[str]:
    return [*_java(settings, "512m"), "org.apache.hadoop.hbase.master.HMaster", "start"]


def _thrift(settings: Settings) -> list[str]:
    """The Thrift server's command line. Creates the namespace of Feast's tables first."""
    command = _java(settings, "256m")
    _create_namespace(settings, java=command[0], class_path=command[-1])
    return [
        *(*command, "org.apache.hadoop.hbase.thrift.ThriftServer"),
        *("--bind", settings.host, "-p", str(settings.hbase_thrift_port)),
        *("--infoport", "-1", "start"),
    ]


def _create_namespace(settings: Settings, java: str, class_path: str) -> None:
    """Create the namespace with the name of Feast's project; Feast does not create it.

    Raises `StackError` with HBase's message, except where the namespace exists already.
    """
    from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway
    from py4j.protocol import Py4JJavaError

    project = yaml.safe_load((settings.feature_repo / "feature_store.yaml").read_text())["project"]
    port = launch_gateway(classpath=class_path, java_path=java, die_on_exit=True)
    gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port))
    try:
        hbase = gateway.jvm.org.apache.hadoop.hbase
        configuration = hbase.HBaseConfiguration.create()
        connection = hbase.client.ConnectionFactory.createConnection(configuration)
        connection.getAdmin().createNamespace(hbase.NamespaceDescriptor.create(project).build())
    except Py4JJavaError as error:
        reason = str(error.java_exception.toString())
        if "NamespaceExistException" not in reason:
            raise StackError(f"HBase could not create the namespace {project}: {reason}") from error
    finally:
        gateway.shutdown()


HBASE = Server(
    "hbase",
    _hbase,
    lambda settings: port_open(settings.host, settings.hbase_region_port),
    setting="hbase_port",
    more_ports=("hbase_region_port", "hbase_zookeeper_port"),
    by_default=False,
    package="org.apache.hbase:hbase-server",
)
HBASE_THRIFT = Server(
    "hbase-thrift",
    _thrift,
    lambda settings: port_open(settings.host, settings.hbase_thrift_port),
    setting="hbase_thrift_port",
    needs=("hbase",),
    by_default=False,
    package="org.apache.hbase:hbase-thrift",
)
