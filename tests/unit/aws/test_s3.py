"""Presigned URLs of the S3 adapter, signed offline, and outputs that a provider stored."""

import io
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.exceptions import IncompleteReadError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from rushes.aws.s3 import Bucket
from rushes.errors import DownloadInterrupted, InvalidOutput
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


FOLDER = "provider/demo/job_1/"
OUTPUT = f"s3://media/{FOLDER}abc/output.mp4"


def stubbed(*, error: str = "", content: bytes = b"video", length: int = 5) -> Bucket:
    client: Any = boto3.client(
        "s3",
        region_name="eu-central-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
    )
    stubber = Stubber(client)
    if error:
        stubber.add_client_error("get_object", error)
    else:
        body = StreamingBody(io.BytesIO(content), length)
        reply = {"Body": body, "ContentLength": length, "ContentType": "video/mp4"}
        expected = {"Bucket": "media", "Key": f"{FOLDER}abc/output.mp4"}
        stubber.add_response("get_object", reply, expected)
    stubber.activate()
    return Bucket(client, "media", 10**9)


def test_open_streams_an_object_of_the_folder():
    with stubbed().open(OUTPUT, FOLDER) as download:
        assert (download.length, download.content_type) == (5, "video/mp4")
        assert b"".join(download.chunks) == b"video"


@pytest.mark.parametrize(
    "uri",
    [
        "s3://other/provider/demo/job_1/abc/output.mp4",
        "s3://media/outputs/demo/job_1/0.mp4",
        "s3://media/provider/demo/job_10/abc/output.mp4",
        "s3://media/provider/demo/job_1",
        "s3://media.example/provider/demo/job_1/x",
        "S3://media/provider/demo/job_1/x",
    ],
)
def test_open_refuses_an_object_elsewhere_without_a_request(uri: str):
    with (
        pytest.raises(InvalidOutput, match="the output must be in s3://media/provider/demo/job_1/"),
        stubbed().open(uri, FOLDER),
    ):
        pass


@pytest.mark.parametrize("error", ["NoSuchKey", "AccessDenied", "SlowDown"])
def test_object_that_cannot_be_read_is_tried_again(error: str):
    with (
        pytest.raises(DownloadInterrupted, match=r"abc/output\.mp4 cannot be read"),
        stubbed(error=error).open(OUTPUT, FOLDER),
    ):
        pass


def test_interrupted_read_is_tried_again():
    with (
        stubbed(content=b"vid").open(OUTPUT, FOLDER) as download,
        pytest.raises(DownloadInterrupted, match=IncompleteReadError.__name__),
    ):
        list(download.chunks)
