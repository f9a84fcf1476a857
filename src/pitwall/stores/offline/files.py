"""Where the store's Parquet files are (local, S3 or HDFS), and which of them count now."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from pitwall.errors import StoreError
from pitwall.settings import Settings
from pitwall.stores.offline.commits import counting
from pitwall.stores.s3 import BUCKETS, s3_environment, s3_key


@dataclass(frozen=True)
class Place:
    """A folder or a file on a file system. `scheme` is "s3", "hdfs" or empty for local files."""

    system: fs.FileSystem
    path: str
    scheme: str = ""

    def __truediv__(self, name: str) -> Place:
        return Place(self.system, f"{self.path.rstrip('/')}/{name}", self.scheme)

    def uri(self, path: str) -> str:
        """A path on this file system in the form that DuckDB takes."""
        return path if self.local else f"{self.scheme}://{path}"

    @property
    def local(self) -> bool:
        """Whether the file system is this machine's disk."""
        return isinstance(self.system, fs.LocalFileSystem)

    def is_file(self) -> bool:
        """Whether there is a file, not a folder, at this path."""
        return bool(self.system.get_file_info(self.path).type == fs.FileType.File)

    def is_folder(self) -> bool:
        """Whether there is a folder at this path."""
        return bool(self.system.get_file_info(self.path).type == fs.FileType.Directory)

    def files(self) -> list[fs.FileInfo]:
        """Finished Parquet files here and in all folders below, sorted by path.

        Hidden files, which are still being written, and replaced files are left out.
        """
        here = self.system.get_file_info(self.path)
        if here.type == fs.FileType.File:
            return [here]
        return counting(self.system, self.path)

    def write(self, name: str, table: pa.Table, row_group_size: int = 131_072) -> Place:
        """Write `table` as the file `name` in this folder. Readers see the whole file or none.

        Raises `StoreError` where the file exists and is on HDFS, which cannot replace a file in
        one step.
        """
        target = self / name
        if self.scheme == "hdfs" and target.is_file():
            raise StoreError(
                f"{target.path} is on HDFS, where a file cannot be replaced in one step; "
                "make the source a folder: each write adds a file to it"
            )
        folder, last = os.path.split(target.path)
        if self.local:
            Path(folder).mkdir(parents=True, exist_ok=True)
        # A stream that is closed after an error leaves half a file, on S3 too.
        hidden = f"{folder}/.{last}.{uuid.uuid4().hex}"
        pq.write_table(table, hidden, filesystem=self.system, row_group_size=row_group_size)
        self.system.move(hidden, target.path)
        return target


def place(uri: str, endpoint: str = "", base: Path | None = None) -> Place:
    """The place of `s3://bucket/folder`, `hdfs://host:port/folder`, `file://…` or a local path.

    A relative path is taken below `base`. The S3 server is `endpoint`, else AWS_ENDPOINT_URL_S3,
    else Amazon's. Its keys come from where AWS clients look for them; for the S3 server of the
    local stack they are the stack's own. Raises `StoreError` for a pattern and any other scheme.
    """
    if "*" in uri:
        raise StoreError(
            f"the source's path {uri!r} is a pattern; give the folder: "
            "all Parquet files in it and below are read"
        )
    scheme = urlparse(uri).scheme
    if scheme == "s3":
        return _s3_place(uri.removeprefix("s3://").rstrip("/"), endpoint)
    if scheme == "hdfs":
        return Place(_webhdfs(urlparse(uri).hostname or ""), urlparse(uri).path.rstrip("/"), "hdfs")
    if scheme not in ("", "file"):
        raise StoreError(
            f"the source's path {uri!r} is on {scheme}://; "
            "the Parquet store reads local paths, s3:// and hdfs://"
        )
    path = Path(uri.removeprefix("file://"))
    return Place(
        fs.LocalFileSystem(), str(path if path.is_absolute() or base is None else base / path)
    )


def _s3_place(path: str, endpoint: str) -> Place:
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
        user = BUCKETS.get(path.split("/")[0], "pitwall")
        options["access_key"], options["secret_key"] = s3_key(settings, user)
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
    return Place(fs.S3FileSystem(region=region, **options), path, "s3")


def _webhdfs(host: str) -> fs.FileSystem:
    from fsspec.implementations.webhdfs import WebHDFS

    settings = Settings()
    return fs.PyFileSystem(
        fs.FSSpecHandler(WebHDFS(host, settings.hdfs_web_port, user=settings.hdfs_user))
    )


def recorded(settings: Settings, view: str) -> Place:
    """The folder into which the features job writes the rows of a view."""
    return place(settings.offline(view), s3_endpoint(settings))


def s3_endpoint(settings: Settings) -> str:
    """URL of the S3 server that holds the offline store; empty where the store is not on S3."""
    return (
        s3_environment(settings)["AWS_ENDPOINT_URL_S3"]
        if settings.offline_url.startswith("s3://")
        else ""
    )


def files(where: Place | Path | str, since: float = 0.0) -> list[str]:
    """Finished Parquet files in a folder and below, sorted, in the form that DuckDB takes.

    Only files written after `since` (seconds since the epoch), and files of unknown age.
    """
    folder = where if isinstance(where, Place) else place(str(where))
    return [
        folder.uri(info.path)
        for info in folder.files()
        if info.mtime is None or info.mtime_ns >= since * 1e9
    ]
