"""What receivers of webhooks can do to us: nothing that lasts, and nothing that grows."""

import gzip
import socket
import time
from collections.abc import Callable, Iterator
from io import BufferedIOBase

import pytest

from rushes.errors import UpstreamNoResponse, UpstreamRefused, UpstreamUnreachable, UrlNotAllowed
from rushes.http import client, ssrf
from rushes.http.client import SafeHttpClient
from rushes.http.ssrf import check_public
from tests.fakes import FakeBlobs
from tests.raw_http import Answer, RawServer, chunked, reply, serving
from tests.security.entry_points import HEADERS

BODY = b'{"type": "job.completed"}'


@pytest.fixture
def server() -> Iterator[RawServer]:
    with serving() as it:
        yield it


@pytest.fixture
def door() -> SafeHttpClient:
    return SafeHttpClient(FakeBlobs(), local_mode=True)


def test_one_post_with_these_headers_and_this_very_body(server: RawServer, door: SafeHttpClient):
    server.answers["/hook"] = reply(b"thanks", "202 Accepted", retry_after="7")
    answer = door.notify(f"{server.url}/hook?a=1#part", HEADERS, BODY)
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (202, b"thanks", "7")
    (received,) = server.received
    assert (received.method, received.path, received.body) == ("POST", "/hook?a=1", BODY)
    assert received.headers["content-length"] == str(len(BODY))
    assert HEADERS.items() <= received.headers.items()
    assert not {"authorization", "cookie"} & received.headers.keys()


@pytest.mark.parametrize(
    "status", ["204 No", "301 M", "302 F", "307 T", "308 P", "400 B", "410 G", "429 S", "500 O"]
)
@pytest.mark.parametrize("location", ["/again", "https://169.254.169.254/", "https://xn--zzz--/"])
def test_any_status_is_an_answer_and_no_redirect_is_followed(
    server: RawServer, door: SafeHttpClient, status: str, location: str
):
    server.answers["/"] = reply(b"", status, location=location)
    assert door.notify(server.url, HEADERS, BODY).status == int(status[:3])
    assert server.connections == 1


def pour(writer: BufferedIOBase) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(65536))


@pytest.mark.parametrize(
    "answer",
    [
        pour,
        reply(bytes(5_000_000)),
        chunked(*[bytes(1000)] * 40),
        chunked(bytes(16 * 1024), end=False),
        reply(bytes(16 * 1024), content_length="99999999"),
    ],
    ids=["endless", "large", "in chunks", "cut after", "short of its length after"],
)
def test_of_a_long_answer_the_beginning_is_kept(
    server: RawServer, door: SafeHttpClient, answer: Answer
):
    server.answers["/"] = answer
    kept = door.notify(server.url, HEADERS, BODY)
    assert (kept.status, kept.body) == (200, bytes(16 * 1024))


def test_a_packed_answer_is_not_unpacked(server: RawServer, door: SafeHttpClient):
    bomb = gzip.compress(bytes(100_000_000))[:20_000]
    server.answers["/"] = reply(bomb, content_encoding="gzip")
    assert door.notify(server.url, HEADERS, BODY).body == bomb[: 16 * 1024]


def drip_body(writer: BufferedIOBase) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
    drip(writer)


def drip_head(writer: BufferedIOBase) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nx-long: ")
    drip(writer)


def drip(writer: BufferedIOBase) -> None:
    while True:
        writer.write(b"x")
        time.sleep(0.02)


def not_yet(writer: BufferedIOBase) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.02)


def hang(_: BufferedIOBase) -> None:
    time.sleep(3)


