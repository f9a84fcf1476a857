"""The S3 server: S3Proxy on folders, one identity for each user of a bucket."""

from __future__ import annotations

from pitwall import logs
from pitwall.local.servers.server import Server, http_address
from pitwall.machine.files import write_private
from pitwall.machine.java import java
from pitwall.machine.ports import port_open
from pitwall.settings import Settings
from pitwall.stores.s3 import BUCKETS, s3_key


def _command(settings: Settings) -> list[str]:
    """Make the buckets' folders, write one configuration for each user, return the command."""
    data = settings.data_dir / "s3"
    for bucket in BUCKETS:
        (data / bucket).mkdir(parents=True, exist_ok=True)
    folder = settings.home_dir / "conf"
    folder.mkdir(parents=True, exist_ok=True)
    logback = f"-Dlogback.configurationFile={logs.logback_file(settings)}"
    command = [
        *java("s3", settings, "-Xmx128m", "-XX:+UseSerialGC", logback),
        "org.gaul.s3proxy.Main",
    ]
    buckets: dict[tuple[str, str], list[str]] = {}
    for bucket, owner in BUCKETS.items():
        buckets.setdefault(s3_key(settings, owner), []).append(bucket)
    for (user, secret), names in sorted(buckets.items()):
        conf = folder / f"s3-{user}.properties"
        properties = {
            "s3proxy.endpoint": f"http://{settings.host}:{settings.s3_port}",
            "s3proxy.authorization": "aws-v2-or-v4",
            "s3proxy.identity": user,
            "s3proxy.credential": secret,
            "jclouds.provider": "filesystem-nio2",
            "jclouds.filesystem.basedir": data,
            **{f"s3proxy.bucket-locator.{i}": name for i, name in enumerate(names, 1)},
        }
        text = "".join(f"{key}={value}\n" for key, value in properties.items())
        write_private(conf, text.encode())
        command += ["--properties", str(conf)]
    return command


S3 = Server(
    "s3",
    _command,
    lambda settings: port_open(settings.host, settings.s3_port),
    setting="s3_port",
    address=http_address("s3_port"),
    package="org.gaul:s3proxy",
    product="s3proxy",
)
