"""Interrupted downloads, and responses to the Range requests that follow."""

import random
import time
import tracemalloc
from dataclasses import dataclass, field
from io import BufferedIOBase

import pytest

from rushes.errors import DownloadInterrupted
from rushes.http import client, downloads
from rushes.http.client import SafeHttpClient
from rushes.jobs.result import Output
from rushes.ports.http import Upstream
from tests.fakes import FakeBlobs
from tests.raw_http import RawServer, reply

VIDEO = random.Random(1).randbytes(300_000)  # noqa: S311 - deterministic
KEY = {"authorization": "Bearer upstream-key"}
WITH_ETAG = {"accept-ranges": "bytes", "etag": '"one"'}
WITH_LAST_MODIFIED = {
    "accept-ranges": "bytes",
    "last-modified": "Sat, 21 Nov 2026 10:00:00 GMT",
    "date": "Sat, 21 Nov 2026 10:00:01 GMT",
}


@dataclass
class CuttingServer:
    """Serves the video, also from a Range start, and hangs up after `cuts` bytes each time.

    `others` replace the responses to Range requests.
    """

    server: RawServer
    cuts: list[int]
    headers: dict[str, str] = field(default_factory=lambda: dict(WITH_ETAG))
    others: list[bytes] = field(default_factory=list)

    def __call__(self, writer: BufferedIOBase) -> None:
        requested = self.server.received[-1].headers.get("range")
        if requested and self.others:
            writer.write(self.others.pop(0))
            return
        start = int(requested.removeprefix("bytes=").removesuffix("-")) if requested else 0
        status = "206 Partial Content" if requested else "200 OK"
        headers = {**self.headers, "content-length": str(len(VIDEO) - start)}
        if requested:
            headers["content-range"] = f"bytes {start}-{len(VIDEO) - 1}/{len(VIDEO)}"
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        cut = self.cuts.pop(0) if self.cuts else len(VIDEO)
        writer.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + VIDEO[start : start + cut])


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PAUSE_SECONDS", 0.0)


HTTP_CLIENT = SafeHttpClient(FakeBlobs(), local_mode=True)


def download(server: RawServer, into: bytearray) -> None:
    output = Output(url="/video", needs_key=True)
    with HTTP_CLIENT.download(Upstream(server.url, KEY), output) as stream:
        for chunk in stream.chunks:
            into += chunk


def whole_download(server: RawServer) -> bytes:
    data = bytearray()
    download(server, data)
    return bytes(data)


def interrupted(server: RawServer) -> str:
    """Return the error message; the bytes received are the beginning of the video."""
    data = bytearray()
    with pytest.raises(DownloadInterrupted) as raised:
        download(server, data)
    assert VIDEO.startswith(data)
    return raised.value.message


@pytest.mark.parametrize("cuts", [[0], [1], [100_000], [299_999], [0, 0, 0], [9, 70_000, 200_000]])
@pytest.mark.parametrize("headers", [WITH_ETAG, WITH_LAST_MODIFIED], ids=["ETag", "Last-Modified"])
def test_download_resumes_at_the_interruption(
    server: RawServer, cuts: list[int], headers: dict[str, str]
):
    server.answers["/video"] = CuttingServer(server, list(cuts), headers)
    assert whole_download(server) == VIDEO
    starts = [sum(cuts[: n + 1]) for n in range(len(cuts))]
    requested = [received.headers.get("range") for received in server.received]
    assert requested == [None, *(f"bytes={start}-" for start in starts)]
    validator = headers.get("etag") or headers["last-modified"]
    assert all(r.headers["if-range"] == validator for r in server.received[1:])
    assert all(r.headers["authorization"] == KEY["authorization"] for r in server.received)
    assert all(r.headers["accept-encoding"] == "identity" for r in server.received)


def test_download_cut_at_random_yields_the_file_or_a_prefix(server: RawServer):
    chance = random.Random(2)  # noqa: S311 - deterministic
    whole = 0
    for _ in range(60):
        cuts = [chance.randrange(len(VIDEO) // 2) for _ in range(chance.randrange(6))]
        server.answers["/video"] = CuttingServer(server, cuts)
        data = bytearray()
        try:
            download(server, data)
        except DownloadInterrupted:
            assert VIDEO.startswith(data)
            assert len(data) < len(VIDEO)
        else:
            assert data == VIDEO
            whole += 1
    assert 20 < whole < 60


def test_download_gives_up_after_three_resumptions(server: RawServer):
    server.answers["/video"] = CuttingServer(server, [1000] * 9)
    assert (
        interrupted(server) == "the output was interrupted after 4000 bytes (RemoteProtocolError)"
    )
    assert server.connections == 4


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"etag": '"one"'},
        {"accept-ranges": "none", "etag": '"one"'},
        {"accept-ranges": "bytes"},
        {"accept-ranges": "bytes", "etag": 'W/"one"'},
        {**WITH_LAST_MODIFIED, "etag": 'W/"one"'},
        {**WITH_LAST_MODIFIED, "date": WITH_LAST_MODIFIED["last-modified"]},
        {**WITH_LAST_MODIFIED, "date": "yesterday"},
        {**WITH_LAST_MODIFIED, "date": "Sat, 21 Nov 2026 10:00:01 -0000"},
        {"accept-ranges": "bytes", "last-modified": WITH_LAST_MODIFIED["last-modified"]},
    ],
)
def test_download_without_strong_validator_is_not_resumed(
    server: RawServer, headers: dict[str, str]
):
    server.answers["/video"] = CuttingServer(server, [1000], headers)
    assert interrupted(server).startswith("the output was interrupted after 1000 bytes")
    assert server.connections == 1


