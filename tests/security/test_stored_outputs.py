"""Faulty servers never cause a wrong file to be stored, from the socket to the bucket."""

import gzip

import pytest
from typing_extensions import override

from rushes.aws.s3 import HashingStream
from rushes.http import client, downloads
from rushes.http.client import SafeHttpClient
from rushes.jobs.job import Job
from rushes.jobs.result import Artifact, JobError
from rushes.ports.http import Upstream
from rushes.ports.storage import Download
from rushes.workflow.collect import INVALID_WINDOW, MIN_INVALID_TRIES
from rushes.workflow.task import TO_FINISH
from tests.fakes import FakeBlobs, FakeUpstreams
from tests.harness import CONTENT, Harness
from tests.raw_http import Answer, RawServer, chunked, endless, reply

VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 400
LIMIT = 1_000_000
HTML = b"<!doctype html><title>Sign in</title>" + bytes(1000)


class HashingBlobs(FakeBlobs):
    """Counts and refuses bytes as the real bucket does."""

    @override
    def put_stream(self, key: str, download: Download, content_type: str) -> Artifact:
        source = HashingStream(download, LIMIT)
        pieces = iter(lambda: source.read(65536), b"")
        whole = Download(download.length, download.content_type, pieces)
        return super().put_stream(key, whole, content_type)


class OneUpstream(FakeUpstreams):
    def __init__(self, server: RawServer) -> None:
        super().__init__()
        self._upstream = Upstream(server.url, {"authorization": "Bearer upstream-key"})

    @override
    def find(self, job: Job) -> Upstream:
        return self._upstream


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Harness:
    monkeypatch.setattr(downloads, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(client, "OUTPUT_SECONDS", 1.0)
    return Harness(blobs=HashingBlobs())


def collected(harness: Harness, server: RawServer, answer: Answer) -> str | JobError:
    """Return `stored`, `again`, or the error of the job."""
    job = harness.generated()
    harness.upstreams = OneUpstream(server)
    harness.http_client = SafeHttpClient(harness.blobs, local_mode=True)  # type: ignore[assignment]
    server.answers[CONTENT] = answer
    for _ in range(MIN_INVALID_TRIES - 1):
        assert harness.collect(job)["status"] in ("pending", "ending")
        harness.clock.advance(INVALID_WINDOW)
    if harness.collect(job) != TO_FINISH:
        return "again"
    outcome = harness.now(job).outcome
    assert outcome is not None
    return outcome.error or "stored"


OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"content-length: %d\r\n\r\n" % len(VIDEO)
CHUNK = b"10000\r\n" + bytes(65536) + b"\r\n"
BOMB = gzip.compress(bytes(200_000_000), 9)
FAULTS: dict[str, tuple[Answer, str]] = {
    "short of its length": (reply(VIDEO, content_length=str(len(VIDEO) + 1)), "again"),
    "cut between chunks": (chunked(VIDEO, end=False), "again"),
    "cut in a chunk": (chunked(VIDEO)[:-20], "again"),
    "no answer": (b"", "again"),
    "half a head": (b"HTTP/1.1 200 OK\r\ncontent-le", "again"),
    "two lengths": (reply(VIDEO, x="1\r\ncontent-length: 7"), "again"),
    "no length that is one": (reply(VIDEO, content_length="many"), "again"),
    "drips for ever": (endless(OK + LENGTH + VIDEO[:100], b"x", 0.02), "again"),
    "drips its head for ever": (endless(OK + b"x-long: ", b"x", 0.02), "again"),
    "link expired": (reply(HTML, "403 Forbidden"), "again"),
    "link gone": (reply(HTML, "404 Not Found"), "again"),
    "busy": (reply(HTML, "503 Busy"), "again"),
    "nothing": (reply(b""), "bad_output"),
    "nothing, in chunks": (chunked(), "bad_output"),
    "no content": (reply(b"", "204 No Content"), "again"),
    "a page": (reply(HTML, content_type="text/html"), "bad_output"),
    "a page declared as video": (reply(HTML, content_type="video/mp4"), "bad_output"),
    "JSON": (reply(b'{"error": "x"}', content_type="application/json"), "bad_output"),
    "part of it": (reply(VIDEO, "206 Partial Content"), "again"),
    "too large": (reply(b"", content_length=str(1 << 60)), "again"),
    "too large by a byte": (reply(VIDEO + bytes(LIMIT + 1 - len(VIDEO))), "bad_output"),
    "endless": (endless(OK + b"\r\n" + VIDEO, bytes(65536)), "bad_output"),
    "endless, in chunks": (endless(chunked(VIDEO, end=False), CHUNK), "bad_output"),
    "packed": (reply(gzip.compress(VIDEO), content_encoding="gzip"), "bad_output"),
    "a packed bomb": (reply(BOMB, content_encoding="gzip"), "bad_output"),
    "a packed bomb, twice": (reply(BOMB, content_encoding="gzip, gzip"), "bad_output"),
    "round and round": (reply(b"", "302 Found", location=CONTENT), "bad_output"),
    "away to nothing": (reply(b"", "302 Found", location="https://[/"), "bad_output"),
    "away to a file": (reply(b"", "302 Found", location="file:///etc/passwd"), "bad_output"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_download_leaves_no_object(harness: Harness, server: RawServer, fault: str):
    answer, outcome = FAULTS[fault]
    result = collected(harness, server, answer)
    assert (result.code if isinstance(result, JobError) else result) == outcome
    assert not harness.blobs.objects


@pytest.mark.parametrize(
    "answer",
    [
        reply(VIDEO),
        chunked(VIDEO[:5], VIDEO[5:]),
        b"HTTP/1.1 200 OK\r\n\r\n" + VIDEO,
        reply(VIDEO, content_type="text/html"),
        reply(VIDEO, content_encoding="Identity"),
        reply(VIDEO + bytes(LIMIT - len(VIDEO))),
    ],
    ids=["with its length", "in chunks", "until the end", "misnamed", "unpacked", "of the limit"],
)
def test_complete_download_is_stored_unchanged(harness: Harness, server: RawServer, answer: bytes):
    assert collected(harness, server, answer) == "stored"
    (stored,) = harness.blobs.objects.values()
    assert stored.rstrip(b"\0") == VIDEO.rstrip(b"\0")


def test_error_names_the_content_encoding(harness: Harness, server: RawServer):
    outcome = collected(harness, server, reply(BOMB, content_encoding="gzip"))
    assert isinstance(outcome, JobError)
    assert "no content-encoding" in outcome.message
    assert "(got gzip)" in outcome.message
