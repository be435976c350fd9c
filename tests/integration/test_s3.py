"""The bucket itself: whole or not at all, and links that a browser cannot be fooled with."""

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
from rushes.jobs.request import Upload
from rushes.jobs.result import Artifact, Output
from rushes.ports import Download, HttpCall, JsonFile, Upstream
from tests.integration.conftest import LIMIT
from tests.raw_http import RawServer, chunked, reply, serving

Clients = Callable[[str], Any]
FILM = bytes(range(256)) * 20_000  # 5 MB
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(200)
LONG_FILM = FILM * 7  # more than two parts


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
def kept(s3: Any, stack: Stack, prefix: str) -> Callable[[], list[str]]:
    """What is in the bucket of this test, finished or begun."""
    here = {"Bucket": stack.outputs["BucketName"], "Prefix": prefix}

    def look() -> list[str]:
        objects = s3.list_objects_v2(**here).get("Contents", [])
        begun = s3.list_multipart_uploads(**here).get("Uploads", [])
        return [entry["Key"] for entry in (*objects, *begun)]

    return look


def pieces(content: bytes, size: int = 65536) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


@pytest.mark.parametrize("content", [FILM, LONG_FILM, b"x"], ids=["5 MB", "35 MB", "a byte"])
@pytest.mark.parametrize("known", [True, False], ids=["length known", "length unknown"])
def test_what_is_stored_is_what_came(
    bucket: Bucket, key: str, kept: Callable[[], list[str]], content: bytes, *, known: bool
):
    download = Download(len(content) if known else None, None, pieces(content))
    artifact = bucket.put_stream(key, download, "video/mp4")
    assert bucket.read(key) == content
    assert artifact == Artifact(
        key=key,
        content_type="video/mp4",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    assert kept() == [key]


@pytest.mark.parametrize("pieces_of", [1, 1000, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1])
def test_pieces_of_any_size_make_the_same_film(bucket: Bucket, key: str, pieces_of: int):
    content = LONG_FILM if pieces_of > 1000 else FILM[: 100 * pieces_of]
    artifact = bucket.put_stream(key, Download(None, None, pieces(content, pieces_of)), "video/mp4")
    assert artifact.sha256 == hashlib.sha256(content).hexdigest()
    assert bucket.read(key) == content


def broken(content: bytes) -> Iterator[bytes]:
    yield from pieces(content)
    raise DownloadInterrupted("the output broke off")


@pytest.mark.parametrize(
    ("download", "trouble"),
    [
        (lambda: Download(len(FILM) + 1, None, pieces(FILM)), DownloadInterrupted),
        (lambda: Download(len(FILM), None, iter([])), DownloadInterrupted),
        (lambda: Download(len(FILM) - 1, None, pieces(FILM)), DownloadInterrupted),
        (lambda: Download(len(FILM) + 1, None, broken(FILM)), DownloadInterrupted),
        (lambda: Download(None, None, broken(FILM)), DownloadInterrupted),
        (lambda: Download(None, None, broken(LONG_FILM)), DownloadInterrupted),
        (lambda: Download(None, None, pieces(LONG_FILM + FILM * 2)), InvalidOutput),
        (lambda: Download(LIMIT + 1, None, pieces(LONG_FILM + FILM * 2)), InvalidOutput),
        (lambda: Download(6 * 1024**3, None, pieces(FILM)), InvalidOutput),
    ],
    ids=[
        *("a byte short", "nothing", "a byte too long", "broken", "broken, length unknown"),
        *("broken in its third part", "over the limit", "over the limit by its own word"),
        "longer than S3 takes at once",
    ],
)
def test_what_is_not_whole_leaves_nothing(
    bucket: Bucket,
    key: str,
    kept: Callable[[], list[str]],
    download: Callable[[], Download],
    trouble: type[RushesError],
):
    with pytest.raises(trouble):
        bucket.put_stream(key, download(), "video/mp4")
    assert kept() == []


def test_no_byte_is_handed_out_beyond_the_announced_length():
    """S3 has all that it waits for by then, and would keep it."""
    source = HashingStream(Download(3, None, iter([b"film"])), LIMIT)
    with pytest.raises(DownloadInterrupted, match="more than its 3 bytes"):
        source.read(4)


def test_a_film_longer_than_one_put_may_be_is_stored_in_parts(
    bucket: Bucket, key: str, s3: Any, stack: Stack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("rushes.aws.s3.LONGEST_SINGLE_PUT", len(FILM))
    content = FILM + b"x"
    artifact = bucket.put_stream(key, Download(len(content), None, pieces(content)), "video/mp4")
    assert artifact.sha256 == hashlib.sha256(content).hexdigest()
    stored = s3.head_object(Bucket=stack.outputs["BucketName"], Key=key)
    assert stored["ETag"].endswith('-1"')


def test_a_second_try_puts_the_same_object(bucket: Bucket, key: str, kept: Callable[[], list[str]]):
    for content in (FILM[:1000], FILM):
        bucket.put_stream(key, Download(len(content), None, pieces(content)), "video/mp4")
    assert (kept(), bucket.read(key)) == ([key], FILM)


@pytest.mark.parametrize("broken_at", ["PutObject", "UploadPart", "CompleteMultipartUpload"])
def test_trouble_of_the_bucket_is_ours_and_leaves_nothing(
    as_wired: Clients, stack: Stack, key: str, kept: Callable[[], list[str]], broken_at: str
):
    s3 = as_wired("s3")
    denied = httpx.codes.FORBIDDEN.value

    def refuse(**_: object) -> tuple[Any, dict[str, Any]]:
        answer = type("Answer", (), {"status_code": denied})()
        return answer, {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {}}

    s3.meta.events.register(f"before-call.s3.{broken_at}", refuse)
    bucket = Bucket(s3, stack.outputs["BucketName"], LIMIT)
    length = len(FILM) if broken_at == "PutObject" else None
    with pytest.raises(AwsUnavailable, match=f"{broken_at} answered AccessDenied"):
        bucket.put_stream(key, Download(length, None, pieces(FILM)), "video/mp4")
    assert kept() == []


@pytest.fixture
def server() -> Iterator[RawServer]:
    with serving() as it:
        yield it


@pytest.mark.parametrize(
    "answer", [reply(LONG_FILM), chunked(*pieces(LONG_FILM))], ids=["length known", "in chunks"]
)
def test_a_film_is_copied_from_a_provider_to_the_bucket(
    bucket: Bucket, key: str, server: RawServer, answer: bytes
):
    server.answers["/film"] = answer
    http_client = SafeHttpClient(bucket, local_mode=True)
    with http_client.download(Upstream(server.url, {}), Output(url="/film")) as download:
        artifact = bucket.put_stream(key, download, "video/mp4")
    assert artifact.sha256 == hashlib.sha256(LONG_FILM).hexdigest()
    assert bucket.read(key) == LONG_FILM


@pytest.mark.parametrize(
    "answer",
    [reply(LONG_FILM, content_length=str(len(LONG_FILM) + 9)), chunked(*pieces(FILM), end=False)],
    ids=["length known", "in chunks"],
)
def test_a_film_that_breaks_off_at_the_provider_leaves_nothing(
    bucket: Bucket, key: str, server: RawServer, kept: Callable[[], list[str]], answer: bytes
):
    server.answers["/film"] = answer
    http_client = SafeHttpClient(bucket, local_mode=True)
    with (
        pytest.raises(DownloadInterrupted),
        http_client.download(Upstream(server.url, {}), Output(url="/film")) as download,
    ):
        bucket.put_stream(key, download, "video/mp4")
    assert kept() == []


class TestLink:
    @pytest.fixture
    def link(self, bucket: Bucket, key: str) -> str:
        download = Download(len(FILM), None, pieces(FILM))
        return bucket.link(bucket.put_stream(key, download, "video/mp4"), "job_1.mp4")

    def test_whoever_has_it_downloads_the_film_as_a_file_of_its_type(self, link: str):
        answer = httpx.get(link)
        assert answer.content == FILM
        assert answer.headers["content-type"] == "video/mp4"
        assert answer.headers["content-disposition"] == 'attachment; filename="job_1.mp4"'

    def test_it_serves_a_part_of_the_film(self, link: str):
        answer = httpx.get(link, headers={"range": "bytes=256-511"})
        assert (answer.status_code, answer.content) == (206, FILM[256:512])

    def test_it_ends_after_an_hour_and_is_signed_in_the_newer_way(self, link: str):
        signed = parse_qs(urlsplit(link).query)
        assert signed["X-Amz-Expires"] == ["3600"]
        assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]

    @pytest.mark.parametrize(
        ("signed", "forged"),
        [("attachment", "inline"), ("video%2Fmp4", "text%2Fhtml"), ("0.mp4", "1.mp4")],
    )
    def test_it_cannot_be_made_to_do_anything_else(self, link: str, signed: str, forged: str):
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

    def test_whoever_has_it_puts_a_file_there_without_any_headers(
        self, bucket: Bucket, link: str, upload_key: str
    ):
        assert bucket.find(upload_key) is None
        assert httpx.put(link, content=PICTURE).status_code == 200
        assert bucket.read(upload_key) == PICTURE
        found = bucket.find(upload_key)
        assert found is not None
        assert (found.content_type, found.size) == ("image/png", len(PICTURE))

    @pytest.mark.parametrize(
        "kind", ["image/png", "text/html", "application/x-www-form-urlencoded"]
    )
    def test_a_clients_content_type_is_taken_and_not_believed(
        self, bucket: Bucket, link: str, upload_key: str, kind: str
    ):
        answer = httpx.put(link, content=PICTURE, headers={"content-type": kind})
        assert answer.status_code == 200
        file = bucket.find(upload_key)
        assert file is not None
        assert file.content_type == "image/png"

    def test_it_ends_after_a_quarter_of_an_hour(self, link: str):
        signed = parse_qs(urlsplit(link).query)
        assert signed["X-Amz-Expires"] == ["900"]
        assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]

    def test_another_accounts_file_stays_untouched(
        self, bucket: Bucket, link: str, uploads: str, upload_key: str
    ):
        other_accounts = f"{uploads}-stranger/a.png"
        bucket.put(other_accounts, Upload("file", "image/png", b"theirs"))
        assert upload_key in link
        for forged in (other_accounts, f"{uploads}/../{uploads.rpartition('/')[2]}-stranger/a.png"):
            answer = httpx.put(link.replace(upload_key, forged), content=PICTURE)
            assert answer.status_code == 403
        assert httpx.put(link, content=PICTURE).status_code == 200
        assert bucket.read(other_accounts) == b"theirs"

    def test_it_is_for_putting_only(self, bucket: Bucket, link: str, upload_key: str):
        bucket.put(upload_key, Upload("file", "image/png", PICTURE))
        assert httpx.get(link).status_code == 403
        assert httpx.delete(link).status_code == 403
        assert bucket.read(upload_key) == PICTURE

    @pytest.mark.parametrize("up", ["..", "%2e%2e", ".%2E"])
    def test_no_way_leads_from_ones_own_folder_to_anothers(
        self, bucket: Bucket, uploads: str, up: str
    ):
        """The key of such an address begins with one's own folder; it is no way, only a name."""
        other_accounts = f"{uploads}-stranger/a.png"
        bucket.put(other_accounts, Upload("file", "image/png", PICTURE))
        link = bucket.upload_link(other_accounts).partition("?")[0]
        name = uploads.rpartition("/")[2]
        detour = link.replace(other_accounts, f"{uploads}/{up}/{name}-stranger/a.png")
        key = bucket.key_of(detour)
        assert key is not None
        assert key.startswith(f"{uploads}/")
        with suppress(AwsUnavailable):
            assert bucket.find(key) is None


