"""S3 adapter: complete objects or none, and presigned URLs."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from local.stack import Stack
from rushes.aws.s3 import PART_BYTES, Bucket, HashingStream
from rushes.errors import AwsUnavailable, DownloadInterrupted, InvalidOutput, RushesError
from rushes.http.client import SafeHttpClient
from rushes.jobs.content_type import SVG
from rushes.jobs.request import Upload
from rushes.jobs.result import Artifact, Output
from rushes.ports.http import HttpCall, JsonFile, Upstream
from rushes.ports.storage import Download
from tests.integration.conftest import LIMIT
from tests.raw_http import RawServer, chunked, reply, serving

Clients = Callable[[str], Any]
Keys = Callable[[], list[str]]
VIDEO = bytes(range(256)) * 20_000  # 5 MB
IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(200)
LONG_VIDEO = VIDEO * 7  # more than two parts


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    return f"outputs/demo/{hashlib.sha256(request.node.name.encode()).hexdigest()[:16]}/"


@pytest.fixture
def key(prefix: str) -> str:
    return f"{prefix}0.mp4"


@pytest.fixture
def s3(as_wired: Clients) -> Any:
    return as_wired("s3")


@pytest.fixture
def stored_keys(s3: Any, stack: Stack, prefix: str) -> Keys:
    """List the keys of the test's objects and unfinished uploads."""
    here = {"Bucket": stack.outputs["BucketName"], "Prefix": prefix}

    def look() -> list[str]:
        objects = s3.list_objects_v2(**here).get("Contents", [])
        begun = s3.list_multipart_uploads(**here).get("Uploads", [])
        return [entry["Key"] for entry in (*objects, *begun)]

    return look


def chunks_of(content: bytes, size: int = 65536) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


