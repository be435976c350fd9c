"""Presigned URLs of the S3 adapter, signed offline, and outputs that a provider stored."""

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import moto
import pytest
from botocore.exceptions import IncompleteReadError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from rushes.aws.s3 import Bucket
from rushes.errors import AwsUnavailable, DownloadInterrupted, InvalidOutput
from rushes.jobs.content_type import HEAD_BYTES
from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Artifact
from rushes.wiring.aws import s3_config
from tests.media_boxes import FTYP, MDAT, SOUND

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


@pytest.fixture
def client() -> Iterator[Any]:
    with moto.mock_aws():
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="id", aws_secret_access_key="secret"
        )
        client.create_bucket(Bucket="media")
        yield client


def stored(client: Any, key: str, content: bytes) -> Bucket:
    bucket = Bucket(client, "media", 10**9)
    bucket.put(key, Upload("file", "video/mp4", content))
    return bucket


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (SOUND, "audio/mp4"),
        (FTYP + MDAT, "video/mp4"),
        (FTYP.replace(b"isom", b"avif"), "image/avif"),
        (b"<svg>", "image/svg+xml"),
        (b"", "application/octet-stream"),
        (b"ID3\x04\x00\x00\x00\x06\x00\x00" + bytes(98304) + b"fLaC", "audio/flac"),
    ],
)
def test_find_reads_the_tracks_at_the_end(client: Any, content: bytes, content_type: str):
    assert len(SOUND) > 2 * HEAD_BYTES
    found = stored(client, KEY, content).find(KEY)
    assert found
    assert (found.content_type, found.size) == (content_type, len(content))


def test_ranges_end_with_the_object(client: Any):
    bucket = stored(client, KEY, b"0123456789")
    assert bucket.read_range(KEY, 2, 3) == b"234"
    assert bucket.read_range(KEY, 8, 100) == b"89"
    assert bucket.read_range(KEY, 10, 5) == b""
    assert bucket.read_range("uploads/demo/missing", 0, 5) == b""


@pytest.mark.parametrize("error", ["SlowDown", "InternalError"])
def test_unavailable_bucket_is_no_missing_range(error: str):
    with pytest.raises(AwsUnavailable):
        stubbed(error=error).read_range(KEY, 0, 5)


@pytest.mark.parametrize("name", ["0.m4a", "0.mp4"])
def test_move_changes_key_and_type_and_leaves_no_other_object(client: Any, name: str):
    bucket = stored(client, "outputs/0.mp4", SOUND)
    artifact = Artifact(
        key="outputs/0.mp4", content_type="video/mp4", size=len(SOUND), sha256="0" * 64
    )
    moved = bucket.move(artifact, f"outputs/{name}", "audio/mp4")
    assert moved == artifact.model_copy(
        update={"key": f"outputs/{name}", "content_type": "audio/mp4"}
    )
    assert bucket.read(moved.key) == SOUND
    assert client.head_object(Bucket="media", Key=moved.key)["ContentType"] == "audio/mp4"
    assert [entry["Key"] for entry in client.list_objects_v2(Bucket="media")["Contents"]] == [
        moved.key
    ]


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_object_that_cannot_be_tagged_is_an_error_of_aws(bucket: Bucket, code: str):
    """It may be deleted with its job before it is tagged."""
    with Stubber(bucket._client) as stubber:
        stubber.add_client_error("put_object_tagging", code)
        with pytest.raises(AwsUnavailable):
            bucket.tag("outputs/a/0.mp4", {"team": "ads"})


@pytest.mark.parametrize("etag", [None, '"0123"'])
def test_copy_names_an_etag_only_if_it_is_known(bucket: Bucket, etag: str | None):
    """That of a file in the body of a create call, which a retry copies, is not."""
    file = StoredFile(key="inputs/demo/1/0", content_type="image/png", size=1, etag=etag)
    expected = {
        "Bucket": "media",
        "Key": "inputs/demo/2/0",
        "CopySource": {"Bucket": "media", "Key": file.key},
        **({"CopySourceIfMatch": etag} if etag else {}),
    }
    with Stubber(bucket._client) as stubber:
        stubber.add_response("copy_object", {}, expected)
        copy = bucket.copy(file, "inputs/demo/2/0")
    assert copy is not None
    assert copy.key == "inputs/demo/2/0"
