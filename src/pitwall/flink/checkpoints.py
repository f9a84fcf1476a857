"""Checkpoints and savepoints where the job stores them: in a folder or on S3."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlparse

from pitwall.errors import JobError, StoreError
from pitwall.settings import Settings
from pitwall.stores.s3 import s3_client, s3_errors


class Checkpoint(NamedTuple):
    """A complete checkpoint or savepoint. The newest of several is the greatest."""

    completed_s: float
    """When its file `_metadata` was written, which comes last; s since the epoch.

    S3 tells whole seconds, in which a job may complete several checkpoints.
    """
    number: float
    """Flink's number of the checkpoint, which rises by one from each to the next.

    A savepoint has none in its name and stands after all checkpoints of its second, because it
    ends its run.
    """
    url: str


def newest(settings: Settings) -> str | None:
    """URL of the newest complete checkpoint or savepoint; None where there is none.

    Raises `JobError` when S3 does not answer.
    """
    url = urlparse(settings.flink_dir)
    complete = (
        _on_s3(settings, url.netloc, url.path.strip("/"))
        if url.scheme == "s3"
        else _in_folder(Path(url.path))
    )
    return max(complete).url if complete else None


def _checkpoint(completed_s: float, url: str) -> Checkpoint:
    number = re.search(r"/chk-(\d+)$", url)
    return Checkpoint(completed_s, int(number[1]) if number else math.inf, url)


def _in_folder(root: Path) -> list[Checkpoint]:
    files = [*root.glob("checkpoints/*/chk-*/_metadata"), *root.glob("savepoints/*/_metadata")]
    return [_checkpoint(path.stat().st_mtime, f"file://{path.parent}") for path in files]


def _on_s3(settings: Settings, bucket: str, prefix: str) -> list[Checkpoint]:
    complete = []
    try:
        with s3_errors(settings):
            for entry in s3_client(settings, "flink").list_objects(bucket, prefix, recursive=True):
                key, modified = str(entry.object_name), entry.last_modified
                if key.endswith("/_metadata") and modified is not None:
                    url = f"s3://{bucket}/{key.removesuffix('/_metadata')}"
                    complete.append(_checkpoint(modified.timestamp(), url))
    except StoreError as error:
        raise JobError(f"checkpoints in {settings.flink_dir} cannot be listed: {error}") from error
    return complete


def forget_old(settings: Settings) -> None:
    """Delete the local checkpoints of earlier runs, except the one that is restored next."""
    kept = newest(settings)
    for old in (settings.data_dir / "flink" / "checkpoints").glob("*"):
        if kept is None or not kept.startswith(f"file://{old}/"):
            shutil.rmtree(old, ignore_errors=True)
