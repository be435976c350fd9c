"""No server, however it misbehaves, gets a wrong file stored: all of the way from its socket."""

import gzip
import time
from collections.abc import Iterator
from io import BufferedIOBase

import pytest
from typing_extensions import override

from rushes.aws.s3 import HashingStream
from rushes.http import client, downloads
from rushes.http.client import SafeHttpClient
from rushes.jobs.result import Artifact
from rushes.ports import Download, Upstream
from rushes.workflow.task import ENDING
from tests.fakes import FakeBlobs, FakeUpstreams
from tests.harness import CONTENT, Harness
from tests.raw_http import Answer, RawServer, chunked, reply, serving

FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 400
LIMIT = 1_000_000
HTML = b"<!doctype html><title>Sign in</title>" + bytes(1000)


class Measuring(FakeBlobs):
    """In memory, but counting and refusing as the real bucket does."""

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
    def find(self, provider: str) -> Upstream:
        return self._upstream


@pytest.fixture
def server() -> Iterator[RawServer]:
    with serving() as it:
        yield it


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Harness:
    monkeypatch.setattr(downloads, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(client, "OUTPUT_SECONDS", 1.0)
    return Harness(blobs=Measuring())


def collected(harness: Harness, server: RawServer, answer: Answer) -> str:
    """`stored`, `again`, or the code of the error that the job ends with."""
    job = harness.generated()
    harness.upstreams = OneUpstream(server)
    harness.http_client = SafeHttpClient(harness.blobs, local_mode=True)  # type: ignore[assignment]
    server.answers[CONTENT] = answer
    if harness.collect(job) != ENDING:
        return "again"
    outcome = harness.now(job).outcome
    assert outcome is not None
    return outcome.error.code if outcome.error else "stored"


def endless(writer: BufferedIOBase) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + FILM)
    while True:
        writer.write(bytes(65536))


def endless_chunks(writer: BufferedIOBase) -> None:
    writer.write(chunked(FILM, end=False))
    while True:
        writer.write(b"10000\r\n" + bytes(65536) + b"\r\n")


def drip(writer: BufferedIOBase) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(FILM) + FILM[:100])
    while True:
        writer.write(b"x")
        time.sleep(0.02)


def drip_head(writer: BufferedIOBase) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nx-long: ")
    while True:
        writer.write(b"x")
        time.sleep(0.02)


BOMB = gzip.compress(bytes(200_000_000), 9)
FAULTS: dict[str, tuple[Answer, str]] = {
    "short of its length": (reply(FILM, content_length=str(len(FILM) + 1)), "again"),
    "cut between chunks": (chunked(FILM, end=False), "again"),
    "cut in a chunk": (chunked(FILM)[:-20], "again"),
    "no answer": (b"", "again"),
    "half a head": (b"HTTP/1.1 200 OK\r\ncontent-le", "again"),
    "two lengths": (reply(FILM, x="1\r\ncontent-length: 7"), "again"),
    "no length that is one": (reply(FILM, content_length="many"), "again"),
    "drips for ever": (drip, "again"),
    "drips its head for ever": (drip_head, "again"),
    "link expired": (reply(HTML, "403 Forbidden"), "again"),
    "link gone": (reply(HTML, "404 Not Found"), "again"),
    "busy": (reply(HTML, "503 Busy"), "again"),
    "nothing": (reply(b""), "bad_output"),
    "nothing, in chunks": (chunked(), "bad_output"),
    "no content": (reply(b"", "204 No Content"), "bad_output"),
    "a page": (reply(HTML, content_type="text/html"), "bad_output"),
    "a page that says it is a film": (reply(HTML, content_type="video/mp4"), "bad_output"),
    "JSON": (reply(b'{"error": "x"}', content_type="application/json"), "bad_output"),
    "part of it": (reply(FILM, "206 Partial Content"), "bad_output"),
    "too large": (reply(b"", content_length=str(1 << 60)), "again"),
    "too large by a byte": (reply(FILM + bytes(LIMIT + 1 - len(FILM))), "bad_output"),
    "endless": (endless, "bad_output"),
    "endless, in chunks": (endless_chunks, "bad_output"),
    "packed": (reply(gzip.compress(FILM), content_encoding="gzip"), "bad_output"),
    "a packed bomb": (reply(BOMB, content_encoding="gzip"), "bad_output"),
    "a packed bomb, twice": (reply(BOMB, content_encoding="gzip, gzip"), "bad_output"),
    "round and round": (reply(b"", "302 Found", location=CONTENT), "bad_output"),
    "away to nothing": (reply(b"", "302 Found", location="https://[/"), "bad_output"),
    "away to a file": (reply(b"", "302 Found", location="file:///etc/passwd"), "bad_output"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_leaves_a_file(harness: Harness, server: RawServer, fault: str):
    answer, outcome = FAULTS[fault]
    assert collected(harness, server, answer) == outcome
    assert not harness.blobs.objects


@pytest.mark.parametrize(
    "answer",
    [
        reply(FILM),
        chunked(FILM[:5], FILM[5:]),
        b"HTTP/1.1 200 OK\r\n\r\n" + FILM,
        reply(FILM, content_type="text/html"),
        reply(FILM, content_encoding="Identity"),
        reply(FILM + bytes(LIMIT - len(FILM))),
    ],
    ids=["with its length", "in chunks", "until the end", "misnamed", "unpacked", "of the limit"],
)
def test_a_whole_film_is_stored_as_it_is(harness: Harness, server: RawServer, answer: bytes):
    assert collected(harness, server, answer) == "stored"
    (stored,) = harness.blobs.objects.values()
    assert stored.rstrip(b"\0") == FILM.rstrip(b"\0")


def test_it_is_said_that_what_is_packed_is_not_unpacked(harness: Harness, server: RawServer):
    job = harness.generated()
    harness.upstreams = OneUpstream(server)
    harness.http_client = SafeHttpClient(harness.blobs, local_mode=True)  # type: ignore[assignment]
    server.answers[CONTENT] = reply(BOMB, content_encoding="gzip")
    harness.collect(job)
    outcome = harness.now(job).outcome
    assert outcome is not None
    assert outcome.error is not None
    assert "packed (gzip)" in outcome.error.message
    assert "neither unpacked nor stored" in outcome.error.message