@pytest.mark.parametrize("content", [VIDEO, LONG_VIDEO, b"x"], ids=["5 MB", "35 MB", "a byte"])
@pytest.mark.parametrize("known", [True, False], ids=["length known", "length unknown"])
def test_put_stream_stores_the_download(
    bucket: Bucket, key: str, stored_keys: Keys, content: bytes, *, known: bool
):
    download = Download(len(content) if known else None, None, chunks_of(content))
    artifact = bucket.put_stream(key, download, "video/mp4")
    assert bucket.read(key) == content
    assert artifact == Artifact(
        key=key,
        content_type="video/mp4",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    assert stored_keys() == [key]


@pytest.mark.parametrize("chunk_size", [1, 1000, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1])
def test_put_stream_accepts_chunks_of_any_size(bucket: Bucket, key: str, chunk_size: int):
    content = LONG_VIDEO if chunk_size > 1000 else VIDEO[: 100 * chunk_size]
    download = Download(None, None, chunks_of(content, chunk_size))
    artifact = bucket.put_stream(key, download, "video/mp4")
    assert artifact.sha256 == hashlib.sha256(content).hexdigest()
    assert bucket.read(key) == content


def broken(content: bytes) -> Iterator[bytes]:
    yield from chunks_of(content)
    raise DownloadInterrupted("the output was interrupted")


@pytest.mark.parametrize(
    ("download", "error"),
    [
        (lambda: Download(len(VIDEO) + 1, None, chunks_of(VIDEO)), DownloadInterrupted),
        (lambda: Download(len(VIDEO), None, iter([])), DownloadInterrupted),
        (lambda: Download(len(VIDEO) - 1, None, chunks_of(VIDEO)), DownloadInterrupted),
        (lambda: Download(len(VIDEO) + 1, None, broken(VIDEO)), DownloadInterrupted),
        (lambda: Download(None, None, broken(VIDEO)), DownloadInterrupted),
        (lambda: Download(None, None, broken(LONG_VIDEO)), DownloadInterrupted),
        (lambda: Download(None, None, chunks_of(LONG_VIDEO + VIDEO * 2)), InvalidOutput),
        (lambda: Download(LIMIT + 1, None, chunks_of(LONG_VIDEO + VIDEO * 2)), InvalidOutput),
        (lambda: Download(6 * 1024**3, None, chunks_of(VIDEO)), InvalidOutput),
    ],
    ids=[
        *("a byte short", "nothing", "a byte too long", "broken", "broken, length unknown"),
        *("broken in its third part", "over the limit", "over the limit by its declared length"),
        "longer than one PutObject",
    ],
)
def test_put_stream_of_incomplete_download_leaves_no_object(
    bucket: Bucket,
    key: str,
    stored_keys: Keys,
    download: Callable[[], Download],
    error: type[RushesError],
):
    with pytest.raises(error):
        bucket.put_stream(key, download(), "video/mp4")
    assert stored_keys() == []


def test_hashing_stream_returns_no_byte_beyond_the_length():
    """With all its bytes, S3 would store the object."""
    source = HashingStream(Download(3, None, iter([b"data"])), LIMIT)
    with pytest.raises(DownloadInterrupted, match=r"must have 3 bytes \(got more\)"):
        source.read(4)


def test_put_stream_beyond_put_limit_uses_multipart(
    bucket: Bucket, key: str, s3: Any, stack: Stack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("rushes.aws.s3.MAX_PUT_BYTES", len(VIDEO))
    content = VIDEO + b"x"
    artifact = bucket.put_stream(key, Download(len(content), None, chunks_of(content)), "video/mp4")
    assert artifact.sha256 == hashlib.sha256(content).hexdigest()
    stored = s3.head_object(Bucket=stack.outputs["BucketName"], Key=key)
    assert stored["ETag"].endswith('-1"')


def test_put_stream_overwrites_the_object_of_an_earlier_try(
    bucket: Bucket, key: str, stored_keys: Keys
):
    for content in (VIDEO[:1000], VIDEO):
        bucket.put_stream(key, Download(len(content), None, chunks_of(content)), "video/mp4")
    assert (stored_keys(), bucket.read(key)) == ([key], VIDEO)


@pytest.mark.parametrize("broken_at", ["PutObject", "UploadPart", "CompleteMultipartUpload"])
def test_put_stream_failed_by_s3_leaves_no_object(
    as_wired: Clients, stack: Stack, key: str, stored_keys: Keys, broken_at: str
):
    s3 = as_wired("s3")
    denied = httpx.codes.FORBIDDEN.value

    def refuse(**_: object) -> tuple[Any, dict[str, Any]]:
        answer = type("Answer", (), {"status_code": denied})()
        return answer, {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {}}

    s3.meta.events.register(f"before-call.s3.{broken_at}", refuse)
    bucket = Bucket(s3, stack.outputs["BucketName"], LIMIT)
    length = len(VIDEO) if broken_at == "PutObject" else None
    with pytest.raises(AwsUnavailable, match=f"{broken_at} returned AccessDenied"):
        bucket.put_stream(key, Download(length, None, chunks_of(VIDEO)), "video/mp4")
    assert stored_keys() == []


@pytest.fixture
def server() -> Iterator[RawServer]:
    with serving() as server:
        yield server


def copy(bucket: Bucket, key: str, server: RawServer, answer: bytes) -> Artifact:
    """Download an output from the server into the bucket."""
    server.answers["/video"] = answer
    http_client = SafeHttpClient(bucket, local_mode=True)
    with http_client.download(Upstream(server.url, {}), Output(url="/video")) as download:
        return bucket.put_stream(key, download, "video/mp4")


@pytest.mark.parametrize(
    "answer",
    [reply(LONG_VIDEO), chunked(*chunks_of(LONG_VIDEO))],
    ids=["length known", "in chunks"],
)
def test_download_is_copied_to_the_bucket(
    bucket: Bucket, key: str, server: RawServer, answer: bytes
):
    artifact = copy(bucket, key, server, answer)
    assert artifact.sha256 == hashlib.sha256(LONG_VIDEO).hexdigest()
    assert bucket.read(key) == LONG_VIDEO


@pytest.mark.parametrize(
    "answer",
    [
        reply(LONG_VIDEO, content_length=str(len(LONG_VIDEO) + 9)),
        chunked(*chunks_of(VIDEO), end=False),
    ],
    ids=["length known", "in chunks"],
)
def test_interrupted_download_leaves_no_object(
    bucket: Bucket, key: str, server: RawServer, stored_keys: Keys, answer: bytes
):
    with pytest.raises(DownloadInterrupted):
        copy(bucket, key, server, answer)
    assert stored_keys() == []


class TestLink:
    @pytest.fixture
    def link(self, bucket: Bucket, key: str) -> str:
        download = Download(len(VIDEO), None, chunks_of(VIDEO))
        return bucket.link(bucket.put_stream(key, download, "video/mp4"), "job_1.mp4")

    def test_link_downloads_as_attachment_with_content_type(self, link: str):
        answer = httpx.get(link)
        assert answer.content == VIDEO
        assert answer.headers["content-type"] == "video/mp4"
        assert answer.headers["content-disposition"] == 'attachment; filename="job_1.mp4"'

    def test_link_of_an_svg_image_is_an_attachment_too(self, bucket: Bucket, key: str):
        """A browser would run the scripts of an SVG image that it shows as a page."""
        content = b"<svg><script>alert(1)</script></svg>"
        stored = bucket.put_stream(key, Download(len(content), None, iter([content])), SVG)
        answer = httpx.get(bucket.link(stored, "job_1.svg"))
        assert answer.headers["content-type"] == SVG
        assert answer.headers["content-disposition"] == 'attachment; filename="job_1.svg"'

    def test_link_for_head_returns_type_and_length(self, bucket: Bucket, key: str):
        stored = bucket.put_stream(key, Download(len(VIDEO), None, chunks_of(VIDEO)), "video/mp4")
        answer = httpx.head(bucket.link(stored, "job_1.mp4", "HEAD"))
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"] == "video/mp4"
        assert answer.headers["content-length"] == str(len(VIDEO))

    def test_link_supports_ranges(self, link: str):
        answer = httpx.get(link, headers={"range": "bytes=256-511"})
        assert (answer.status_code, answer.content) == (206, VIDEO[256:512])

    def test_link_expires_after_an_hour_and_is_signed_with_sigv4(self, link: str):
        signed = parse_qs(urlsplit(link).query)
        assert signed["X-Amz-Expires"] == ["3600"]
        assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]

    @pytest.mark.parametrize(
        ("signed", "forged"),
        [("attachment", "inline"), ("video%2Fmp4", "text%2Fhtml"), ("0.mp4", "1.mp4")],
    )
    def test_link_with_changed_parameters_is_refused(self, link: str, signed: str, forged: str):
        assert signed in link
        assert httpx.get(link.replace(signed, forged)).status_code == 403


class TestUploadLink:
    @pytest.fixture
    def uploads(self, prefix: str) -> str:
        return prefix.replace("outputs/demo/", "uploads/demo-")

    @pytest.fixture
    def upload_key(self, uploads: str) -> str:
        return f"{uploads}/a.png"

    @pytest.fixture
    def link(self, bucket: Bucket, upload_key: str) -> str:
        return bucket.upload_link(upload_key)

    def test_upload_link_accepts_a_put_without_headers(
        self, bucket: Bucket, link: str, upload_key: str
    ):
        assert bucket.find(upload_key) is None
        assert httpx.put(link, content=IMAGE).status_code == 200
        assert bucket.read(upload_key) == IMAGE
        found = bucket.find(upload_key)
        assert found
        assert (found.content_type, found.size) == ("image/png", len(IMAGE))

    @pytest.mark.parametrize(
        "content_type", ["image/png", "text/html", "application/x-www-form-urlencoded"]
    )
    def test_upload_link_ignores_the_clients_content_type(
        self, bucket: Bucket, link: str, upload_key: str, content_type: str
    ):
        answer = httpx.put(link, content=IMAGE, headers={"content-type": content_type})
        assert answer.status_code == 200
        file = bucket.find(upload_key)
        assert file is not None
        assert file.content_type == "image/png"

    def test_upload_link_with_declared_type_and_length_accepts_no_other(
        self, bucket: Bucket, upload_key: str
    ):
        link = bucket.upload_link(upload_key, "image/png", len(IMAGE))
        png, html = {"content-type": "image/png"}, {"content-type": "text/html"}
        for content, headers in (
            *((IMAGE + b"x", png), (IMAGE[:-1], png), (b"", png)),
            *((IMAGE, html), (IMAGE, {})),
        ):
            assert httpx.put(link, content=content, headers=headers).status_code == 403
        assert bucket.find(upload_key) is None
        assert httpx.put(link, content=IMAGE, headers=png).status_code == 200
        assert bucket.read(upload_key) == IMAGE

    def test_upload_link_with_declared_length_accepts_any_type(
        self, bucket: Bucket, upload_key: str
    ):
        link = bucket.upload_link(upload_key, length=len(IMAGE))
        assert httpx.put(link, content=IMAGE + b"x").status_code == 403
        assert httpx.put(link, content=IMAGE).status_code == 200

    def test_upload_link_expires_after_15_minutes(self, link: str):
        signed = parse_qs(urlsplit(link).query)
        assert signed["X-Amz-Expires"] == ["900"]
        assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]

    def test_upload_link_of_another_accounts_key_is_refused(
        self, bucket: Bucket, link: str, uploads: str, upload_key: str
    ):
        other_accounts = f"{uploads}-other/a.png"
        bucket.put(other_accounts, Upload("file", "image/png", b"theirs"))
        assert upload_key in link
        for forged in (other_accounts, f"{uploads}/../{uploads.rpartition('/')[2]}-other/a.png"):
            answer = httpx.put(link.replace(upload_key, forged), content=IMAGE)
            assert answer.status_code == 403
        assert httpx.put(link, content=IMAGE).status_code == 200
        assert bucket.read(other_accounts) == b"theirs"

    def test_upload_link_allows_put_only(self, bucket: Bucket, link: str, upload_key: str):
        bucket.put(upload_key, Upload("file", "image/png", IMAGE))
        assert httpx.get(link).status_code == 403
        assert httpx.delete(link).status_code == 403
        assert bucket.read(upload_key) == IMAGE

    @pytest.mark.parametrize("up", ["..", "%2e%2e", ".%2E"])
    def test_key_of_does_not_resolve_dot_segments(self, bucket: Bucket, uploads: str, up: str):
        """Dot segments are part of the key, which begins with the account's own prefix."""
        other_accounts = f"{uploads}-other/a.png"
        bucket.put(other_accounts, Upload("file", "image/png", IMAGE))
        link = bucket.upload_link(other_accounts).partition("?")[0]
        name = uploads.rpartition("/")[2]
        detour = link.replace(other_accounts, f"{uploads}/{up}/{name}-other/a.png")
        key = bucket.key_of(detour)
        assert key is not None
        assert key.startswith(f"{uploads}/")
        with suppress(AwsUnavailable):
            assert bucket.find(key) is None


