"""Checkpoints and savepoints where the job stores them: in a folder or on S3."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlparse

from pitwall.errors import JobError, StoreError
from pitwall.settings import Settings
from pitwall.stores.s3 import s3_client, s3_errors


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
    return max(complete)[1] if complete else None


def _in_folder(root: Path) -> list[tuple[float, str]]:
    """Time of completion (s since the epoch) and URL of each; the file `_metadata` comes last."""
    files = [*root.glob("checkpoints/*/chk-*/_metadata"), *root.glob("savepoints/*/_metadata")]
    return [(path.stat().st_mtime, f"file://{path.parent}") for path in files]


def _on_s3(settings: Settings, bucket: str, prefix: str) -> list[tuple[float, str]]:
    complete = []
    try:
        with s3_errors(settings):
            for entry in s3_client(settings, "flink").list_objects(bucket, prefix, recursive=True):
                key, modified = str(entry.object_name), entry.last_modified
                if key.endswith("/_metadata") and modified is not None:
                    url = f"s3://{bucket}/{key.removesuffix('/_metadata')}"
                    complete.append((modified.timestamp(), url))
    except StoreError as error:
        raise JobError(f"checkpoints in {settings.flink_dir} cannot be listed: {error}") from error
    return complete


def forget_old(settings: Settings) -> None:
    """Delete the local checkpoints of earlier runs, except the one that is restored next."""
    kept = newest(settings)
    for old in (settings.data_dir / "flink" / "checkpoints").glob("*"):
        if kept is None or not kept.startswith(f"file://{old}/"):
            shutil.rmtree(old, ignore_errors=True)
