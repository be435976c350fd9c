"""Webhook receivers that misbehave cost bounded time and memory."""

import gzip
import socket
import time

import pytest

from rushes.errors import UpstreamNoResponse, UpstreamRefused, UpstreamUnreachable, UrlNotAllowed
from rushes.http import client, ssrf
from rushes.http.client import SafeHttpClient
from rushes.http.ssrf import check_public
from tests.fakes import FakeBlobs
from tests.raw_http import Answer, RawServer, chunked, endless, reply
from tests.security.entry_points import HEADERS

BODY = b'{"type": "job.completed"}'
OK = b"HTTP/1.1 200 OK\r\n"
LOCAL_CLIENT = SafeHttpClient(FakeBlobs(), local_mode=True)


def test_post_webhook_sends_headers_and_body_unchanged(server: RawServer):
    server.answers["/hook"] = reply(b"thanks", "202 Accepted", retry_after="7")
    answer = LOCAL_CLIENT.post_webhook(f"{server.url}/hook?a=1#part", HEADERS, BODY)
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
def test_post_webhook_returns_any_status_and_follows_no_redirect(
    server: RawServer, status: str, location: str
):
    server.answers["/"] = reply(b"", status, location=location)
    assert LOCAL_CLIENT.post_webhook(server.url, HEADERS, BODY).status == int(status[:3])
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        endless(OK + b"\r\n", bytes(65536)),
        reply(bytes(5_000_000)),
        chunked(*[bytes(1000)] * 40),
        chunked(bytes(16 * 1024), end=False),
        reply(bytes(16 * 1024), content_length="99999999"),
    ],
    ids=["endless", "large", "in chunks", "cut after", "short of its length after"],
)
def test_post_webhook_keeps_the_first_16_kib(server: RawServer, answer: Answer):
    server.answers["/"] = answer
    webhook_reply = LOCAL_CLIENT.post_webhook(server.url, HEADERS, BODY)
    assert (webhook_reply.status, webhook_reply.body) == (200, bytes(16 * 1024))


def test_post_webhook_does_not_decode_the_response(server: RawServer):
    bomb = gzip.compress(bytes(100_000_000))[:20_000]
    server.answers["/"] = reply(bomb, content_encoding="gzip")
    assert LOCAL_CLIENT.post_webhook(server.url, HEADERS, BODY).body == bomb[: 16 * 1024]


@pytest.mark.parametrize(
    "answer",
    [
        endless(OK + b"x-long: ", b"x", 0.02),
        endless(OK + b"content-length: 10000\r\n\r\n", b"x", 0.02),
        endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.02),
        lambda _: time.sleep(60),
    ],
    ids=["slow head", "slow body", "not yet", "hangs"],
)
def test_post_webhook_ends_at_the_deadline(
    server: RawServer, answer: Answer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(client, "WEBHOOK_SECONDS", 1.0)
    server.answers["/"] = answer
    start = time.monotonic()
    with pytest.raises(UpstreamNoResponse, match="timeout") as raised:
        LOCAL_CLIENT.post_webhook(server.url, HEADERS, BODY)
    assert raised.value.error_code == "timeout"
    assert 0.9 < time.monotonic() - start < 30


def test_post_webhook_to_a_receiver_that_does_not_read_ends_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(client, "WEBHOOK_SECONDS", 1.0)
    start = time.monotonic()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,  # its queue takes us, and that is all
        pytest.raises(UpstreamNoResponse, match="timeout"),
    ):
        LOCAL_CLIENT.post_webhook(
            f"http://127.0.0.1:{listener.getsockname()[1]}/", HEADERS, bytes(32 << 20)
        )
    assert time.monotonic() - start < 30  # the write timeout is 45 s


def test_post_webhook_with_a_slow_name_server_ends_early(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ssrf, "RESOLVE_SECONDS", 0.2)

    def resolve_pointer(*_: object, **__: object) -> list[object]:
        time.sleep(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve_pointer)
    start = time.monotonic()
    with pytest.raises(UpstreamUnreachable):
        SafeHttpClient(FakeBlobs(), local_mode=False).post_webhook(
            "https://slow.example/", HEADERS, BODY
        )
    with pytest.raises(UrlNotAllowed, match="cannot be resolved"):
        check_public("https://slow.example/", local_mode=False)
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n", b"SSH-2.0-x\r\n", reply(b"x", content_length="9")],
    ids=["nothing", "half a head", "not HTTP", "half a body"],
)
def test_post_webhook_without_complete_response_is_broken(server: RawServer, answer: bytes):
    server.answers["/"] = answer
    with pytest.raises(UpstreamNoResponse) as raised:
        LOCAL_CLIENT.post_webhook(server.url, HEADERS, BODY)
    assert raised.value.error_code == "broken"
    assert (server.connections, len(server.received)) == (1, 1)


def test_post_webhook_to_closed_port_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UpstreamUnreachable) as raised:
        LOCAL_CLIENT.post_webhook(f"http://127.0.0.1:{port}/", HEADERS, BODY)
    assert raised.value.error_code == "refused"


def test_post_webhook_without_tls_is_tls(server: RawServer):
    server.answers[""] = b""
    with pytest.raises(UpstreamUnreachable) as raised:
        LOCAL_CLIENT.post_webhook(server.url.replace("http:", "https:"), HEADERS, BODY)
    assert raised.value.error_code == "tls"


def test_post_webhook_to_a_private_url_is_not_allowed():
    http_client = SafeHttpClient(FakeBlobs(), local_mode=False)
    with pytest.raises(UpstreamRefused, match="not a public host") as refused:
        http_client.post_webhook("https://169.254.169.254/latest", HEADERS, BODY)
    assert (refused.value.error_code, refused.value.retryable) == ("address_refused", False)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://files.example/", "url must use https (got http)"),
        ("https://files.example:8443/", "url must use port 443 (got 8443)"),
        ("https://me:secret@files.example/", "url must not have a user name"),
        ("https://2130706433/", "an IPv4 address must be in dotted-decimal form, as 192.0.2.1"),
        ("https://localhost/", "localhost is not a public host"),
        ("https://[::1]/", "::1 is not a public host"),
        ("https://a..example/", "url is not a valid URL"),
        ("nonsense", "url is not a valid URL"),
    ],
)
def test_check_public_names_the_problem(url: str, reason: str):
    with pytest.raises(UrlNotAllowed) as refused:
        check_public(url, local_mode=False)
    assert (str(refused.value), refused.value.http_status) == (reason, 400)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost:9/", "https://[::1]:9/"])
def test_check_public_allows_private_urls_in_local_mode(url: str):
    check_public(url, local_mode=True)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://me@127.0.0.1/", "x", "http://0x7f.1/"])
def test_check_public_refuses_invalid_urls_in_local_mode(url: str):
    with pytest.raises(UrlNotAllowed):
        check_public(url, local_mode=True)
    with pytest.raises(UpstreamRefused):
        LOCAL_CLIENT.post_webhook(url, HEADERS, BODY)
