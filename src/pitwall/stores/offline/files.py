"""Where a store's Parquet files are, local, on S3 or on HDFS, and which of them count now."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from pitwall.errors import StoreError
from pitwall.settings import Settings
from pitwall.stores.s3 import BUCKETS, s3_environment, s3_key

REPLACES = "_replaces-"
"""`_replaces-<name>.json` lists what the file `<name>` beside it stands for: where it is there, they no longer count."""


@dataclass(frozen=True)
class Place:
    """A folder or a file on a file system."""

    system: fs.FileSystem
    path: str
    scheme: str = ""

    def __truediv__(self, name: str) -> Place:
        return Place(self.system, f"{self.path.rstrip('/')}/{name}", self.scheme)

    def uri(self, path: str) -> str:
        """How `database` is told of a path here."""
        return path if self.local else f"{self.scheme}://{path}"

    @property
    def local(self) -> bool:
        """Whether it is on this machine's disk."""
        return isinstance(self.system, fs.LocalFileSystem)

    def is_file(self) -> bool:
        """Whether there is a file just here."""
        return bool(self.system.get_file_info(self.path).type == fs.FileType.File)

    def files(self) -> list[fs.FileInfo]:
        """Finished Parquet files here and below, by name. Hidden ones are still being written; replaced ones do not count."""
        here = self.system.get_file_info(self.path)
        if here.type == fs.FileType.File:
            return [here]
        found = self.system.get_file_info(
            fs.FileSelector(self.path, allow_not_found=True, recursive=True)
        )
        every = {info.path: info for info in found if info.type == fs.FileType.File}
        gone: set[str] = set()
        for path in every:
            folder, name = os.path.split(path)
            if name.startswith(REPLACES):
                target = f"{folder}/{name.removeprefix(REPLACES).removesuffix('.json')}"
                if target in every:
                    gone.update(f"{folder}/{each}" for each in self._replaced(path))
        return [
            every[path]
            for path in sorted(every)
            if path not in gone and not _hidden(path[len(self.path) :])
        ]

    def _replaced(self, path: str) -> list[str]:
        try:
            with self.system.open_input_stream(path) as file:
                names: list[str] = json.loads(file.read())
            return names
        except FileNotFoundError:
            return []

    def write(self, name: str, table: pa.Table, row_group_size: int = 131_072) -> Place:
        """Write `table` as the file `name` in this folder; it appears whole."""
        target = self / name
        if not self.local:
            pq.write_table(
                table, target.path, filesystem=self.system, row_group_size=row_group_size
            )
            return target
        Path(target.path).parent.mkdir(parents=True, exist_ok=True)
        folder, last = os.path.split(target.path)
        hidden = f"{folder}/.{last}.{uuid.uuid4().hex}"
        pq.write_table(table, hidden, row_group_size=row_group_size)
        os.replace(hidden, target.path)
        return target


def _hidden(below: str) -> bool:
    return any(part.startswith((".", "_")) for part in below.split("/") if part)


def place(uri: str, endpoint: str = "", base: Path | None = None) -> Place:
    """The place `uri` names: `s3://bucket/folder`, `hdfs://host:port/folder`, `file://…` or a path (relative ones below `base`).

    The S3 server is `endpoint` or AWS_ENDPOINT_URL_S3, else Amazon's; keys come from where AWS clients find them, for the
    local stack's offline store they are its own.
    """
    if "*" in uri:
        raise StoreError(
            f"the source's path {uri!r} is a pattern; give the folder, all Parquet files in it and below are read"
        )
    scheme = urlparse(uri).scheme
    if scheme == "s3":
        url = (
            endpoint
            or os.environ.get("AWS_ENDPOINT_URL_S3")
            or os.environ.get("AWS_ENDPOINT_URL")
            or ""
        )
        parsed = urlparse(url if "://" in url or not url else f"https://{url}")
        options = {"endpoint_override": parsed.netloc, "scheme": parsed.scheme} if url else {}
        settings = Settings()
        if endpoint and endpoint == s3_endpoint(settings):
            options["access_key"], options["secret_key"] = s3_key(
                settings, BUCKETS.get(uri.removeprefix("s3://").split("/")[0], "pitwall")
            )
        region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
        return Place(
            fs.S3FileSystem(region=region, **options), uri.removeprefix("s3://").rstrip("/"), "s3"
        )
    if scheme == "hdfs":
        return Place(_webhdfs(urlparse(uri).hostname or ""), urlparse(uri).path.rstrip("/"), "hdfs")
    if scheme not in ("", "file"):
        raise StoreError(
            f"the source's path {uri!r} is on {scheme}://; the Parquet store reads local paths, s3:// and hdfs://"
        )
    path = Path(uri.removeprefix("file://"))
    return Place(
        fs.LocalFileSystem(), str(path if path.is_absolute() or base is None else base / path)
    )


def _webhdfs(host: str) -> fs.FileSystem:
    from fsspec.implementations.webhdfs import WebHDFS

    settings = Settings()
    return fs.PyFileSystem(
        fs.FSSpecHandler(WebHDFS(host, settings.hdfs_web_port, user=settings.hdfs_user))
    )


def recorded(settings: Settings, view: str) -> Place:
    """Where the features job leaves the rows of a view."""
    return place(settings.offline(view), s3_endpoint(settings))


def s3_endpoint(settings: Settings) -> str:
    """The S3 server the offline store is on; empty where it is a folder."""
    return (
        s3_environment(settings)["AWS_ENDPOINT_URL_S3"]
        if settings.offline_url.startswith("s3://")
        else ""
    )


def files(where: Place | Path | str, since: float = 0.0) -> list[str]:
    """Finished Parquet files in a folder or below, younger than `since` (s since the epoch; where their age is known), in a fixed order, as `database` takes them."""
    here = where if isinstance(where, Place) else place(str(where))
    return [
        here.uri(info.path)
        for info in here.files()
        if info.mtime is None or info.mtime_ns >= since * 1e9
    ]


def database(where: Place | None = None) -> Any:
    """A `duckdb.DuckDBPyConnection` in UTC, that also reads files on the server `where` is on."""
    import duckdb

    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    if where is not None and not where.local:
        from fsspec.implementations.arrow import ArrowFSWrapper

        con.register_filesystem(
            type("There", (ArrowFSWrapper,), {"protocol": where.scheme})(
                where.system, skip_instance_cache=True
            )
        )
    return con


def write_json(target: Place, value: Iterable[str]) -> None:
    """Write a list of names as JSON."""
    with target.system.open_output_stream(target.path) as stream:
        stream.write(json.dumps(list(value)).encode())
