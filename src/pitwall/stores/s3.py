"""The S3 server: its buckets, their keys and the one client for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from pitwall.errors import StoreError
from pitwall.settings import Settings

if TYPE_CHECKING:
    from minio import Minio

BUCKETS = {
    "mlflow": "mlflow",
    "offline": "flink",
    "flink": "flink",
    "archive": "pitwall",
    "registry": "pitwall",
}
"""The user of each bucket. With the setting `s3_roles`, no other user's key opens it."""


def s3_key(settings: Settings, user: str = "pitwall") -> tuple[str, str]:
    """Access key and secret of the user `pitwall`, `flink` or `mlflow`."""
    if user == "pitwall" or not settings.s3_roles:
        return "pitwall", settings.secret("s3").get_secret_value()
    return user, settings.secret(f"s3_{user}").get_secret_value()


def s3_environment(settings: Settings, user: str = "pitwall") -> dict[str, str]:
    """The environment variables by which other programs' S3 clients reach the server."""
    key, secret = s3_key(settings, user)
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": settings.s3_url,
        "MLFLOW_S3_ENDPOINT_URL": settings.s3_url,
    }


def s3_client(settings: Settings, user: str = "pitwall") -> Minio:
    """A client with the key of `user`. Nothing is asked before its first call."""
    from minio import Minio

    url = urlparse(settings.s3_url)
    key, secret = s3_key(settings, user)
    return Minio(
        url.netloc,
        access_key=key,
        secret_key=secret,
        secure=url.scheme == "https",
        region="us-east-1",
    )


@contextmanager
def s3_errors(settings: Settings) -> Iterator[None]:
    """Raise `StoreError` where the server refuses a call of the client or does not answer it."""
    from minio.error import MinioException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (MinioException, HTTPError) as error:
        raise StoreError(
            f"S3 at {settings.s3_url} did not answer: {error}; is it up? See `./pitwall status`"
        ) from error


def read_object(client: Minio, bucket: str, key: str) -> bytes:
    """The whole object. Raises `minio.error.S3Error` (code `NoSuchKey`) where there is none."""
    response = client.get_object(bucket, key)
    try:
        return bytes(response.read())
    finally:
        response.close()
        response.release_conn()
