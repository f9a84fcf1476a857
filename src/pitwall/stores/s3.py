"""The S3 server: buckets, keys, and the one client."""

from __future__ import annotations

from typing import Any

from pitwall.settings import Settings

BUCKETS = {
    "mlflow": "mlflow",
    "offline": "flink",
    "flink": "flink",
    "archive": "pitwall",
    "registry": "pitwall",
}
"""Each bucket's user. Where `s3_roles` is on, no other's key opens it."""


def s3_key(settings: Settings, user: str = "pitwall") -> tuple[str, str]:
    """Access key and secret of `pitwall`, `flink` or `mlflow`."""
    if user == "pitwall" or not settings.s3_roles:
        return "pitwall", settings.secret("s3").get_secret_value()
    return user, settings.secret(f"s3_{user}").get_secret_value()


def s3_environment(settings: Settings, user: str = "pitwall") -> dict[str, str]:
    """Environment variables by which S3 clients reach the local server."""
    key, secret = s3_key(settings, user)
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": settings.s3_url,
        "MLFLOW_S3_ENDPOINT_URL": settings.s3_url,
    }


def s3_client(settings: Settings, user: str = "pitwall") -> Any:
    """A boto3 client for the local S3 server."""
    import boto3

    keys = s3_environment(settings, user)
    return boto3.client(
        "s3",
        endpoint_url=keys["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        region_name=keys["AWS_DEFAULT_REGION"],
    )
