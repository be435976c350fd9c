"""Outputs that break off on their way, and what comes when the rest is asked for."""

import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedIOBase

import pytest

from rushes.errors import DownloadInterrupted
from rushes.http import client, downloads
from rushes.http.client import SafeHttpClient
from rushes.jobs.result import Output
from rushes.ports import Upstream
from tests.fakes import FakeBlobs
from tests.raw_http import RawServer, reply, serving

FILM = random.Random(1).randbytes(300_000)  # noqa: S311 - the same one every time
KEY = {"authorization": "Bearer upstream-key"}
MARKED = {"accept-ranges": "bytes", "etag": '"one"'}
DATED = {
    "accept-ranges": "bytes",
    "last-modified": "Sat, 21 Nov 2026 10:00:00 GMT",
    "date": "Sat, 21 Nov 2026 10:00:01 GMT",
}


@dataclass
class Cutting:
    """Answers whole or from where it is asked, and hangs up after `cuts` bytes each time.

    `others` are answers to the calls after the first, instead of the rest of the film.
    """

    server: RawServer
    cuts: list[int]
    headers: dict[str, str] = field(default_factory=lambda: dict(MARKED))
    others: list[bytes] = field(default_factory=list)

    def __call__(self, writer: BufferedIOBase) -> None:
        asked = self.server.received[-1].headers.get("range")
        if asked and self.others:
            writer.write(self.others.pop(0))
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        status = "206 Partial Content" if asked else "200 OK"
        told = {**self.headers, "content-length": str(len(FILM) - start)}
        if asked:
            told["content-range"] = f"bytes {start}-{len(FILM) - 1}/{len(FILM)}"
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        cut = self.cuts.pop(0) if self.cuts else len(FILM)
        writer.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + FILM[start : start + cut])


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def server() -> Iterator[RawServer]:
    with serving() as it:
        yield it


@pytest.fixture
def elsewhere() -> Iterator[RawServer]:
    with serving() as it:
        yield it


DOOR = SafeHttpClient(FakeBlobs(), local_mode=True)


def download(server: RawServer, into: bytearray) -> None:
    with DOOR.download(Upstream(server.url, KEY), Output(url="/film", needs_key=True)) as it:
        for chunk in it.chunks:
            into += chunk


def interrupted(server: RawServer) -> str:
    """Why, after having seen that what came is the beginning of the film."""
    came = bytearray()
    with pytest.raises(DownloadInterrupted) as trouble:
        download(server, came)
    assert FILM.startswith(came)
    return trouble.value.message


@pytest.mark.parametrize("cuts", [[0], [1], [100_000], [299_999], [0, 0, 0], [9, 70_000, 200_000]])
@pytest.mark.parametrize("headers", [MARKED, DATED], ids=["ETag", "Last-Modified"])
def test_a_film_that_breaks_off_is_taken_up_where_it_did(
    server: RawServer, cuts: list[int], headers: dict[str, str]
):
    server.answers["/film"] = Cutting(server, list(cuts), headers)
    came = bytearray()
    download(server, came)
    assert came == FILM
    starts = [sum(cuts[: n + 1]) for n in range(len(cuts))]
    asked = [received.headers.get("range") for received in server.received]
    assert asked == [None, *(f"bytes={start}-" for start in starts)]
    mark = headers.get("etag") or headers["last-modified"]
    assert all(it.headers["if-range"] == mark for it in server.received[1:])
    assert all(it.headers["authorization"] == KEY["authorization"] for it in server.received)
    assert all(it.headers["accept-encoding"] == "identity" for it in server.received)


def test_however_it_is_cut_it_is_the_film_or_its_beginning(server: RawServer):
    chance = random.Random(2)  # noqa: S311 - the same ones every time
    whole = 0
    for _ in range(60):
        cuts = [chance.randrange(len(FILM) // 2) for _ in range(chance.randrange(6))]
        server.answers["/film"] = Cutting(server, cuts)
        came = bytearray()
        try:
            download(server, came)
        except DownloadInterrupted:
            assert FILM.startswith(came)
            assert len(came) < len(FILM)
        else:
            assert came == FILM
            whole += 1
    assert 20 < whole < 60


def test_after_three_resumptions_it_is_given_up(server: RawServer):
    server.answers["/film"] = Cutting(server, [1000] * 9)
    assert interrupted(server) == "the output broke off after 4000 bytes (RemoteProtocolError)"
    assert server.connections == 4


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"etag": '"one"'},
        {"accept-ranges": "none", "etag": '"one"'},
        {"accept-ranges": "bytes"},
        {"accept-ranges": "bytes", "etag": 'W/"one"'},
        {**DATED, "etag": 'W/"one"'},
        {**DATED, "date": DATED["last-modified"]},
        {**DATED, "date": "yesterday"},
        {**DATED, "date": "Sat, 21 Nov 2026 10:00:01 -0000"},
        {"accept-ranges": "bytes", "last-modified": DATED["last-modified"]},
    ],
)
def test_without_a_mark_to_know_it_by_nothing_is_resumed(
    server: RawServer, headers: dict[str, str]
):
    server.answers["/film"] = Cutting(server, [1000], headers)
    assert interrupted(server).startswith("the output broke off after 1000 bytes")
    assert server.connections == 1