@pytest.mark.parametrize("form", ["data_url", "link"])
def test_send_json_embeds_a_file_of_the_bucket(
    bucket: Bucket, key: str, server: RawServer, form: Literal["data_url", "link"]
):
    file = bucket.put(key, Upload("file", "image/png", IMAGE))
    server.answers["/v1/images"] = reply(b"{}")
    call = HttpCall("POST", "/images", json={"image": JsonFile(file, form)})
    SafeHttpClient(bucket, local_mode=True).send(Upstream(f"{server.url}/v1", {}), call)
    text = json.loads(server.received[0].body)["image"]
    if form == "link":
        answer = httpx.get(text)
        assert (answer.content, answer.headers["content-type"]) == (IMAGE, "image/png")
    else:
        assert text == "data:image/png;base64," + base64.b64encode(IMAGE).decode()


def test_put_sends_a_file_of_the_bucket(bucket: Bucket, key: str, server: RawServer):
    file = bucket.put(key, Upload("file", "video/mp4", VIDEO))
    server.answers["/put"] = reply()
    SafeHttpClient(bucket, local_mode=True).put(f"{server.url}/put", file)
    assert server.received[0].body == VIDEO


def test_delete_removes_more_than_a_thousand_objects(
    bucket: Bucket, prefix: str, stored_keys: Keys
):
    """S3 lists a thousand keys per page."""
    one = Upload("image", "image/png", b"1")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: bucket.put(f"{prefix}{number}", one), range(1001)))
    assert len(stored_keys()) == 1000
    bucket.delete(prefix)
    assert stored_keys() == []
