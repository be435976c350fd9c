"""Presigned URLs of the S3 adapter, signed offline."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from rushes.aws.s3 import Bucket
from rushes.wiring.aws import s3_config

KEY = "uploads/demo/0123.mp3"


@pytest.fixture
def bucket() -> Bucket:
    client: Any = boto3.client(
        "s3",
        region_name="eu-central-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
        config=s3_config(local_mode=False),
    )
    return Bucket(client, "media", 10**9)


def signed(url: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(url).query)
    return query["X-Amz-SignedHeaders"][0], query["X-Amz-Expires"][0]


def test_upload_link_without_declaration_signs_the_host_only(bucket: Bucket):
    """The documented client sends neither a content type nor a length that is known before."""
    assert signed(bucket.upload_link(KEY)) == ("host", "900")


@pytest.mark.parametrize(
    ("content_type", "length", "headers"),
    [
        ("audio/mpeg", None, "content-type;host"),
        (None, 5, "content-length;host"),
        ("audio/mpeg", 5, "content-length;content-type;host"),
    ],
)
def test_upload_link_signs_the_declared_headers(
    bucket: Bucket, content_type: str | None, length: int | None, headers: str
):
    link = bucket.upload_link(KEY, content_type, length)
    assert signed(link) == (headers, "900")
    assert bucket.key_of(link) == KEY