def rest(body: bytes = FILM[1000:], status: str = "206 Partial Content", **headers: str) -> bytes:
    told = {
        "content_range": f"bytes 1000-{len(FILM) - 1}/{len(FILM)}",
        "etag": '"one"',
        **headers,
    }
    return reply(body, status, **{name: value for name, value in told.items() if value})


@pytest.mark.parametrize(
    "other",
    [
        rest(FILM, "200 OK", content_range=""),
        rest(bytes(len(FILM)), "200 OK", etag='"two"', content_range=""),
        rest(etag='"two"'),
        rest(etag=""),
        rest(etag='W/"one"'),
        rest(content_range=""),
        rest(content_range=f"bytes 0-{len(FILM) - 1}/{len(FILM)}"),
        rest(content_range=f"bytes 1001-{len(FILM) - 1}/{len(FILM)}"),
        rest(content_range=f"bytes 1000-{len(FILM) - 2}/{len(FILM)}"),
        rest(content_range=f"bytes 1000-{len(FILM)}/{len(FILM) + 1}"),
        rest(content_range=f"bytes 1000-{len(FILM) - 1}/*"),
        rest(content_range="bytes 1000-1999/300000"),
        rest(content_range="", content_type="multipart/byteranges; boundary=x"),
        rest(content_encoding="gzip"),
        rest(FILM[1000:] + b"more", transfer_encoding="chunked", content_length=""),
        rest(b"", "416 Range Not Satisfiable"),
        rest(b"", "403 Forbidden"),
        rest(b"", "404 Gone"),
        rest(b"", "302 Found", location="/other"),
        rest(b"", "503 Busy"),
    ],
)
def test_what_is_not_the_rest_of_this_very_film_is_not_added(server: RawServer, other: bytes):
    server.answers["/film"] = Cutting(server, [1000], others=[other] * 3)
    interrupted(server)
    assert all(received.path == "/film" for received in server.received)


def test_more_than_the_film_has_is_not_handed_on(server: RawServer):
    longer = FILM[1000:] + b"x"
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(longer), longer)
    other = rest(body, transfer_encoding="chunked").replace(b"content-length", b"x-length")
    server.answers["/film"] = Cutting(server, [1000], others=[other])
    assert interrupted(server) == "the output has more than 300000 bytes"


def test_a_rest_that_ends_early_and_in_order_is_no_end(server: RawServer):
    shorter = FILM[1000:2000]
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(shorter), shorter)
    other = rest(body, transfer_encoding="chunked").replace(b"content-length", b"x-length")
    server.answers["/film"] = Cutting(server, [1000], others=[other])
    came = bytearray()
    download(server, came)
    assert came == FILM
    assert server.received[-1].headers["range"] == "bytes=2000-"


def test_it_is_resumed_where_the_redirects_led_and_without_the_key(
    server: RawServer, elsewhere: RawServer
):
    server.answers["/film"] = reply(b"", "302 Found", location=f"{elsewhere.url}/signed?a=1")
    elsewhere.answers["/signed"] = Cutting(elsewhere, [1000, 1000])
    came = bytearray()
    download(server, came)
    assert came == FILM
    assert (server.connections, elsewhere.connections) == (1, 3)
    assert all(it.path == "/signed?a=1" for it in elsewhere.received)
    assert not any("authorization" in it.headers for it in elsewhere.received)


def test_nobody_there_any_more_is_an_interruption(server: RawServer, elsewhere: RawServer):
    def cut_and_close(writer: BufferedIOBase) -> None:
        elsewhere.socket.close()
        Cutting(elsewhere, [1000])(writer)

    elsewhere.answers["/film"] = cut_and_close
    server.answers["/film"] = reply(b"", "302 Found", location=f"{elsewhere.url}/film")
    assert interrupted(server).startswith("the output broke off after 1000 bytes")


def stalling(cutting: Cutting) -> Callable[[BufferedIOBase], None]:
    def answer(writer: BufferedIOBase) -> None:
        cutting(writer)
        for _ in range(200):
            writer.write(b"")
            time.sleep(0.01)

    return answer


def test_all_resumptions_together_have_one_limit(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(client, "OUTPUT_SECONDS", 0.5)
    server.answers["/film"] = stalling(Cutting(server, [1000] * 9))
    start = time.monotonic()
    interrupted(server)
    assert time.monotonic() - start < 1.5


def test_memory_stays_flat_however_long_the_film_is(server: RawServer):
    length, piece = 64 << 20, bytes(1 << 16)

    def pour(writer: BufferedIOBase) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length)
        for _ in range(length // len(piece)):
            writer.write(piece)

    server.answers["/film"] = pour
    with DOOR.download(Upstream(server.url, KEY), Output(url="/film")) as it:
        tracemalloc.start()
        came = sum(len(chunk) for chunk in it.chunks)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert came == length
    assert peak < 2 << 20