@pytest.mark.parametrize("form", ["data_url", "link"])
def test_a_file_in_the_bucket_reaches_a_provider_inside_json(
    bucket: Bucket, key: str, server: RawServer, form: Literal["data_url", "link"]
):
    file = bucket.put(key, Upload("file", "image/png", PICTURE))
    server.answers["/v1/images"] = reply(b"{}")
    call = HttpCall("POST", "/images", json={"image": JsonFile(file, form)})
    SafeHttpClient(bucket, local_mode=True).send(Upstream(f"{server.url}/v1", {}), call)
    text = json.loads(server.received[0].body)["image"]
    if form == "link":
        answer = httpx.get(text)
        assert (answer.content, answer.headers["content-type"]) == (PICTURE, "image/png")
    else:
        assert text == "data:image/png;base64," + base64.b64encode(PICTURE).decode()


def test_a_file_in_the_bucket_is_put_where_a_provider_wants_it(
    bucket: Bucket, key: str, server: RawServer
):
    file = bucket.put(key, Upload("file", "video/mp4", FILM))
    server.answers["/put"] = reply()
    SafeHttpClient(bucket, local_mode=True).put(f"{server.url}/put", file)
    assert server.received[0].body == FILM


def test_more_than_a_thousand_objects_are_deleted_as_one(
    bucket: Bucket, prefix: str, kept: Callable[[], list[str]]
):
    """S3 lists a thousand at a time."""
    one = Upload("image", "image/png", b"1")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: bucket.put(f"{prefix}{number}", one), range(1001)))
    assert len(kept()) == 1000
    bucket.delete(prefix)
    assert kept() == []