def rest(body: bytes = VIDEO[1000:], status: str = "206 Partial Content", **headers: str) -> bytes:
    headers = {
        "content_range": f"bytes 1000-{len(VIDEO) - 1}/{len(VIDEO)}",
        "etag": '"one"',
        **headers,
    }
    return reply(body, status, **{name: value for name, value in headers.items() if value})


def chunked_rest(body: bytes) -> bytes:
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return rest(chunks, transfer_encoding="chunked").replace(b"content-length", b"x-length")


@pytest.mark.parametrize(
    "other",
    [
        rest(VIDEO, "200 OK", content_range=""),
        rest(bytes(len(VIDEO)), "200 OK", etag='"two"', content_range=""),
        rest(etag='"two"'),
        rest(etag=""),
        rest(etag='W/"one"'),
        rest(content_range=""),
        rest(content_range=f"bytes 0-{len(VIDEO) - 1}/{len(VIDEO)}"),
        rest(content_range=f"bytes 1001-{len(VIDEO) - 1}/{len(VIDEO)}"),
        rest(content_range=f"bytes 1000-{len(VIDEO) - 2}/{len(VIDEO)}"),
        rest(content_range=f"bytes 1000-{len(VIDEO)}/{len(VIDEO) + 1}"),
        rest(content_range=f"bytes 1000-{len(VIDEO) - 1}/*"),
        rest(content_range="bytes 1000-1999/300000"),
        rest(content_range="", content_type="multipart/byteranges; boundary=x"),
        rest(content_encoding="gzip"),
        rest(VIDEO[1000:] + b"more", transfer_encoding="chunked", content_length=""),
        rest(b"", "416 Range Not Satisfiable"),
        rest(b"", "403 Forbidden"),
        rest(b"", "404 Gone"),
        rest(b"", "302 Found", location="/other"),
        rest(b"", "503 Busy"),
    ],
)
def test_resumption_refuses_another_file_or_range(server: RawServer, other: bytes):
    server.answers["/video"] = CuttingServer(server, [1000], others=[other] * 3)
    interrupted(server)
    assert all(received.path == "/video" for received in server.received)


def test_resumption_refuses_more_bytes_than_the_length(server: RawServer):
    other = chunked_rest(VIDEO[1000:] + b"x")
    server.answers["/video"] = CuttingServer(server, [1000], others=[other])
    assert interrupted(server) == "the output must have 300000 bytes (got more)"


def test_resumption_that_ends_early_is_resumed_again(server: RawServer):
    other = chunked_rest(VIDEO[1000:2000])
    server.answers["/video"] = CuttingServer(server, [1000], others=[other])
    assert whole_download(server) == VIDEO
    assert server.received[-1].headers["range"] == "bytes=2000-"


def test_resumption_uses_the_redirect_target_without_the_key(
    server: RawServer, other_server: RawServer
):
    server.answers["/video"] = reply(b"", "302 Found", location=f"{other_server.url}/signed?a=1")
    other_server.answers["/signed"] = CuttingServer(other_server, [1000, 1000])
    assert whole_download(server) == VIDEO
    assert (server.connections, other_server.connections) == (1, 3)
    assert all(r.path == "/signed?a=1" for r in other_server.received)
    assert not any("authorization" in r.headers for r in other_server.received)


def test_resumption_to_a_closed_port_is_an_interruption(server: RawServer, other_server: RawServer):
    def cut_and_close(writer: BufferedIOBase) -> None:
        other_server.socket.close()
        CuttingServer(other_server, [1000])(writer)

    other_server.answers["/video"] = cut_and_close
    server.answers["/video"] = reply(b"", "302 Found", location=f"{other_server.url}/video")
    assert interrupted(server).startswith("the output was interrupted after 1000 bytes")


def test_resumptions_share_one_deadline(server: RawServer, monkeypatch: pytest.MonkeyPatch):
    def cut_and_stall(writer: BufferedIOBase) -> None:
        CuttingServer(server, [1000])(writer)
        time.sleep(60)

    monkeypatch.setattr(client, "OUTPUT_SECONDS", 2.0)
    server.answers["/video"] = cut_and_stall
    interrupted(server)
    assert server.connections == 1, "no time is left for a second one"


def test_download_uses_constant_memory(server: RawServer):
    length, piece = 64 << 20, bytes(1 << 16)

    def pour(writer: BufferedIOBase) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length)
        for _ in range(length // len(piece)):
            writer.write(piece)

    server.answers["/video"] = pour
    with HTTP_CLIENT.download(Upstream(server.url, KEY), Output(url="/video")) as stream:
        tracemalloc.start()
        data = sum(len(chunk) for chunk in stream.chunks)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert data == length
    assert peak < 2 << 20