@pytest.mark.parametrize("answer", [drip_head, drip_body, not_yet, hang])
def test_nobody_keeps_us_beyond_the_limit(
    server: RawServer,
    door: SafeHttpClient,
    answer: Callable[[BufferedIOBase], None],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(client, "NOTICE_SECONDS", 0.4)
    server.answers["/"] = answer
    start = time.monotonic()
    with pytest.raises(UpstreamNoResponse, match="ReadTimeout") as trouble:
        door.notify(server.url, HEADERS, BODY)
    assert trouble.value.error_code == "timeout"
    assert 0.3 < time.monotonic() - start < 1.5


def test_nor_does_one_that_does_not_read(door: SafeHttpClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client, "NOTICE_SECONDS", 0.4)
    start = time.monotonic()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,  # its queue takes us, and that is all
        pytest.raises(UpstreamNoResponse, match="WriteTimeout"),
    ):
        door.notify(f"http://127.0.0.1:{listener.getsockname()[1]}/", HEADERS, bytes(32 << 20))
    assert time.monotonic() - start < 1.5


def test_nor_does_a_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ssrf, "RESOLVE_SECONDS", 0.2)

    def resolve_pointer(*_: object, **__: object) -> list[object]:
        time.sleep(1)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve_pointer)
    start = time.monotonic()
    with pytest.raises(UpstreamUnreachable):
        SafeHttpClient(FakeBlobs(), local_mode=False).notify("https://slow.example/", HEADERS, BODY)
    with pytest.raises(UrlNotAllowed, match="cannot be resolved"):
        check_public("https://slow.example/", local_mode=False)
    assert time.monotonic() - start < 0.9


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n", b"SSH-2.0-x\r\n", reply(b"x", content_length="9")],
    ids=["nothing", "half a head", "not HTTP", "half a body"],
)
def test_without_a_whole_answer_it_may_have_arrived_or_not(
    server: RawServer, door: SafeHttpClient, answer: bytes
):
    server.answers["/"] = answer
    with pytest.raises(UpstreamNoResponse) as trouble:
        door.notify(server.url, HEADERS, BODY)
    assert trouble.value.error_code == "broken"
    assert (server.connections, len(server.received)) == (1, 1)


def test_nobody_there(door: SafeHttpClient):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UpstreamUnreachable) as trouble:
        door.notify(f"http://127.0.0.1:{port}/", HEADERS, BODY)
    assert trouble.value.error_code == "refused"


def test_a_certificate_that_is_none(server: RawServer, door: SafeHttpClient):
    server.answers[""] = b""
    with pytest.raises(UpstreamUnreachable) as trouble:
        door.notify(server.url.replace("http:", "https:"), HEADERS, BODY)
    assert trouble.value.error_code == "tls"


def test_what_is_refused_says_why_and_tells_programs_by_its_code():
    door = SafeHttpClient(FakeBlobs(), local_mode=False)
    with pytest.raises(UpstreamRefused, match="not on the open internet") as refused:
        door.notify("https://169.254.169.254/latest", HEADERS, BODY)
    assert (refused.value.error_code, refused.value.retryable) == ("address_refused", False)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://files.example/", "only https is spoken, not http"),
        ("https://files.example:8443/", "only port 443 is connected to, not 8443"),
        ("https://me:secret@files.example/", "addresses with a user name are not connected to"),
        ("https://2130706433/", "an IPv4 address is written as four plain numbers"),
        ("https://localhost/", "localhost is not on the open internet"),
        ("https://[::1]/", "::1 is not on the open internet"),
        ("https://a..example/", "this is no address"),
        ("nonsense", "this is no address"),
    ],
)
def test_whoever_registers_an_address_is_told_what_is_wrong(url: str, reason: str):
    with pytest.raises(UrlNotAllowed) as refused:
        check_public(url, local_mode=False)
    assert (str(refused.value), refused.value.http_status) == (reason, 400)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost:9/", "https://[::1]:9/"])
def test_on_one_machine_its_own_addresses_will_do(url: str):
    check_public(url, local_mode=True)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://me@127.0.0.1/", "x", "http://0x7f.1/"])
def test_but_not_what_is_no_address(door: SafeHttpClient, url: str):
    with pytest.raises(UrlNotAllowed):
        check_public(url, local_mode=True)
    with pytest.raises(UpstreamRefused):
        door.notify(url, HEADERS, BODY)
